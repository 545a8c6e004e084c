#pragma once
#include <optional>
#include <string>

#include "api/owner_names.h"
#include "cli/terminal.h"
#include "core/job_store.h"
#include "jobs/command_outcome.h"

// A job as people read it, and what a command job left. All texts are safe for a terminal.
namespace callsheet {
inline namespace v1 {

/// "ready", "waiting/backoff", "done/failed", and behind it what was asked of a running attempt.
[[nodiscard]] std::string stateText(const JobRow& row);
[[nodiscard]] Colour stateColour(const JobRow& row);
/// A command as one could type it, any other job's parameters.
[[nodiscard]] std::string workText(const JobView& job);

/// What a command left; nothing for other jobs, and when it never ran.
[[nodiscard]] std::optional<CommandOutcome> commandOutcomeOf(const JobView& job);

/// A done job's own code: the command's exit code, 128 + signal, 0 for success, 124 when its time was over, 1 for any
/// other failure, 125 when it was canceled.
[[nodiscard]] int exitCodeOfJob(const JobView& job);
inline constexpr int exitFailed = 1;
inline constexpr int exitTimeOut = 124;
inline constexpr int exitCanceled = 125;  ///< also of a quarantined job: it has no result

}  // namespace v1
}  // namespace callsheet
