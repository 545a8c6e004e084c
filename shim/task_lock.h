#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "shim/protocol.h"
#include "shim/task_spec.h"

namespace callsheet {
inline namespace v1 {

/// The lock of a task's directory, as a shim holds it (shim/protocol.h). Both are held until they are closed.
struct TaskLock {
  int tree = -1;  ///< what the command inherits
  int own = -1;
};

/// Takes both locks, waiting for as long as the spec says, and then sees whether the attempt may begin. `running` when
/// it may; else why not, with errno where a file is the reason.
[[nodiscard]] ShimStep takeTaskLock(int directory, const TaskSpec& spec, TaskLock& lock);

/// What the lock file says of the attempt.
struct ShimRecord {
  pid_t shim = 0;
  std::uint64_t shimStart = 0;
  pid_t leader = 0;
  std::uint64_t leaderStart = 0;
  std::string_view end = taskEnd::none;
  std::int32_t code = 0;
  std::int64_t finishedAt = 0;  ///< UTC us
};
/// Safe in a forked child.
[[nodiscard]] bool writeTaskRecord(int lock, const TaskSpec& spec, const ShimRecord& record);

}  // namespace v1
}  // namespace callsheet
