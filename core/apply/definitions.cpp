#include <algorithm>

#include "callsheet/limits.h"
#include "core/apply/lane_move.h"
#include "core/running_jobs.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Laning = DefinitionRow::Laning;

constexpr std::int64_t leastRank = std::numeric_limits<std::int64_t>::min();

void startLaning(DefinitionRow& row) {
  row.laning = Laning::closing;
  row.runningFrom = AttachedKey{};
  row.readyFrom = ReadyKey{};
}

AttachedKey behind(AttachedKey key) {
  for (std::size_t i = 16; i-- > 0;)
    if (++key.id.value.bytes[i] != 0) return key;
  return key;  // there is no such id
}
}  // namespace

SweepAnswer Application::operator()(const PutDefinitions& verb) {
  SweepAnswer answer;
  answer.verdict = Verdict::alreadyApplied;
  std::vector<const Definition*> changed;
  std::size_t newOnes = 0;
  for (const Definition& one : verb.definitions) {
    const DefinitionRow* const before = rows_.definition(one.kind);
    if (before == nullptr) ++newOnes;
    if (before != nullptr && !before->isDeleted && static_cast<const Definition&>(*before) == one)
      answer.more = answer.more || before->laning != Laning::done;
    else
      changed.push_back(&one);
  }
  std::size_t count = newOnes;
  if (newOnes > 0) rows_.scanDefinitions([&](const DefinitionRow&) { return ++count <= limits::definitionsMax; });
  if (count > limits::definitionsMax) {
    answer.verdict = Verdict::refused;
    answer.why =
        "the store would have more than " + std::to_string(limits::definitionsMax) + " definitions, which is the limit";
    return answer;
  }
  for (const Definition* one : changed) {
    DefinitionRow after;
    static_cast<Definition&>(after) = *one;
    replaceDefinition(std::move(after), answer);
  }
  return answer;
}

SweepAnswer Application::operator()(const DeleteDefinition& verb) {
  SweepAnswer answer;
  const DefinitionRow* const before = rows_.definition(verb.kind);
  if (before == nullptr) {
    answer.verdict = Verdict::notFound;
    answer.why = "the kind '" + verb.kind + "' is not defined";
    return answer;
  }
  if (before->isDeleted) {
    answer.verdict = Verdict::alreadyApplied;
    answer.more = true;
    return answer;
  }
  DefinitionRow after;
  after.kind = verb.kind;
  after.isDeleted = true;
  replaceDefinition(std::move(after), answer);
  return answer;
}

void Application::replaceDefinition(DefinitionRow after, SweepAnswer& answer) {
  answer.verdict = Verdict::ok;
  DefinitionRow before;
  if (const auto* stored = rows_.definition(after.kind)) before = *stored;
  after.version = before.version + 1;
  after.updatedAt = now_.utcMicros;
  after.laning = before.laning;
  after.runningFrom = before.runningFrom;
  after.readyFrom = before.readyFrom;
  if (after.concurrencyLimit != before.concurrencyLimit || after.concurrencyPath != before.concurrencyPath)
    startLaning(after);
  const std::string kind = after.kind;
  // A new rate begins with a full bucket.
  if (after.rate != before.rate) rows_.putLane(after.kind, 0, {});
  rows_.putDefinition(after);
  relane(std::move(after), limits::sliceRowsMax, answer);
  touchPlaces(kind);
}

SweepAnswer Application::operator()(const Relane& verb) {
  SweepAnswer answer;
  answer.verdict = Verdict::ok;
  std::vector<DefinitionRow> open;
  rows_.scanDefinitions([&](const DefinitionRow& row) {
    if (row.laning != Laning::done || row.isDeleted) open.push_back(row);
    return open.size() < verb.limit;
  });
  for (DefinitionRow& row : open) {
    if (answer.moved >= verb.limit)
      answer.more = true;
    else
      relane(std::move(row), verb.limit, answer);
  }
  if (open.size() == verb.limit) answer.more = true;  // there may be more of them
  return answer;
}

void Application::touchPlaces(const std::string& kind) {
  effects_.touch(principalOwner);  // whoever polls for the kind, too, when nothing is ready yet
  forEachPlace(kind, [&](const LanePlace& place) { effects_.touch(place.first); });
}

void Application::relane(DefinitionRow row, std::uint32_t limit, SweepAnswer& answer) {
  const bool wasLaning = row.laning != Laning::done;
  while (row.laning != Laning::done && answer.moved < limit) {
    if (row.laning == Laning::closing)
      closeLanes(row, limit, answer);
    else if (row.laning == Laning::running)
      relaneRunning(row, limit, answer);
    else
      relaneReady(row, limit, answer);
    rows_.putDefinition(row);
  }
  if (row.laning != Laning::done) {
    answer.more = true;
  } else {
    if (row.isDeleted) rows_.eraseDefinition(row.kind);
    if (wasLaning) touchPlaces(row.kind);
  }
}

