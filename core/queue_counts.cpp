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

std::vector<QueueState> statesOfQueues(Rows& rows) {
  std::map<std::string, QueueState, std::less<>> states;
  rows.scanReady({}, [&](const ReadyKey& key, JobID) {
    ++states[key.queue].counts.ready;
    return true;
  });
  const auto countRow = [&](JobID id, const AttachedKey* place) {
    try {
      const auto row = rows.job(id);
      if (!row) return;
      if (row->state == JobState::waiting && place == nullptr) ++states[row->queue].counts.waiting;
      if (isRunning(*row) && place != nullptr && attachedKeysOf(*row).keys[0] == *place)
        ++states[row->queue].counts.running;
    } catch (const UnreadableRow&) {
    }
  };
  rows.scanWaiting({principalOwner, std::numeric_limits<std::int64_t>::min(), {}}, [&](const WaitingKey& key) {
    countRow(key.id, nullptr);
    return true;
  });
  rows.scanAttached({}, [&](const AttachedKey& key) {
    countRow(key.id, &key);
    return true;
  });
  rows.scanQueues([&](const QueueRow& row) {
    QueueState& state = states[row.name];
    state.row = row;
    state.isSet = true;
    return true;
  });
  std::vector<QueueState> all;
  for (auto& [name, state] : states) {
    state.row.name = name;
    all.push_back(std::move(state));
  }
  return all;
}

}  // namespace v1
}  // namespace callsheet
