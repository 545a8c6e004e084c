#include "core/queue_counts.h"

#include <limits>

namespace callsheet {
inline namespace v1 {

CountsByOwner countByOwner(Rows& rows) {
  CountsByOwner counts;
  rows.scanWaiting({principalOwner, std::numeric_limits<std::int64_t>::min(), {}}, [&](const WaitingKey& key) {
    ++counts[key.owner].waiting;
    return true;
  });
  rows.scanReady({}, [&](const ReadyKey& key, JobID) {
    ++counts[key.owner].ready;
    return true;
  });
  rows.scanAttached({}, [&](const AttachedKey& key) {
    try {
      // The order is by holders too, so that the row must say whose it is; and a job may stand there twice.
      const auto row = rows.job(key.id);
      if (row && isRunning(*row) && attachedKeysOf(*row).keys[0] == key) ++counts[row->owner].running;
    } catch (const UnreadableRow&) {
    }
    return true;
  });
  return counts;
}

}  // namespace v1
}  // namespace callsheet
