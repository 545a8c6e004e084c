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

}  // namespace v1
}  // namespace callsheet
