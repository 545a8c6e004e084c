#include "ipc/presence_watcher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "callsheet/errors.h"
#include "ipc/ofd_lock.h"
#include "ipc/process_state.h"

namespace callsheet {
inline namespace v1 {

namespace {
// A process with much memory or a core dump to write lets go late; who holds on for longer is not the dead process.
constexpr std::int64_t endingNanosMax = 2'000'000'000;
// The kernel's file times move in steps of some milliseconds, so that a second change may not show.
constexpr std::int64_t settlingNanos = 100'000'000;

constexpr std::int64_t nanosOf(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// 0 when it cannot be told.
std::int64_t lastChange(const StoreDirectory& store) {
  struct stat status {};
  if (::fstatat(store.descriptor(), StoreDirectory::presences, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return nanosOf(status.st_ctim);
}

// Whether a later change is bound to show as another time. Not while the wall clock stands before the change.
bool isSettled(std::int64_t change) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanosOf(now) - change > settlingNanos;
}
}  // namespace

PresenceWatcher::PresenceWatcher(EventLoop& loop, const StoreDirectory& store, std::function<void(DeadPresence)> onDead)
    : loop_(loop),
      store_(store),
      onDead_(std::move(onDead)),
      pidNamespace_(pidNamespaceInode()),
      alive_(std::make_shared<PresenceWatcher*>(this)) {}

PresenceWatcher::~PresenceWatcher() {
  const bool ran = loop_.run([this] {
    alive_.reset();
    entries_.clear();
  });
  if (!ran) entries_.clear();
}

void PresenceWatcher::rescan() {
  post(&PresenceWatcher::look);
}

void PresenceWatcher::rescanIfChanged() {
  post(&PresenceWatcher::lookIfChanged);
}

void PresenceWatcher::post(void (PresenceWatcher::*look)()) {
  loop_.post([weak = std::weak_ptr(alive_), look] {
    // Not kept locked: onDead may destroy the watcher, and look() must notice.
    PresenceWatcher* watcher = nullptr;
    if (const auto alive = weak.lock()) watcher = *alive;
    if (watcher != nullptr) (watcher->*look)();
  });
}

void PresenceWatcher::lookIfChanged() {
  if (changeSeen_ == 0 || lastChange(store_) != changeSeen_) look();
}

void PresenceWatcher::look() {
  std::vector<Presence> presences;
  changeSeen_ = 0;
  try {
    removeAbandonedPresences(store_);
    const std::int64_t change = lastChange(store_);
    presences = listPresences(store_);
    if (isSettled(change)) changeSeen_ = change;
  } catch (const Error&) {
    return;  // out of descriptors, most likely; the next rescan comes
  }
  std::set<IncarnationID> present;
  for (const Presence& presence : presences) present.insert(presence.incarnation);
  std::erase_if(entries_, [&](const auto& entry) { return !present.contains(entry.first); });
  const std::weak_ptr watching = alive_;
  for (const Presence& presence : presences) {
    meet(presence);
    if (watching.expired()) return;  // onDead destroyed this watcher
  }
}

void PresenceWatcher::meet(const Presence& presence) {
  const IncarnationID incarnation = presence.incarnation;
  auto& entry = entries_[incarnation];
  const bool isNew = entry == nullptr;
  if (isNew) entry = std::make_unique<Entry>(loop_);
  if (!presence.held) {
    deliver(incarnation);
    return;
  }
  // Its end is not the end of this process, or its pid means nothing here: then the lock alone tells.
  if (!isNew || presence.info.pid == ::getpid() || presence.info.pidNamespace != pidNamespace_) return;
  auto begin = ProcessWatcher::Begin::blind;
  try {
    begin =
        entry->process.watch(store_, incarnation, presence.info.pid, [this, incarnation] { beginEnding(incarnation); });
  } catch (const Error&) {
    entries_.erase(incarnation);  // met anew at the next rescan
    return;
  }
  if (begin == ProcessWatcher::Begin::watching) entry->phase = Phase::watched;
  if (begin == ProcessWatcher::Begin::dead) beginEnding(incarnation);
}

void PresenceWatcher::beginEnding(IncarnationID incarnation) {
  Entry& entry = *entries_.at(incarnation);
  if (entry.phase == Phase::delivered) return;
  entry.phase = Phase::ending;
  entry.attempt = 0;
  entry.endingSince = nowNanos();
  entry.retry = loop_.makeTimer([this, incarnation] { tryEnding(incarnation); });
  tryEnding(incarnation);
}

void PresenceWatcher::tryEnding(IncarnationID incarnation) {
  Entry& entry = *entries_.at(incarnation);
  if (entry.phase != Phase::ending || deliver(incarnation)) return;
  if (nowNanos() - entry.endingSince > endingNanosMax) {
    entry.phase = Phase::held;
    return;
  }
  entry.retry.once(retryDelay(++entry.attempt));
}

bool PresenceWatcher::deliver(IncarnationID incarnation) {
  std::optional<DeadPresence> dead;
  try {
    dead = tryTakeDead(store_, incarnation);
  } catch (const Error&) {
    return false;
  }
  if (!dead) return false;
  entries_.at(incarnation)->phase = Phase::delivered;
  // A copy, because onDead may destroy this watcher; nothing of it is touched afterwards.
  const auto onDead = onDead_;
  [&]() noexcept { onDead(std::move(*dead)); }();
  return true;
}

}  // namespace v1
}  // namespace callsheet
