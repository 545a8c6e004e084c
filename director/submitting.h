#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/job_status.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// A job as the store takes it. The id is made when the options name none.
[[nodiscard]] NewJob newJobOf(std::string_view kind, std::uint32_t version, std::string parameters,
                              const SubmitOptions& options);
[[nodiscard]] Submission submissionOf(const SubmittedJob& job, const Answer& answer);
[[nodiscard]] JobStatus statusOf(const JobView& view, const std::vector<IncarnationRow>& incarnations);

}  // namespace v1
}  // namespace callsheet
