#include "director/executor_life.h"

namespace callsheet {
inline namespace v1 {

void registerExecutor(StoreAccess& access, IncarnationID incarnation, const std::string& name,
                      std::vector<std::string> kinds) {
  const Answer answer =
      access.store().applySurely(RegisterIncarnation{incarnation, name, Role::executor, {}, std::move(kinds)});
  if (!isAccepted(answer.verdict))
    throw Error(answer.verdict == Verdict::refused ? ErrorKind::invalid : ErrorKind::unavailable,
                "the executor could not be registered: " + answer.why);
  access.doorbell().ringPrincipal();
}

ExecutorLife::ExecutorLife(StoreAccess& access, EventLoop& loop, const std::string& name,
                           std::vector<std::string> kinds, std::function<void()> onRing)
    : access_(access),
      incarnation_(makeIncarnationID()),
      presence_(PresenceLock::acquire(access.directory(), incarnation_, PresenceInfo::ofThisProcess(name, "executor"))),
      bell_(DoorbellSocket::bindExecutor(access.directory(), incarnation_)) {
  try {
    registerExecutor(access, incarnation_, name, std::move(kinds));
  } catch (const Error& error) {
    // Only a refusal is certain; otherwise the principal must find a dead one.
    if (error.kind() == ErrorKind::invalid) presence_.releaseAndUnlink();
    throw;
  }
  bellWatch_ = loop.watchFd(bell_.descriptor(), [this, onRing = std::move(onRing)] {
    bell_.drain();
    onRing();
  });
}

ExecutorLife::~ExecutorLife() {
  bellWatch_ = FdWatch{};
}

std::string ExecutorLife::close() {
  bellWatch_ = FdWatch{};
  const Answer answer = access_.store().apply(CloseIncarnation{incarnation_, Closing::stopped, incarnation_});
  return isAccepted(answer.verdict) ? std::string() : answer.why;
}

}  // namespace v1
}  // namespace callsheet
