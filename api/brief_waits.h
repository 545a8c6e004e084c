#pragma once
#include <chrono>
#include <functional>
#include <list>

#include "ipc/event_loop.h"

namespace callsheet {
inline namespace v1 {

/// Answers that wait for a moment: what they wait for is in files, of which nobody tells. Looks every few milliseconds
/// while there is one, and costs nothing else. Lives on the loop's thread.
class BriefWaits {
 public:
  /// True when it has answered. `isLast`: its time is over, and it answers now. Must not throw.
  using Look = std::function<bool(bool isLast)>;

  explicit BriefWaits(EventLoop& loop);
  /// Looks at once; after stop() for the last time.
  void add(std::chrono::milliseconds patience, Look look);
  /// Gives all of them their last look.
  void stop();

 private:
  using SteadyClock = std::chrono::steady_clock;
  struct Waiting {
    Look look;
    SteadyClock::time_point until;
  };
  void lookAtAll();

  std::list<Waiting> waiting_;
  bool isStopped_ = false;
  Timer timer_;  // last: it calls back
};

}  // namespace v1
}  // namespace callsheet
