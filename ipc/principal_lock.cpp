#include "ipc/principal_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "callsheet/errors.h"
#include "core/crash_point.h"
#include "ipc/process_state.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr const char* lockName = "principal.lock";
// Written by one pwrite over the former text, so that nobody ever reads an empty or a mixed one.
constexpr std::size_t textBytes = 1024;

}  // namespace

PrincipalLock PrincipalLock::signedBy(OfdLock lock, IncarnationID incarnation, const PresenceInfo& info) {
  crashPoint("principal.locked");
  std::string text = info.toText(incarnation);
  text.resize(textBytes, '\n');
  const ssize_t written = ::pwrite(lock.descriptor(), text.data(), text.size(), 0);
  // On a full disk the principal is needed most; holder() sees that a former one's text names nobody who lives.
  if (written < 0 && errno != ENOSPC && errno != EDQUOT) throw systemError("cannot write principal.lock", errno);
  return PrincipalLock(std::move(lock));
}

std::optional<PrincipalLock> PrincipalLock::tryAcquire(const StoreDirectory& store, IncarnationID incarnation,
                                                       const PresenceInfo& info) {
  return acquireWithin(store, incarnation, info, std::chrono::nanoseconds::zero());
}

std::optional<PrincipalLock> PrincipalLock::acquireWithin(const StoreDirectory& store, IncarnationID incarnation,
                                                          const PresenceInfo& info, std::chrono::nanoseconds patience) {
  OfdLock lock = OfdLock::open(store.descriptor(), lockName);
  if (!lock.lockWithin(patience)) return std::nullopt;
  return signedBy(std::move(lock), incarnation, info);
}

PrincipalLock PrincipalLock::acquire(const StoreDirectory& store, IncarnationID incarnation, const PresenceInfo& info) {
  OfdLock lock = OfdLock::open(store.descriptor(), lockName);
  lock.lock();
  return signedBy(std::move(lock), incarnation, info);
}

std::optional<PresenceInfo> PrincipalLock::holder(const StoreDirectory& store) {
  const FileDescriptor file(::openat(store.descriptor(), lockName, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!file.isOpen() || !OfdLock::isLockedByOther(file.number())) return std::nullopt;
  char bytes[textBytes];
  const ssize_t size = ::pread(file.number(), bytes, sizeof bytes, 0);
  PresenceInfo info = PresenceInfo::parse(std::string_view(bytes, size > 0 ? static_cast<std::size_t>(size) : 0));
  // The text may be a former holder's: then do not blame a process that is gone.
  if (info.pidNamespace == pidNamespaceInode()) {
    const auto state = processState(info.pid);
    if (!state || state->startTime != info.startTime) info.pid = 0;
  }
  return info;
}

}  // namespace v1
}  // namespace callsheet
