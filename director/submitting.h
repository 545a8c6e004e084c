#pragma once
#include <vector>

#include "callsheet/job_status.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

[[nodiscard]] Submission submissionOf(const SubmittedJob& job, const Answer& answer);
[[nodiscard]] JobStatus statusOf(const JobView& view, const std::vector<IncarnationRow>& incarnations);

}  // namespace v1
}  // namespace callsheet
