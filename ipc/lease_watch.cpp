#include "ipc/lease_watch.h"

#include <utility>

namespace callsheet {
inline namespace v1 {

std::vector<IncarnationID> LeaseWatch::tick(std::int64_t nowNanos, std::span<const BoardEntry> entries) {
  const bool slept = nowNanos - std::exchange(lastTick_, nowNanos) > 2 * period_.count();
  if (slept) seen_.clear();

  std::map<IncarnationID, Seen> stillSeen;
  std::vector<IncarnationID> hung;
  for (const BoardEntry& entry : entries) {
    if (entry.beatBootNanos == 0) continue;  // it never beat, or it rests: that proves nothing
    const auto known = seen_.find(entry.incarnation);
    const bool stoodStill = known != seen_.end() && known->second.sequence == entry.sequence;
    const Seen now = stoodStill ? known->second : Seen{entry.sequence, nowNanos};
    stillSeen.emplace(entry.incarnation, now);
    if (nowNanos - now.since >= lease_.count()) hung.push_back(entry.incarnation);
  }
  seen_ = std::move(stillSeen);
  return hung;
}

}  // namespace v1
}  // namespace callsheet
