#include "ipc/pidfd.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipc/process_state.h"

namespace callsheet {
inline namespace v1 {

FileDescriptor openPidfd(pid_t pid) {
  // The kernel sets FD_CLOEXEC on every pidfd.
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool signalThroughPidfd(const FileDescriptor& process, int signal) {
  return ::syscall(SYS_pidfd_send_signal, process.number(), signal, nullptr, 0) == 0;
}

bool killThroughPidfd(pid_t pid, std::uint64_t startTime) {
  if (pid <= 0) return false;
  const FileDescriptor process = openPidfd(pid);
  if (!process.isOpen()) return false;
  const auto state = processState(pid);
  if (!state || state->startTime != startTime) return false;
  return signalThroughPidfd(process, SIGKILL);
}

}  // namespace v1
}  // namespace callsheet
