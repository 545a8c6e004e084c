#pragma once
#include <sys/types.h>

#include <functional>
#include <optional>

namespace callsheet {
inline namespace v1 {

/// Kills the processes of this user that hold a lock of the task's lock file: what a command left that outlived its
/// shim, or the shim itself. Nobody else ever has one. `isStillMine` is asked last before each kill. Answers a pid that
/// was found, or nothing.
[[nodiscard]] std::optional<pid_t> endStrayHolders(int lockFile, const std::function<bool()>& isStillMine);

}  // namespace v1
}  // namespace callsheet
