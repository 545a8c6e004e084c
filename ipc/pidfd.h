#pragma once
#include <sys/types.h>

#include <cstdint>

#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// A descriptor of whatever process has this pid now; it never comes to mean another one, and becomes readable when the
/// process has ended. Closed, with errno, when there is none or the kernel is older than 5.3.
[[nodiscard]] FileDescriptor openPidfd(pid_t pid);

/// Signals the process that the descriptor was opened for, and no other. Whether it could be.
bool signalThroughPidfd(const FileDescriptor& process, int signal);

/// Kills the process that has this pid and this start time, and no other: the start time is compared after the pidfd
/// was opened. False when it is not there any more or may not be killed.
bool killThroughPidfd(pid_t pid, std::uint64_t startTime);

}  // namespace v1
}  // namespace callsheet
