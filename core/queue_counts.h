#pragma once
#include <cstdint>
#include <map>

#include "core/rows.h"

namespace callsheet {
inline namespace v1 {

/// How many jobs stand in one owner's queue; the done ones stand in none.
struct QueueCounts {
  std::uint64_t waiting = 0;
  std::uint64_t ready = 0;
  std::uint64_t running = 0;  ///< the requested ones too
  [[nodiscard]] std::uint64_t all() const { return waiting + ready + running; }
  friend bool operator==(const QueueCounts&, const QueueCounts&) = default;
};

/// By owner; one with no open job is left out.
using CountsByOwner = std::map<IncarnationID, QueueCounts>;

/// Walks the orders of the open jobs alone, so that what is done costs nothing. Of jobs that cannot be read those count
/// that still wait their turn, until they are set aside.
[[nodiscard]] CountsByOwner countByOwner(Rows& rows);

}  // namespace v1
}  // namespace callsheet
