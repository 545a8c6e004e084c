#pragma once
#include <chrono>
#include <optional>

#include "cli/stop_signals.h"
#include "director/store_access.h"
#include "ipc/doorbell.h"

namespace callsheet {
inline namespace v1 {

/// Waits for the store to change, for commands that follow jobs. Lives on the main thread; the access and the signals
/// must outlive it.
class ChangeWatcher {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Begin to watch, then look: what changes in between is not missed.
  ChangeWatcher(StoreAccess& access, StopSignals& signals);

  /// Returns when something changed, when `also` is readable, or at `until`, or after a second, because a bell may be
  /// lost. The signal that asked to end, if one came.
  [[nodiscard]] std::optional<int> waitForChange(Time until = Time::max(), int also = -1);

 private:
  StopSignals& signals_;
  std::optional<DoorbellSocket> bell_;
};

}  // namespace v1
}  // namespace callsheet
