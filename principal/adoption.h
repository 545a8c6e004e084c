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
/// in between. begin(), look(), lookAround() and fence() on the loop's thread; answers come on the store's. Throws
/// Error when the store cannot be read: the next look makes it good.
class Adoption {
 public:
  Adoption(JobStore& store, EventLoop& loop, const StoreDirectory& directory, IncarnationID self, LogSink log);
  ~Adoption();

  /// To be followed by lookAround(), which finds everything that was left before this principal, in whatever order the
  /// processes started.
  void begin();
  /// After a ring, of which there may be thousands a second: presences if some came or went, and incarnations that were
  /// closed since the last look.
  void lookAfterRing();
  /// Now and then: all rows. What failed is tried again, and who is open in the store without a presence is dead: its
  /// registration was written after it had given up, or the store was copied, or its run directory cleared.
  void lookAround();
  /// A hung director: from the commit on nothing it does counts.
  void fence(IncarnationID incarnation);
  /// Waits until no slice is under way, and begins no more.
  void stop();

 private:
  struct State;
  /// `presence` is kept locked until the last slice, so that the dead identity cannot come back, and unlinked then.
  void take(IncarnationID incarnation, Closing how, const std::shared_ptr<DeadPresence>& presence);
  void lookAtRows();

  const StoreDirectory& directory_;
  EventLoop& loop_;
  std::shared_ptr<State> state_;
  std::uint64_t closuresSeen_ = 0;
  std::unique_ptr<PresenceWatcher> watcher_;
};

}  // namespace v1
}  // namespace callsheet
