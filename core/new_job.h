#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "callsheet/submit_options.h"
#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// A job as the store takes it. The id is made when the options name none.
[[nodiscard]] NewJob newJobOf(std::string_view kind, std::uint32_t version, std::string parameters,
                              const SubmitOptions& options);

/// The same work again, as a new job that begins with what the done one's steps gave. Without the key: it still stands
/// for the former job, and whoever does a job again means it to run.
[[nodiscard]] NewJob againOf(const JobRow& row, const JobBody& body);

}  // namespace v1
}  // namespace callsheet
