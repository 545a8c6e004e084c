#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// Where a job stands. The arrows between them are core/transitions.h.
enum class JobState : std::uint8_t { waiting, ready, requested, inProgress, done };

/// What a waiting job waits for.
enum class WaitReason : std::uint8_t { none, due, backoff, sleep, external, dependency, quarantine };

/// How a done job ended.
enum class JobOutcome : std::uint8_t { none, succeeded, failed, canceled };

/// How a kind runs: a C++ type, a command, a script, an HTTP call, or an executor that takes it.
enum class Runner : std::uint8_t { native, command, script, http, remote };

[[nodiscard]] std::string_view toString(JobState state);
[[nodiscard]] std::string_view toString(WaitReason reason);
[[nodiscard]] std::string_view toString(JobOutcome outcome);
[[nodiscard]] std::string_view toString(Runner runner);

/// By its name, as toString() gives it; nothing for any other text.
[[nodiscard]] std::optional<JobState> jobStateNamed(std::string_view name);
/// Of a job that is done, so never `none`.
[[nodiscard]] std::optional<JobOutcome> jobOutcomeNamed(std::string_view name);

}  // namespace v1
}  // namespace callsheet
