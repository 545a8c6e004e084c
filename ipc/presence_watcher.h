#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "callsheet/uuid.h"
#include "ipc/event_loop.h"
#include "ipc/presence_lock.h"
#include "ipc/process_watcher.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// The principal's eye on all presences of its store: hands over each dead one, held, within milliseconds of the death.
/// Lives on the loop's thread; the constructor, rescan() and the destructor may be called on any.
class PresenceWatcher {
 public:
  /// `onDead` runs on the loop's thread. Who drops the DeadPresence without unlink() gets it again at a later rescan.
  PresenceWatcher(EventLoop& loop, const StoreDirectory& store, std::function<void(DeadPresence)> onDead);
  PresenceWatcher(const PresenceWatcher&) = delete;
  PresenceWatcher& operator=(const PresenceWatcher&) = delete;
  ~PresenceWatcher();

  /// Looks at the directory again: for new presences, and for those whose lock was let go by a process that lives on.
  /// To be called at start, when the principal's bell rings, and now and then. Never throws: what cannot be read now is
  /// looked at the next time.
  void rescan();
  /// The same, unless no presence came or went since the last look at the directory. A lock that was let go by a
  /// process that lives on changes no directory, so this alone is not enough.
  void rescanIfChanged();

 private:
  enum class Phase {
    watched,    // held by a process that we watch
    ending,     // its process is gone or going: the lock is tried again and again
    held,       // held, and nothing to watch: only rescan() looks at it
    delivered,  // onDead has it
  };
  struct Entry {
    explicit Entry(EventLoop& loop) : process(loop) {}
    Phase phase = Phase::held;
    ProcessWatcher process;
    Timer retry;
    unsigned attempt = 0;
    std::int64_t endingSince = 0;  // nowNanos()
  };

  void post(void (PresenceWatcher::*look)());
  void look();
  void lookIfChanged();
  void meet(const Presence& presence);
  void beginEnding(IncarnationID incarnation);
  void tryEnding(IncarnationID incarnation);
  bool deliver(IncarnationID incarnation);

  EventLoop& loop_;
  const StoreDirectory& store_;
  std::function<void(DeadPresence)> onDead_;
  std::uint64_t pidNamespace_;
  // Posted calls hold it weakly and find out that the watcher is gone.
  std::shared_ptr<PresenceWatcher*> alive_;
  // The loop's thread only.
  std::map<IncarnationID, std::unique_ptr<Entry>> entries_;
  std::int64_t changeSeen_ = 0;  // the directory's last change when it was listed; 0: it may have changed since
};

}  // namespace v1
}  // namespace callsheet
