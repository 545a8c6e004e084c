#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// What /proc says of a process. A pid together with its start time names one process; a pid alone may be used again.
struct ProcessState {
  char letter = '?';            ///< R S D T t Z X as in /proc/PID/stat, of the main thread
  std::uint64_t startTime = 0;  ///< ticks since boot

  [[nodiscard]] bool isStoppedOrTraced() const { return letter == 'T' || letter == 't'; }
  [[nodiscard]] bool isDiskSleep() const { return letter == 'D'; }
  /// A zombie: its memory and locks are gone.
  [[nodiscard]] bool isEnded() const { return letter == 'Z' || letter == 'X'; }
};

/// Nothing when there is no such process in this PID namespace.
[[nodiscard]] std::optional<ProcessState> processState(pid_t pid);

/// The same, but 'D' also when the main thread is not stopped and any other thread is in disk sleep: a store is written
/// on a thread of its own.
[[nodiscard]] std::optional<ProcessState> writerProcessState(pid_t pid);

/// The inode that names this process's PID namespace. Pids mean something only together with it.
[[nodiscard]] std::uint64_t pidNamespaceInode();

/// Names this boot of the machine. Throws Error when /proc is not there.
[[nodiscard]] Uuid currentBootID();

}  // namespace v1
}  // namespace callsheet
