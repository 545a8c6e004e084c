#pragma once
#include <sys/types.h>

#include <cstdint>

// The processes that descend from this one. The shim is their subreaper: whose parent ends becomes its own child, so
// that none can get away from it.
namespace callsheet {
inline namespace v1 {

/// Of /proc/PID/stat.
struct ProcessFacts {
  pid_t parent = 0;
  std::uint64_t startTime = 0;  ///< ticks after boot
};
/// False when there is no such process.
[[nodiscard]] bool readProcessFacts(pid_t pid, ProcessFacts& facts);

/// From now on what is to be killed is killed by this control group as well, all of it at once.
void useGroup(int directory);

/// Sends the signal to every descendant, parents before their children. A pid that was used again is never signalled.
void signalTree(int signal);

/// Kills all descendants until none is left; calls `reap` for what has ended. False when some are left after
/// `patienceMillis`, which takes another user's process, or one that the kernel does not let go of.
[[nodiscard]] bool killTree(std::int64_t patienceMillis, void (*reap)());

}  // namespace v1
}  // namespace callsheet
