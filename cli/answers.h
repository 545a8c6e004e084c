#pragma once
#include "callsheet/errors.h"
#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// The Error for a verb that the store did not accept; `subject` begins the sentence, such as "job 1a2b3c4d".
[[nodiscard]] Error errorOf(const Answer& answer, const std::string& subject);

}  // namespace v1
}  // namespace callsheet
