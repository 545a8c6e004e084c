#include "cli/stop_signals.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

StopSignals::StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0)
    throw systemError("signals cannot be blocked", error);
  descriptor_ = FileDescriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor_.isOpen()) throw systemError("signals cannot be awaited", errno);
}

std::optional<int> StopSignals::take() {
  signalfd_siginfo info{};
  if (::read(descriptor_.number(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace v1
}  // namespace callsheet
