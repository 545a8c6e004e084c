#include <limits>
#include <map>

#include "callsheet/limits.h"
#include "core/apply/application.h"
#include "core/names.h"
#include "core/running_jobs.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t leastRank = std::numeric_limits<std::int64_t>::min();
}  // namespace

void Application::countInQueue(const JobFacts& before, const JobRow& after) {
  const bool wasRunning = isRunning(before);
  if (wasRunning == isRunning(after)) return;
  const QueueRow* const stored = rows_.queue(after.queue);
  if (stored == nullptr || (wasRunning && stored->running == 0)) return;
  QueueRow row = *stored;
  const bool hadRoom = row.room() > 0;
  row.running += wasRunning ? -1u : 1u;
  rows_.putQueue(row);
  if (!hadRoom && row.room() > 0) touchQueue(row.name);
}

void Application::recountQueues() {
  std::map<std::string, QueueRow> all;
  rows_.scanQueues([&](const QueueRow& row) {
    all[row.name] = row;
    return true;
  });
  if (all.empty()) return;
  for (auto& [name, row] : all) row.running = 0;
  forEachRunning(rows_, [&](const JobRow& job) {
    const auto found = all.find(job.queue);
    if (found != all.end()) ++found->second.running;
  });
  for (const auto& [name, row] : all) {
    rows_.putQueue(row);
    touchQueue(name);
  }
}

void Application::touchQueue(const std::string& queue) {
  effects_.touch(principalOwner);  // whoever polls for its jobs, too
  ReadyKey from{{}, {}, queue, 0, leastRank, 0};
  for (bool isMore = true; isMore;) {
    isMore = false;
    rows_.scanReady(from, [&](const ReadyKey& key, JobID) {
      isMore = true;
      if (key.queue == queue) effects_.touch(key.owner);
      from = {key.owner, key.kind, queue, 0, leastRank, 0};
      if (key.queue >= queue) from.kind += behindName;
      return false;
    });
  }
}

Answer Application::operator()(const SetQueue& verb) {
  const QueueRow* const stored = rows_.queue(verb.name);
  QueueRow row;
  row.name = verb.name;
  if (stored != nullptr) row = *stored;
  const QueueRow before = row;
  if (verb.parallel) row.parallel = *verb.parallel;
  if (verb.isPaused) row.isPaused = *verb.isPaused;
  const bool isUsual = row.parallel == 0 && !row.isPaused;
  if (row == before && (stored != nullptr || (isUsual && !verb.mustBeNew))) return {Verdict::alreadyApplied, {}};
  if (stored != nullptr && verb.mustBeNew)
    return {Verdict::conflict, "the queue '" + verb.name + "' is there already, with other settings"};
  if (stored == nullptr) {
    std::size_t count = 0;
    rows_.scanQueues([&](const QueueRow&) { return ++count < limits::queuesMax; });
    if (count >= limits::queuesMax)
      return {Verdict::refused, "the store has " + std::to_string(limits::queuesMax) +
                                    " queues with settings, which is the limit; remove one that is not needed"};
    forEachRunning(rows_, [&](const JobRow& job) { row.running += job.queue == row.name ? 1 : 0; });
  }
  rows_.putQueue(row);
  if (row.room() > 0) touchQueue(row.name);
  return {Verdict::ok, {}};
}

Answer Application::operator()(const DeleteQueue& verb) {
  if (rows_.queue(verb.name) == nullptr)
    return {Verdict::notFound, "nothing is set for a queue '" + verb.name + "'; `callsheet queue list` shows them"};
  rows_.eraseQueue(verb.name);
  touchQueue(verb.name);
  return {Verdict::ok, {}};
}

}  // namespace v1
}  // namespace callsheet
