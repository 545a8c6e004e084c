#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "callsheet/uuid.h"
#include "ipc/board.h"

namespace callsheet {
inline namespace v1 {

/// Finds directors that live but hang: whose slot stood still for a whole lease although they owe beats. Pure: time and
/// board are given to it. Not thread-safe; for the principal's loop.
class LeaseWatch {
 public:
  /// `period` is how often tick() is going to be called.
  LeaseWatch(std::chrono::nanoseconds lease, std::chrono::nanoseconds period) : lease_(lease), period_(period) {}

  /// Who has stood still for a lease by now; told again at each tick until the slot moves, rests or is gone. Every
  /// lease starts anew at the first tick, and at one that comes later than two periods: then we slept ourselves, or the
  /// machine did.
  [[nodiscard]] std::vector<IncarnationID> tick(std::int64_t nowNanos, std::span<const BoardEntry> entries);

 private:
  struct Seen {
    std::uint64_t sequence = 0;
    std::int64_t since = 0;  // nowNanos
  };

  std::chrono::nanoseconds lease_;
  std::chrono::nanoseconds period_;
  std::int64_t lastTick_ = 0;
  std::map<IncarnationID, Seen> seen_;
};

}  // namespace v1
}  // namespace callsheet
