#include <algorithm>

#include "callsheet/limits.h"
#include "core/apply/application.h"

namespace callsheet {
inline namespace v1 {

SweepAnswer Application::operator()(const Expire& verb) {
  SweepAnswer answer;
  answer.verdict = Verdict::ok;
  for (const DeadlineKey& key : passedDeadlines(verb.limit, answer.more)) {
    ++answer.moved;
    if (auto row = rowAt(key, key.id)) expire(*row, verb.random ^ answer.moved);
  }
  return answer;
}

std::vector<DeadlineKey> Application::passedDeadlines(std::uint32_t limit, bool& more) {
  std::vector<DeadlineKey> passed;
  const auto take = [&](const DeadlineKey& key) {
    more = passed.size() == limit;
    if (!more) passed.push_back(key);
    return !more;
  };
  const Uuid here = now_.bootID;
  // Deadlines of any other boot have passed, whatever their figure says.
  rows_.scanDeadlines({Uuid{}, 0, {}}, [&](const DeadlineKey& key) { return key.bootID < here && take(key); });
  if (!more)
    rows_.scanDeadlines({here, 0, {}}, [&](const DeadlineKey& key) {
      return key.bootID == here && key.deadlineNanos < now_.bootNanos && take(key);
    });
  JobID last;
  last.value.bytes.fill(0xFF);
  if (!more)
    rows_.scanDeadlines({here, never, last}, [&](const DeadlineKey& key) { return key.bootID != here && take(key); });
  return passed;
}

void Application::expire(JobRow& after, std::uint32_t random) {
  const JobFacts before = after;
  Move move = Move::startTimeOut;
  if (const auto other = overruled(before, after, false)) {
    move = *other;
  } else if (before.state == JobState::requested) {
    endAttempt(after);
    becomeReadyAgain(after, false);
  } else {
    move = failOrRetry(after, true, Move::deadline, random);
  }
  after.execID = ExecID{};
  if (move == Move::deadline)
    rows_.putResult(after.id, ResultRow{{}, {"deadline", "the attempt took longer than its limit", after.kind, {}}});
  if (before.holderKind == HolderKind::incarnation) effects_.touch(IncarnationID{before.holder});
  change(before, after, move, {}, "its time was over");
}

bool Application::remove(const JobRow& row) {
  try {
    const auto body = rows_.body(row.id);  // without a key too: what cannot be read is not dropped
    const auto key = body && !body->key.empty() ? rows_.businessKey(body->key) : std::nullopt;
    if (key && key->job == row.id) rows_.eraseBusinessKey(body->key);
    if (body) leaveSchedule(row.id, *body);
  } catch (const UnreadableRow&) {
    setAside(*doneKeyOf(row), row.id);
    return false;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    // The key's own row: it stays, and `check` names it.
  }
  rows_.eraseJob(row);
  return true;
}

SweepAnswer Application::operator()(const Prune& verb) {
  SweepAnswer answer;
  answer.verdict = Verdict::ok;
  const std::int64_t keptFrom = now_.utcMicros - limits::rowKeptMin.count();
  const std::int64_t ageFrom =
      verb.maxAgeMicros == 0 ? std::numeric_limits<std::int64_t>::min() : now_.utcMicros - verb.maxAgeMicros;
  std::uint64_t done = 0;
  for (const auto count : rows_.totals().done) done += count;
  std::uint64_t over = verb.maxCount != 0 && done > verb.maxCount ? done - verb.maxCount : 0;

  std::vector<JobRow> old;
  std::vector<DoneKey> unreadable;  // nothing unreadable is dropped: they stay, outside the order
  std::uint32_t looked = 0;
  std::uint64_t steps = 0;  // go with their jobs; a slice ends with the job that goes over the limit of one
  rows_.scanDone(verb.from, [&](const DoneKey& key) {
    if (key.finishedAt >= keptFrom) return false;
    if (over == 0 && key.finishedAt >= ageFrom) return false;
    if (steps >= limits::treeNodesMax || ++looked > verb.limit) {
      answer.more = true;
      answer.next = key;
      return false;
    }
    try {
      auto row = rows_.job(key.id);
      const bool isKept = row && row->keyUntil != never && row->keyUntil > now_.utcMicros;
      if (!row || isKept) return true;  // its key still answers for it
      steps += row->memoCount;
      old.push_back(std::move(*row));
    } catch (const UnreadableRow&) {
      unreadable.push_back(key);
      return true;
    }
    if (over > 0) --over;
    return true;
  });
  for (const DoneKey& key : unreadable) setAside(key, key.id);
  for (const JobRow& row : old)
    if (!hasDependents(row.id) && remove(row)) ++answer.moved;

  std::vector<IncarnationID> gone;
  rows_.scanIncarnations([&](const IncarnationRow& row) {
    if (!row.isOpen() && row.emptied && row.closedAt < std::max(ageFrom, keptFrom - 23 * limits::rowKeptMin.count()))
      gone.push_back(row.id);
    return gone.size() < verb.limit;
  });
  for (const IncarnationID id : gone) rows_.eraseIncarnation(id);
  answer.moved += static_cast<std::uint32_t>(gone.size());
  return answer;
}

}  // namespace v1
}  // namespace callsheet
