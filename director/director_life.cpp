#include "director/director_life.h"

#include <unistd.h>

#include "core/crash_point.h"
#include "director/executor_life.h"

namespace callsheet {
inline namespace v1 {

namespace {
// Looking for a free slot on a full board asks the kernel about a thousand processes.
constexpr unsigned slotRetryTicks = 8;
}  // namespace

DirectorLife::DirectorLife(const Place& place, std::function<void()> onRing)
    : place_(place),
      incarnation_(makeIncarnationID()),
      onRing_(std::move(onRing)),
      presence_(PresenceLock::acquire(place.access.directory(), incarnation_,
                                      PresenceInfo::ofThisProcess(place.mode.name(), std::string(place.mode.role())))),
      bell_(place.mode.isExecutor() ? DoorbellSocket::bindExecutor(place.access.directory(), incarnation_)
                                    : DoorbellSocket::bind(place.access.directory(), incarnation_)),
      slot_(place.board.takeSlotIfAny(incarnation_, ::getpid(), place.options.mayBeKilledAsWriter)) {
  if (!slot_ && place.options.log)
    place.options.log(LogLevel::warning,
                      "there is no room for this director on the board; until there is, nobody notices if it hangs");
  // Before it is in the store: a slot that was never written would prove nothing about a director that is stopped then.
  beat();
  try {
    // The bell hangs already, so nothing that is submitted from the first moment on goes unheard.
    if (place.mode.isPrincipal()) {
      Sweeps::Options sweeps;
      sweeps.lease = place.options.lease;
      sweeps.keepDoneFor = place.options.keepDoneFor;
      sweeps.keepDoneCount = place.options.keepDoneCount;
      sweeps.log = place.options.log;
      sweeps.readerLimit = place.options.writerLimit;
      principal_ = std::make_unique<PrincipalRole>(
          PrincipalRole::Place{place.access.directory(), place.access.store(), place.loop, place.board}, incarnation_,
          place.kinds, std::move(sweeps), onRing_);
    } else if (place.mode.isExecutor()) {
      registerExecutor(place.access, incarnation_, place.mode.name(), place.kinds);
    } else {
      const AssistantRole role(place.access.store(), place.access.directory(), incarnation_, place.mode.name(),
                               place.kinds);
      // A dead holder of the name may have left jobs, and the principal should watch this one.
      place.access.doorbell().ringPrincipal();
    }
  } catch (const Error& error) {
    slot_.reset();
    // Only a refusal is certain. Otherwise the row may be there, or come yet: then the principal must find a dead one.
    if (error.kind() == ErrorKind::conflict || error.kind() == ErrorKind::invalid) presence_.releaseAndUnlink();
    throw;
  }
  crashPoint("director.registered");
}

DirectorLife::~DirectorLife() {
  bellWatch_ = FdWatch{};
}

void DirectorLife::begin() {
  bellWatch_ = place_.loop.watchFd(bell_.descriptor(), [this] {
    bell_.drain();
    onRing_();
  });
  if (principal_) principal_->begin();
}

void DirectorLife::beat() {
  // Also while there is nothing to do: whoever stands still cannot say that work came meanwhile. Who runs no jobs owes
  // nothing.
  if (slot_ && place_.options.runsJobs) slot_->beat();
}

void DirectorLife::tick() {
  if (!slot_ && ++ticksWithoutSlot_ % slotRetryTicks == 0)
    slot_ = place_.board.takeSlotIfAny(incarnation_, ::getpid(), place_.options.mayBeKilledAsWriter);
  beat();
  if (principal_) principal_->tick();
}

void DirectorLife::close() {
  if (principal_) principal_->leave();
  const Answer answer = place_.access.store().apply(CloseIncarnation{incarnation_, Closing::stopped, incarnation_});
  crashPoint("stop.closed");
  if (!isAccepted(answer.verdict) && place_.options.log)
    place_.options.log(LogLevel::warning, "the director's incarnation was not closed: " + answer.why);
  abandon();
}

void DirectorLife::abandon() {
  bellWatch_ = FdWatch{};
  if (principal_) principal_->leave();
  slot_.reset();
  bell_.close();
  principal_.reset();
}

}  // namespace v1
}  // namespace callsheet
