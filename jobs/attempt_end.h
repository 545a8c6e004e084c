#pragma once
#include <optional>
#include <string>

#include "core/verbs.h"

// The verbs that end an attempt: Succeed, Fail, Transfer, Suspend, Unclaim.
namespace callsheet {
inline namespace v1 {

[[nodiscard]] const AttemptRef& attemptOf(const Verb& end);

/// A failure is as good without the jobs that were to follow on it: that one; nothing for any other verb.
[[nodiscard]] std::optional<Verb> failAlone(const Verb& end, const std::string& why);

/// What is stored of an attempt whose outcome was refused, because it cannot be stored and never will be: a failure
/// with nothing but the reason. Nothing when that was refused already.
[[nodiscard]] std::optional<Verb> bareFailOf(const Verb& end, const std::string& why);

}  // namespace v1
}  // namespace callsheet
