#pragma once
#include <cstdint>
#include <functional>
#include <optional>

#include "jobs/attempt_lock.h"

// The processes that an earlier attempt of a command left, and their end.
namespace callsheet {
inline namespace v1 {

/// The bytes of an attempt's file that are locked, each for a question of its own.
enum class LockedByte : std::int64_t { tree = 0, director = 1, entry = 2 };

enum class GroupEnd {
  gone,       ///< nothing of it is alive
  killed,     ///< it was killed, and may take a moment to end
  unverified  ///< it may be one of strangers; nobody was signalled
};

/// Kills the recorded group if its leader is the very process that was recorded.
[[nodiscard]] GroupEnd endRecordedGroup(const AttemptLock::Record& record);

/// Kills the processes of this user that hold the tree's lock of the open file and neither attend to an attempt nor are
/// this process. `isStillMine` is asked last before each kill. Answers a pid that was found, or nothing.
[[nodiscard]] std::optional<pid_t> endStrayHolders(int descriptor, const std::function<bool()>& isStillMine);

}  // namespace v1
}  // namespace callsheet