void Application::closeLanes(DefinitionRow& row, std::uint32_t limit, SweepAnswer& answer) {
  std::vector<OpenLaneKey> open;
  OpenLaneKey from{{}, row.kind, {}, leastRank, 0, 0};
  bool isMore = true;
  while (isMore && answer.moved + open.size() < limit) {
    isMore = false;
    rows_.scanOpenLanes(from, [&](const OpenLaneKey& key) {
      if (key.kind == row.kind) {
        open.push_back(key);
        from = key;
        ++from.lane;  // hashes: none is the last number of all
        isMore = answer.moved + open.size() < limit;
        return isMore;
      }
      ReadyKey next;
      isMore = advance(next, {key.owner, key.kind, key.queue, 0, 0, 0}, row.kind);
      from = {next.owner, row.kind, next.queue, leastRank, 0, 0};
      return false;
    });
  }
  for (const OpenLaneKey& key : open) rows_.eraseOpenLane(key);
  answer.moved += static_cast<std::uint32_t>(open.size());
  if (answer.moved >= limit) return;
  row.laning = Laning::running;
}

void Application::relaneRunning(DefinitionRow& row, std::uint32_t limit, SweepAnswer& answer) {
  std::vector<AttachedKey> keys;
  rows_.scanAttached(row.runningFrom, [&](const AttachedKey& key) {
    keys.push_back(key);
    return answer.moved + keys.size() < limit;
  });
  for (const AttachedKey& key : keys) {
    row.runningFrom = behind(key);
    try {
      auto job = rows_.job(key.id);
      if (!job || job->kind != row.kind || !isRunning(*job)) continue;
      const JobFacts before = *job;
      job->lane = laneOfReady(*job, nullptr);
      if (job->lane != before.lane) touchUp(before, *job);
    } catch (const UnreadableRow&) {
      continue;  // its deadline or its holder's end will set it aside
    }
  }
  answer.moved += static_cast<std::uint32_t>(keys.size());
  if (answer.moved >= limit) return;
  row.laning = Laning::ready;
  row.runningFrom = AttachedKey{};
  row.readyFrom.rank = leastRank;
  rows_.putDefinition(row);  // from now on lanes open
}

void Application::relaneReady(DefinitionRow& row, std::uint32_t limit, SweepAnswer& answer) {
  std::vector<std::pair<ReadyKey, JobID>> found;
  ReadyKey from = row.readyFrom;
  from.kind = row.kind;
  bool isMore = true;
  while (isMore && answer.moved + found.size() < limit) {
    isMore = false;
    rows_.scanReady(from, [&](const ReadyKey& key, JobID id) {
      if (key.kind == row.kind) {
        found.emplace_back(key, id);
        from = key;
        ++from.sequence;
        isMore = answer.moved + found.size() < limit;
        return isMore;
      }
      isMore = advance(from, key, row.kind);
      return false;
    });
  }
  for (const auto& [key, id] : found) {
    auto job = rowAt(key, id);
    if (!job) continue;
    const JobFacts before = *job;
    job->lane = laneOfReady(*job, nullptr);
    if (job->lane != before.lane) touchUp(before, *job);
    const bool isOpen = job->lane != 0 && isLaneOpen(job->kind, job->lane);
    if (isOpen) replaceHead({}, headOfLane(job->owner, job->kind, job->queue, job->lane));
    effects_.touch(job->owner);
  }
  answer.moved += static_cast<std::uint32_t>(found.size());
  row.readyFrom = from;
  row.readyFrom.kind.clear();  // it is the row's own
  if (answer.moved >= limit) return;
  row.laning = Laning::done;
  row.readyFrom = ReadyKey{};
}

void Application::recountLanes() {
  std::vector<DefinitionRow> limited;
  rows_.scanDefinitions([&](const DefinitionRow& row) {
    if (row.hasLanes() || row.laning != Laning::done) limited.push_back(row);
    return true;
  });
  if (limited.empty()) return;
  std::vector<std::pair<std::string, std::uint64_t>> lanes;
  rows_.scanLanes([&](const std::string& kind, std::uint64_t lane) {
    if (lane != 0) lanes.emplace_back(kind, lane);
    return true;
  });
  for (const auto& [kind, lane] : lanes) rows_.putLane(kind, lane, {});
  forEachRunning(rows_, [&](const JobRow& row) {
    if (row.lane != 0) countLane(row.kind, row.lane, 1);
  });
  for (DefinitionRow& row : limited) {
    startLaning(row);
    rows_.putDefinition(row);
  }
}

}  // namespace v1
}  // namespace callsheet
