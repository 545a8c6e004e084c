#pragma once
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "core/queue_row.h"
#include "core/rows.h"

namespace callsheet {
inline namespace v1 {

/// How many jobs stand in one owner's queue, or in a named one; the done ones stand in none.
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

/// How many more jobs of a named queue may be handed out now.
[[nodiscard]] std::uint32_t roomOf(Rows& rows, std::string_view queue);

/// A named queue as it stands.
struct QueueState {
  QueueRow row;        ///< its settings; the usual ones where nothing is set
  bool isSet = false;  ///< whether somebody has set them
  QueueCounts counts;
  friend bool operator==(const QueueState&, const QueueState&) = default;
};

/// By name: the queues that have settings, and those with open jobs. Walks as countByOwner does.
[[nodiscard]] std::vector<QueueState> statesOfQueues(Rows& rows);

}  // namespace v1
}  // namespace callsheet
