#include "callsheet/job_state.h"

#include <array>

#include "core/memo_row.h"

namespace callsheet {
inline namespace v1 {

namespace {
template <std::size_t size>
std::string_view nameAt(const std::array<std::string_view, size>& names, std::uint8_t index) {
  return index < size ? names[index] : "unknown";
}
/// The one of the values up to `last` that is called so.
template <class Value>
std::optional<Value> valueNamed(std::string_view name, Value first, Value last) {
  for (auto i = static_cast<std::uint8_t>(first); i <= static_cast<std::uint8_t>(last); ++i)
    if (name == toString(static_cast<Value>(i))) return static_cast<Value>(i);
  return std::nullopt;
}
}  // namespace

std::string_view toString(JobState state) {
  static constexpr std::array<std::string_view, 5> names{"waiting", "ready", "requested", "in-progress", "done"};
  return nameAt(names, static_cast<std::uint8_t>(state));
}

std::string_view toString(WaitReason reason) {
  static constexpr std::array<std::string_view, 7> names{"",         "due",        "backoff",   "sleep",
                                                         "external", "dependency", "quarantine"};
  return nameAt(names, static_cast<std::uint8_t>(reason));
}

std::string_view toString(JobOutcome outcome) {
  static constexpr std::array<std::string_view, 4> names{"", "succeeded", "failed", "canceled"};
  return nameAt(names, static_cast<std::uint8_t>(outcome));
}

std::string_view toString(Runner runner) {
  static constexpr std::array<std::string_view, 5> names{"native", "command", "script", "http", "remote"};
  return nameAt(names, static_cast<std::uint8_t>(runner));
}

std::optional<JobState> jobStateNamed(std::string_view name) {
  return valueNamed(name, JobState::waiting, JobState::done);
}

std::optional<JobOutcome> jobOutcomeNamed(std::string_view name) {
  return valueNamed(name, JobOutcome::succeeded, JobOutcome::canceled);
}

std::string_view toString(MemoState state) {
  static constexpr std::array<std::string_view, 5> names{"waiting", "succeeded", "failed", "pending", "running"};
  return nameAt(names, static_cast<std::uint8_t>(state));
}

}  // namespace v1
}  // namespace callsheet
