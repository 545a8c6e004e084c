#pragma once
#include <signal.h>

#include <thread>
#include <utility>

namespace callsheet {
inline namespace v1 {

/// Starts a thread that no signal to the process comes to: a library's threads must not run the host's handlers, nor
/// take a signal from whoever waits for it.
template <class Body>
[[nodiscard]] std::thread quietThread(Body body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // A fault is the thread's own, and the host may have a handler that tells of it.
  for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS}) ::sigdelset(&all, fault);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  try {
    thread = std::thread(std::move(body));
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace v1
}  // namespace callsheet
