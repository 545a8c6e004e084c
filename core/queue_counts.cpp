#include "core/queue_counts.h"

#include <limits>

#include "core/running_jobs.h"

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
  forEachRunning(rows, [&](const JobRow& row) { ++counts[row.owner].running; });
  return counts;
}

std::uint32_t roomOf(Rows& rows, std::string_view queue) {
  const QueueRow* const row = rows.queue(queue);
  return row == nullptr ? std::numeric_limits<std::uint32_t>::max() : row->room();
}

std::vector<QueueState> statesOfQueues(Rows& rows) {
  std::map<std::string, QueueState, std::less<>> states;
  rows.scanReady({}, [&](const ReadyKey& key, JobID) {
    ++states[key.queue].counts.ready;
    return true;
  });
  forEachRunning(rows, [&](const JobRow& row) { ++states[row.queue].counts.running; });
  rows.scanWaiting({principalOwner, std::numeric_limits<std::int64_t>::min(), {}}, [&](const WaitingKey& key) {
    try {
      const auto row = rows.job(key.id);
      if (row && row->state == JobState::waiting) ++states[row->queue].counts.waiting;
    } catch (const UnreadableRow&) {
    }
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
