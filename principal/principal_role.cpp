#include "principal/principal_role.h"

#include <unistd.h>

#include <random>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {
PrincipalLock takeLock(const StoreDirectory& directory, IncarnationID self) {
  const PresenceInfo info = PresenceInfo::ofThisProcess({}, "principal");
  if (auto lock = PrincipalLock::tryAcquire(directory, self, info)) return std::move(*lock);
  const auto holder = PrincipalLock::holder(directory);
  std::string who = "another process";
  if (holder && holder->pid != 0)
    who = holder->pid == ::getpid() ? "this process itself" : "process " + std::to_string(holder->pid);
  throw Error(ErrorKind::conflict,
              who + " is the principal of " + directory.dataPath() + "; stop it first, or join as an assistant");
}

IncarnationID openPrincipal(JobStore& store) {
  for (const IncarnationRow& row : store.incarnations())
    if (row.isOpen() && row.role == Role::principal) return row.id;
  return {};
}
}  // namespace

PrincipalRole::PrincipalRole(const Place& place, IncarnationID self, std::vector<std::string> kinds,
                             Sweeps::Options options, std::function<void()> onRing)
    : place_(place),
      self_(self),
      onRing_(std::move(onRing)),
      troubles_(options.log),
      lock_(takeLock(place.directory, self)),
      bell_(DoorbellSocket::bindPrincipal(place.directory, lock_)),
      adoption_(place.store, place.loop, place.directory, self, options.log),
      scheduler_(place.store, place.loop, clock_, self, options.log),
      sweeps_(place.directory, place.store, place.board, self, [&] {
        options.onHung = [this](IncarnationID incarnation) { adoption_.fence(incarnation); };
        return std::move(options);
      }()) {
  // The lock is ours, so an open principal in the store is a dead one.
  const Answer answer = place.store.applySurely(
      RegisterIncarnation{self, {}, Role::principal, openPrincipal(place.store), std::move(kinds)});
  if (!isAccepted(answer.verdict))
    throw Error(ErrorKind::unavailable, "the principal could not be registered: " + answer.why);
  adoptFromFormerPrincipals();
}

/// Before the first claim, so that the commands that go on are counted by then. What does not succeed, or is more, is
/// adopted with all the rest.
void PrincipalRole::adoptFromFormerPrincipals() {
  troubles_.guard("adopting from the former principal", [this] {
    for (const IncarnationRow& row : place_.store.incarnations()) {
      if (row.role != Role::principal || row.isOpen() || row.emptied) continue;
      static_cast<void>(place_.store.apply(Adopt{row.id, self_, limits::sliceRowsMax, std::random_device{}()}));
    }
  });
}

PrincipalRole::~PrincipalRole() {
  leave();
}

void PrincipalRole::begin() {
  place_.loop.run([this] {
    adoption_.begin();
    lookAround();
    bellWatch_ = place_.loop.watchFd(bell_.descriptor(), [this] { rung(); });
    scheduler_.begin();
  });
}

void PrincipalRole::rung() {
  bell_.drain();
  troubles_.guard("looking for what is to be adopted", [this] { adoption_.lookAfterRing(); });
  scheduler_.look();
  onRing_();
}

void PrincipalRole::tick() {
  lookAround();
  sweeps_.tick();
  scheduler_.tick();
}

void PrincipalRole::lookAround() {
  troubles_.guard("looking for what is to be adopted", [this] { adoption_.lookAround(); });
}

void PrincipalRole::leave() {
  bellWatch_ = FdWatch{};
  scheduler_.stop();
  adoption_.stop();
}

}  // namespace v1
}  // namespace callsheet
