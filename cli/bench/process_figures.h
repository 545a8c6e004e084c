#pragma once
#include <sys/types.h>

#include <cstdint>

namespace callsheet {
inline namespace v1 {

/// How often the threads of a process went to sleep since they began: each wake-up ends with one.
[[nodiscard]] std::uint64_t sleepsOf(pid_t pid);

/// User and system time of all threads of this process.
[[nodiscard]] std::int64_t processorNanos();
/// The same of another process.
[[nodiscard]] std::int64_t processorNanosOf(pid_t pid);

struct ProcessMemory {
  double residentMiB = 0;
  double privateMiB = 0;  ///< what would come back if only this process ended
};
[[nodiscard]] ProcessMemory memoryOf(pid_t pid);

}  // namespace v1
}  // namespace callsheet
