#include "principal/stopped_readers.h"

#include <algorithm>

namespace callsheet {
inline namespace v1 {

std::vector<StoppedReaders::Found> StoppedReaders::look(std::int64_t nowNanos, std::uint64_t lastCommit,
                                                        std::span<const SnapshotReader> readers,
                                                        const StateOf& stateOf) {
  // A longer gap was our own sleep, which counts against nobody.
  if (lastLook_) awakeNanos_ += std::clamp<std::int64_t>(nowNanos - *lastLook_, 0, 2 * period_.count());
  lastLook_ = nowNanos;

  std::map<Standing, std::int64_t> stillSince;
  std::vector<Found> found;
  for (const SnapshotReader& reader : readers) {
    if (reader.snapshot >= lastCommit) continue;  // it pins nothing that somebody could use
    const auto process = stateOf(reader.pid);
    if (!process || !process->isStoppedOrTraced()) continue;
    const Standing standing{reader.pid, process->startTime, reader.snapshot};
    const auto known = since_.find(standing);
    const std::int64_t since = known != since_.end() ? known->second : awakeNanos_;
    const bool isNew = stillSince.emplace(standing, since).second;
    if (isNew && known != since_.end() && awakeNanos_ - since >= limit_.count())
      found.push_back({reader.pid, process->startTime, process->letter});
  }
  since_ = std::move(stillSince);
  return found;
}

}  // namespace v1
}  // namespace callsheet
