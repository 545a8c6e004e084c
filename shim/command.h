#pragma once
#include <sys/types.h>

#include <cstdint>

#include "shim/protocol.h"
#include "shim/task_lock.h"
#include "shim/task_spec.h"

namespace callsheet {
inline namespace v1 {

struct StartedCommand {
  ShimStep step = ShimStep::process;  ///< running, or what failed
  int errnoValue = 0;
  pid_t leader = 0;  ///< a child of this process, in a process group of its own; 0 when none is left
};

/// Starts the command with these as its standard output and error, and returns when its program runs or has failed. It
/// dies with this process. Of our descriptors it inherits the task's lock, as inheritedLockDescriptor, and no other.
[[nodiscard]] StartedCommand startCommand(const TaskSpec& spec, const TaskLock& lock, ShimRecord record, int output,
                                          int errors);

}  // namespace v1
}  // namespace callsheet
