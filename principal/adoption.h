#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "callsheet/log.h"
#include "core/incarnation_row.h"
#include "core/job_store.h"
#include "ipc/event_loop.h"
#include "ipc/presence_watcher.h"

namespace callsheet {
inline namespace v1 {

/// The principal's takeover of what closed incarnations leave: a death, a stop, a hang and a leftover from before its
/// own start go the same way. Closing and the first slice share a commit; further slices follow one by one, other work
/// in between. begin(), look() and fence() on the loop's thread; answers come on the store's.
class Adoption {
 public:
  Adoption(JobStore& store, EventLoop& loop, const StoreDirectory& directory, IncarnationID self, LogSink log);
  ~Adoption();

  /// Everything that was left before this principal: in whatever order the processes started.
  void begin();
  /// Now and then: new presences, and incarnations that were closed since the last look.
  void look();
  /// The same after a ring, of which there may be thousands a second: presences only if some came or went.
  void lookAfterRing();
  /// A hung director: from the commit on nothing it does counts.
  void fence(IncarnationID incarnation);
  /// Waits until no slice is under way, and begins no more.
  void stop();

 private:
  struct State;
  /// `presence` is kept locked until the last slice, so that the dead identity cannot come back, and unlinked then.
  void take(IncarnationID incarnation, Closing how, const std::shared_ptr<DeadPresence>& presence);
  void lookAtRows(bool isFirst);
  void lookAtClosures();

  const StoreDirectory& directory_;
  EventLoop& loop_;
  std::shared_ptr<State> state_;
  std::uint64_t closuresSeen_ = 0;
  std::unique_ptr<PresenceWatcher> watcher_;
};

}  // namespace v1
}  // namespace callsheet
