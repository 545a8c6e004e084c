#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/job_status.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// Whose jobs these would be stands in the options; the sender is the caller's to fill in. Throws Error(usage) for
/// options that cannot go together, or name another store than `director`'s.
[[nodiscard]] Submit submitOf(std::string_view kind, std::uint32_t version, std::vector<std::string> parameters,
                              const SubmitOptions& options, bool allOrNothing, const std::string& director);
/// One for each of its jobs.
[[nodiscard]] std::vector<Submission> submissionsOf(const Submit& verb, const Submit::Answer& answer);
[[nodiscard]] JobStatus statusOf(const JobView& view, const std::vector<IncarnationRow>& incarnations);

}  // namespace v1
}  // namespace callsheet
