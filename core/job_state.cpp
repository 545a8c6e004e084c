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

std::string_view toString(MemoState state) {
  static constexpr std::array<std::string_view, 5> names{"waiting", "succeeded", "failed", "pending", "running"};
  return nameAt(names, static_cast<std::uint8_t>(state));
}

}  // namespace v1
}  // namespace callsheet
