#pragma once
#include <string>

#include "callsheet/job_error_types.h"
#include "callsheet/job_node.h"

namespace callsheet {
inline namespace v1 {

/// What the exception that is being handled means when user code threw it: a failure that is stored. The control
/// exceptions (JobTransfer, JobSuspended, JobCanceled, AttemptNotBegun) are the caller's.
[[nodiscard]] detail::NodeOutcome outcomeOfException(const std::string& origin, const JobErrorTypes& errors);

}  // namespace v1
}  // namespace callsheet
