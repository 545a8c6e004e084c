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
    if (const auto alive = weak.lock()) (*alive)->look();
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
  auto& entry = entries_[presence.incarnation];
  const bool isNew = entry == nullptr;
  if (isNew) entry = std::make_unique<Entry>(loop_);
  if (!presence.held) {
    static_cast<void>(deliver(presence.incarnation));
    return;
  }
  if (!isNew) return;
  // Its end is not the end of this process, or its pid means nothing here: then the lock alone tells.
  if (presence.info.pid == ::getpid() || presence.info.pidNamespace != pidNamespace_) return;
  const IncarnationID incarnation = presence.incarnation;
  const auto begin = entry->process.watch(store_, incarnation, presence.info.pid, [this, incarnation] { beginEnding(incarnation); });
  if (begin == ProcessWatcher::Begin::watching) entry->phase = Phase::watched;
  if (begin == ProcessWatcher::Begin::dead) beginEnding(incarnation);
}

void PresenceWatcher::beginEnding(IncarnationID incarnation) {
  Entry& entry = *entries_.at(incarnation);
  entry.phase = Phase::ending;
  entry.attempt = 0;
  entry.endingSince = nowNanos();
  entry.retry = loop_.makeTimer([this, incarnation] { tryEnding(incarnation); });
  tryEnding(incarnation);
}

void PresenceWatcher::tryEnding(IncarnationID incarnation) {
  Entry& entry = *entries_.at(incarnation);
  if (entry.phase != Phase::ending) return;
  const std::weak_ptr watching = alive_;
  if (deliver(incarnation) || watching.expired()) return;
  if (presenceStateOf(store_, incarnation) == PresenceState::absent) {
    entries_.erase(incarnation);
    return;
  }
  if (nowNanos() - entry.endingSince > endingNanosMax) {
    entry.phase = Phase::held;
    return;
  }
  entry.retry.once(retryDelay(++entry.attempt));
}

bool PresenceWatcher::deliver(IncarnationID incarnation) {
  auto dead = tryTakeDead(store_, incarnation);
  if (!dead) return false;
  entries_.at(incarnation)->phase = Phase::delivered;
  onDead_(std::move(*dead));
  return true;
}

}  // namespace v1
}  // namespace callsheet
