#include <algorithm>

#include "core/apply/lane_move.h"
#include "core/names.h"
#include "core/queue_counts.h"

namespace callsheet {
inline namespace v1 {

bool advance(ReadyKey& from, const ReadyKey& found, const std::string& kind) {
  from = {found.owner, kind, {}, 0, std::numeric_limits<std::int64_t>::min(), 0};
  if (found.kind == kind) from.queue = found.queue + behindName;
  if (found.kind <= kind) return true;
  // The next owner.
  for (std::size_t i = 16; i-- > 0;)
    if (++from.owner.value.bytes[i] != 0) return true;
  return false;
}

Application::LaneMove::LaneMove(Application& application, const JobFacts* before, const JobRow& after)
    : application_(application), row_(after) {
  if (before != nullptr) add(before->lane, *before, -1);
  add(after.lane, after, 1);
}

void Application::LaneMove::add(std::uint64_t lane, const JobFacts& facts, int sign) {
  const bool stands = facts.state == JobState::ready || isRunning(facts);
  if (lane == 0 || !stands) return;
  if (count_ == 0 || lanes_[0].lane != lane) {
    lanes_[count_] = Lane{lane, application_.isLaneOpen(row_.kind, lane), 0, {}, {}};
    ++count_;
  }
  Lane& mine = lanes_[count_ - 1];
  if (isRunning(facts)) {
    mine.difference += sign;
    return;
  }
  const int place = mine.owners[0] ? 1 : 0;
  if (place == 1 && mine.owners[0] == facts.owner) return;
  mine.owners[place] = facts.owner;
  mine.heads[place] = application_.headOfLane(facts.owner, row_.kind, row_.queue, lane);
}

void Application::LaneMove::settle() {
  for (int i = 0; i < count_; ++i) settle(lanes_[i]);
}

void Application::LaneMove::settle(const Lane& lane) {
  if (lane.difference != 0) application_.countLane(row_.kind, lane.lane, lane.difference);
  const bool isOpen = application_.isLaneOpen(row_.kind, lane.lane);
  if (!lane.wasOpen && !isOpen) return;
  const auto headNow = [&](IncarnationID owner, const std::string& queue) {
    return application_.headOfLane(owner, row_.kind, queue, lane.lane);
  };
  for (int i = 0; i < 2 && lane.owners[i]; ++i)
    application_.replaceHead(lane.wasOpen ? lane.heads[i] : std::nullopt,
                             isOpen ? headNow(*lane.owners[i], row_.queue) : std::nullopt);
  if (lane.wasOpen == isOpen) return;
  application_.forEachPlace(row_.kind, [&](const LanePlace& place) {
    const bool isSettled =
        place.second == row_.queue && (place.first == lane.owners[0] || place.first == lane.owners[1]);
    if (isSettled) return;
    const auto head = headNow(place.first, place.second);
    application_.replaceHead(isOpen ? std::nullopt : head, isOpen ? head : std::nullopt);
    if (isOpen && head) application_.effects_.touch(place.first);
  });
}

void Application::replaceHead(const std::optional<OpenLaneKey>& before, const std::optional<OpenLaneKey>& now) {
  if (before == now) return;
  if (before) rows_.eraseOpenLane(*before);
  if (now) rows_.putOpenLane(*now);
}

std::optional<OpenLaneKey> Application::headOfLane(IncarnationID owner, const std::string& kind,
                                                   const std::string& queue, std::uint64_t lane) {
  OpenLaneKey head{owner, kind, queue, std::numeric_limits<std::int64_t>::min(), 0, lane};
  bool isThere = false;
  rows_.scanReady({owner, kind, queue, lane, head.rank, 0}, [&](const ReadyKey& key, JobID) {
    isThere = isOfLane(key, head);
    head.rank = key.rank;
    head.sequence = key.sequence;
    return false;
  });
  if (!isThere) return std::nullopt;
  return head;
}

bool Application::isLaneOpen(const std::string& kind, std::uint64_t lane) {
  const DefinitionRow* const definition = rows_.definition(kind);
  if (definition == nullptr || !definition->hasLanes()) return false;
  const bool hasOpenOnes =
      definition->laning == DefinitionRow::Laning::done || definition->laning == DefinitionRow::Laning::ready;
  return hasOpenOnes && rows_.lane(kind, lane).running < definition->concurrencyLimit;
}

void Application::forEachPlace(const std::string& kind, const std::function<void(const LanePlace&)>& visit) {
  std::vector<LanePlace> places;
  ReadyKey from{{}, kind, {}, 0, std::numeric_limits<std::int64_t>::min(), 0};
  for (bool isMore = true; isMore;) {
    isMore = false;
    rows_.scanReady(from, [&](const ReadyKey& key, JobID) {
      if (key.kind == kind) places.emplace_back(key.owner, key.queue);
      isMore = advance(from, key, kind);
      return false;
    });
  }
  for (const LanePlace& place : places) visit(place);
}

std::uint64_t Application::laneOfReady(const JobRow& row, const JobBody* body) {
  const DefinitionRow* const definition = rows_.definition(row.kind);
  if (definition == nullptr || !definition->hasLanes()) return 0;
  if (definition->concurrencyPath.empty()) return laneOf(*definition, {});
  try {
    if (body != nullptr) return laneOf(*definition, body->parameters);
    const auto stored = rows_.body(row.id);
    return laneOf(*definition, stored ? stored->parameters : std::string());
  } catch (const UnreadableRow&) {
    return laneOf(*definition, {});  // the claim that comes upon it sets it aside
  }
}

void Application::countLane(const std::string& kind, std::uint64_t lane, int difference) {
  LaneRow row = rows_.lane(kind, lane);
  if (difference < 0 && row.running == 0) return;
  row.running += static_cast<std::uint32_t>(difference);
  rows_.putLane(kind, lane, row);
}

void Application::setAside(const PlaceKey& place, JobID id) {
  const auto* ready = std::get_if<ReadyKey>(&place);
  if (ready == nullptr || ready->lane == 0) return rows_.setAside(place, id);
  const auto head = [&] { return headOfLane(ready->owner, ready->kind, ready->queue, ready->lane); };
  const bool isOpen = isLaneOpen(ready->kind, ready->lane);
  const auto before = isOpen ? head() : std::nullopt;
  rows_.setAside(place, id);
  if (isOpen) replaceHead(before, head());
}

namespace {
using Head = std::pair<ReadyKey, JobID>;

bool isBefore(const Head& a, const Head& b) {
  return std::tie(a.first.rank, a.first.sequence) < std::tie(b.first.rank, b.first.sequence);
}

/// The first jobs of one queue, at most so many.
class Best {
 public:
  explicit Best(std::size_t depth) : depth_(depth) {}
  [[nodiscard]] bool takes(std::int64_t rank, std::uint64_t sequence) const {
    return heads_.size() < depth_ ||
           std::tie(rank, sequence) < std::tie(heads_.back().first.rank, heads_.back().first.sequence);
  }
  /// Whether another one had to go.
  [[nodiscard]] bool take(Head head) {
    heads_.insert(std::upper_bound(heads_.begin(), heads_.end(), head, isBefore), std::move(head));
    if (heads_.size() <= depth_) return false;
    heads_.pop_back();
    return true;
  }
  void moveTo(std::vector<Head>& all) {
    all.insert(all.end(), std::make_move_iterator(heads_.begin()), std::make_move_iterator(heads_.end()));
  }

 private:
  std::size_t depth_;
  std::vector<Head> heads_;
};
}  // namespace

std::vector<OpenLaneKey> Application::firstOpenLanes(IncarnationID owner, const std::string& kind,
                                                     const std::string& fromQueue, std::size_t limit) {
  std::vector<OpenLaneKey> lanes;
  rows_.scanOpenLanes({owner, kind, fromQueue, std::numeric_limits<std::int64_t>::min(), 0, 0},
                      [&](const OpenLaneKey& key) {
                        if (key.owner != owner || key.kind != kind || lanes.size() == limit) return false;
                        if (!lanes.empty() && key.queue != lanes.front().queue) return false;
                        lanes.push_back(key);
                        return true;
                      });
  return lanes;
}

void Application::headsOfLanes(const DefinitionRow& definition, IncarnationID owner, std::size_t depth, bool& cut,
                               std::vector<std::pair<ReadyKey, JobID>>& heads) {
  std::string from;
  for (;;) {
    // The first jobs of a queue stand in the first of its lanes.
    const auto lanes = firstOpenLanes(owner, definition.kind, from, depth + 1);
    if (lanes.empty()) return;
    from = lanes.front().queue + behindName;
    if (roomOf(rows_, lanes.front().queue) == 0) continue;
    Best best(depth);
    for (const OpenLaneKey& lane : lanes) {
      if (!best.takes(lane.rank, lane.sequence)) {
        cut = true;
        break;
      }
      std::uint32_t room = definition.concurrencyLimit - rows_.lane(definition.kind, lane.lane).running;
      rows_.scanReady({owner, definition.kind, lane.queue, lane.lane, lane.rank, lane.sequence},
                      [&](const ReadyKey& key, JobID id) {
                        if (!isOfLane(key, lane) || room == 0) return false;
                        const bool isTaken = best.takes(key.rank, key.sequence);
                        cut = cut || !isTaken;
                        if (isTaken && best.take({key, id})) cut = true;
                        --room;
                        return isTaken;
                      });
    }
    best.moveTo(heads);
  }
}

bool Application::takeToken(const DefinitionRow& definition, std::int64_t& nextDueAt) {
  LaneRow row = rows_.lane(definition.kind, 0);
  const Tokens tokens = tokensOf(definition.rate, row, now_);
  if (tokens.count == 0) {
    nextDueAt = std::min(nextDueAt, tokens.nextAt);
    return false;
  }
  const std::int64_t fullAt = row.bootID == now_.bootID ? std::max(row.fullAtNanos, now_.bootNanos) : now_.bootNanos;
  row.fullAtNanos = fullAt + rateStepNanos(definition.rate);
  row.bootID = now_.bootID;
  rows_.putLane(definition.kind, 0, row);
  return true;
}

}  // namespace v1
}  // namespace callsheet
