#include "director/executor_life.h"

namespace callsheet {
inline namespace v1 {

ExecutorLife::ExecutorLife(StoreAccess& access, EventLoop& loop, const std::string& name,
                           std::vector<std::string> kinds, std::function<void()> onRing)
    : access_(access),
      incarnation_(makeIncarnationID()),
      presence_(PresenceLock::acquire(access.directory(), incarnation_, PresenceInfo::ofThisProcess(name, "executor"))),
      bell_(DoorbellSocket::bindExecutor(access.directory(), incarnation_)) {
  const Answer answer =
      access.store().applySurely(RegisterIncarnation{incarnation_, name, Role::executor, {}, std::move(kinds)});
  if (!isAccepted(answer.verdict)) {
    // Only a refusal is certain; otherwise the principal must find a dead one.
    if (answer.verdict == Verdict::refused) presence_.releaseAndUnlink();
    throw Error(answer.verdict == Verdict::refused ? ErrorKind::invalid : ErrorKind::unavailable,
                "the executor could not be registered: " + answer.why);
  }
  bellWatch_ = loop.watchFd(bell_.descriptor(), [this, onRing = std::move(onRing)] {
    bell_.drain();
    onRing();
  });
  // So that a principal watches over it from now on.
  access.doorbell().ringPrincipal();
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
