#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "http/http_request.h"

namespace callsheet {
inline namespace v1 {

/// Throws what a job fails with whose exchange gave no answer that counts: JobCanceled, or a JobError of type `http`
/// that says whether another try may do better. `rejection`: why its reader wanted no more.
void requireAnswered(const HttpEnd& end, const std::string& rejection);
/// How much of the body of such an answer is of use.
inline constexpr std::size_t excerptBytes = 1024;
/// The same for an answer whose status is none of success. `body`: what has come of it.
void requireSuccess(const HttpEnd& end, std::string_view body);
/// Whether an answer of that status may be another one a while later.
[[nodiscard]] bool mayPass(int status);

}  // namespace v1
}  // namespace callsheet
