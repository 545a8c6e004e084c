#include "core/nearest_deadline.h"

#include <algorithm>

namespace callsheet {
inline namespace v1 {

std::int64_t nearestDeadline(Rows& rows, const Moment& now) {
  std::int64_t nearest = never;
  const auto look = [&](const DeadlineKey& key) {
    nearest =
        std::min(nearest, key.bootID == now.bootID ? key.deadlineNanos : std::numeric_limits<std::int64_t>::min());
    return false;
  };
  rows.scanDeadlines({Uuid{}, 0, {}}, look);
  rows.scanDeadlines({now.bootID, 0, {}}, look);
  JobID last;
  last.value.bytes.fill(0xFF);
  rows.scanDeadlines({now.bootID, never, last}, look);  // another boot's, which may stand behind this one's
  return nearest;
}

}  // namespace v1
}  // namespace callsheet
