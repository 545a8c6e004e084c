#include "ipc/presence_watcher.h"

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
  loop_.post([weak = std::weak_ptr(alive_)] {
    // Not kept locked: onDead may destroy the watcher, and look() must notice.
    PresenceWatcher* watcher = nullptr;
    if (const auto alive = weak.lock()) watcher = *alive;
    if (watcher != nullptr) watcher->look();
  });
}

void PresenceWatcher::look() {
  std::vector<Presence> presences;
  try {
    removeAbandonedPresences(store_);
    presences = listPresences(store_);
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
