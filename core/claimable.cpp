#include "core/claimable.h"

#include <algorithm>
#include <map>

#include "core/names.h"
#include "core/queue_counts.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t leastRank = std::numeric_limits<std::int64_t>::min();

std::size_t countReady(Rows& rows, const std::string& kind, std::size_t limit) {
  std::size_t count = 0;
  ReadyKey from{principalOwner, kind, {}, 0, leastRank, 0};
  for (bool isMore = true; isMore && count < limit;) {
    isMore = false;
    std::string queue;
    std::uint32_t room = 0;
    rows.scanReady(from, [&](const ReadyKey& key, JobID) {
      if (key.owner != principalOwner || key.kind != kind) return false;
      if (!isMore) room = roomOf(rows, queue = key.queue);
      isMore = true;
      if (key.queue != queue || room == 0) return false;
      --room;
      return ++count < limit;
    });
    from.queue = queue + behindName;
  }
  return count;
}

std::size_t countInLanes(Rows& rows, const DefinitionRow& definition, std::size_t limit) {
  std::map<std::uint64_t, std::size_t> roomOfLane;  // queues share a lane
  std::map<std::string, std::uint32_t> roomOfQueue;
  std::size_t count = 0;
  const auto countLane = [&](const OpenLaneKey& lane) {
    const std::uint32_t running = rows.lane(definition.kind, lane.lane).running;
    std::size_t& room =
        roomOfLane.try_emplace(lane.lane, definition.concurrencyLimit - std::min(running, definition.concurrencyLimit))
            .first->second;
    std::uint32_t& inQueue = roomOfQueue.try_emplace(lane.queue, roomOf(rows, lane.queue)).first->second;
    rows.scanReady({lane.owner, lane.kind, lane.queue, lane.lane, lane.rank, lane.sequence},
                   [&](const ReadyKey& key, JobID) {
                     if (!isOfLane(key, lane) || room == 0 || inQueue == 0) return false;
                     --room;
                     --inQueue;
                     return ++count < limit;
                   });
  };
  rows.scanOpenLanes({principalOwner, definition.kind, {}, leastRank, 0, 0}, [&](const OpenLaneKey& key) {
    if (key.owner != principalOwner || key.kind != definition.kind) return false;
    countLane(key);
    return count < limit;
  });
  return count;
}
}  // namespace

Claimable claimableRemotely(Rows& rows, const Moment& now, const std::vector<std::string>& kinds, std::size_t limit) {
  Claimable claimable;
  for (const std::string& kind : kinds) {
    const DefinitionRow* const definition = isValidKind(kind) ? rows.definition(kind) : nullptr;
    const bool isOffered = definition != nullptr && !definition->isDeleted && definition->runner == Runner::remote &&
                           definition->laning == DefinitionRow::Laning::done;
    std::size_t count = 0;
    if (isOffered)
      count = definition->hasLanes() ? countInLanes(rows, *definition, limit) : countReady(rows, kind, limit);
    if (count > 0 && definition->rate.count > 0) {
      const Tokens tokens = tokensOf(definition->rate, rows.lane(kind, 0), now);
      if (tokens.count == 0) claimable.nextDueAt = std::min(claimable.nextDueAt, tokens.nextAt);
      count = std::min<std::size_t>(count, tokens.count);
    }
    claimable.counts.push_back(count);
  }
  rows.scanWaiting({principalOwner, 0, {}}, [&](const WaitingKey& key) {
    if (key.owner == principalOwner) claimable.nextDueAt = std::min(claimable.nextDueAt, key.wakeAt);
    return false;
  });
  return claimable;
}

}  // namespace v1
}  // namespace callsheet
