#include <algorithm>

#include "callsheet/limits.h"
#include "core/apply/application.h"

// What a job of several steps remembers of them: results, and the named waits that suspend it.
namespace callsheet {
inline namespace v1 {

bool Application::addMemo(JobRow& row, const MemoRow& memo) {
  if (row.memoCount >= limits::treeNodesMax) return false;
  ++row.memoCount;
  MemoRow stored = memo;
  stored.storedAt = now_.utcMicros;
  stored.valueBytes = static_cast<std::uint32_t>(memo.value.size());
  rows_.putMemo(row.id, stored);
  return true;
}

namespace {
constexpr const char* tooManySteps = "the job has more steps than a job may remember";
}

AttemptAnswer Application::operator()(const SaveResult& verb) {
  Attempt attempt = find(verb.attempt, std::nullopt);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::inProgress) return answerOf(before, Verdict::illegal, "the attempt has not started");
  // Counted before the first write, so that a refusal has changed nothing.
  std::vector<const MemoRow*> finished;
  std::uint32_t added = 0;
  for (const MemoRow& memo : verb.memos) {
    const auto known = rows_.memo(after.id, memo.id);
    if (known && (known->isFinished() || !memo.isFinished())) continue;
    finished.push_back(&memo);
    if (!known) ++added;
  }
  if (finished.empty()) return answerOf(before, Verdict::alreadyApplied);
  if (before.memoCount + added > limits::treeNodesMax) return answerOf(before, Verdict::refused, tooManySteps);
  for (const MemoRow* memo : finished) {
    if (rows_.memo(after.id, memo->id)) --after.memoCount;  // of a wait that is over now, or twice in the list
    if (!addMemo(after, *memo)) return answerOf(before, Verdict::refused, tooManySteps);
  }
  ++after.version;
  rows_.updateJob(before, after);
  return answerOf(after);
}

AttemptAnswer Application::operator()(const Suspend& verb) {
  Attempt attempt = find(verb.attempt, Move::suspend);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::inProgress) return answerOf(before, Verdict::illegal, "the attempt has not started");
  std::int64_t wakeAt = never;
  bool isOver = false;
  std::vector<const MemoRow*> unknown;
  for (const MemoRow& wait : verb.waits) {
    const auto known = rows_.memo(after.id, wait.id);
    if (!known) unknown.push_back(&wait);
    isOver = isOver || (known && known->isFinished());
    wakeAt = std::min(wakeAt, known ? known->wakeAt : wait.wakeAt);
  }
  if (before.memoCount + unknown.size() > limits::treeNodesMax) return answerOf(before, Verdict::refused, tooManySteps);
  for (const MemoRow* wait : unknown)
    if (!rows_.memo(after.id, wait->id) && !addMemo(after, *wait)) break;
  after.lastEnd = Move::suspend;
  if (const auto other = overruled(before, after, false)) {
    change(before, after, *other, verb.attempt.sender);
    return answerOf(after);
  }
  endAttempt(after);
  after.holderDeaths = 0;
  if (isOver || wakeAt <= now_.utcMicros) {
    becomeReadyAgain(after, false);
  } else {
    after.state = JobState::waiting;
    after.waitingFor = wakeAt == never ? WaitReason::external : WaitReason::sleep;
    after.wakeAt = wakeAt;
  }
  change(before, after, Move::suspend, verb.attempt.sender, verb.waits.front().name);
  return answerOf(after);
}

AttemptAnswer Application::operator()(const CompleteExternal& verb) {
  auto job = rows_.job(verb.job);
  if (!job) {
    AttemptAnswer answer;
    answer.verdict = Verdict::notFound;
    answer.why = "no job has the id " + verb.job.toString();
    return answer;
  }
  JobRow& after = *job;
  const JobFacts before = after;
  const auto known = rows_.memo(after.id, verb.wait);
  if (known && known->isFinished()) return answerOf(before, Verdict::alreadyApplied);
  if (before.state == JobState::done) return answerOf(before, Verdict::illegal, "the job is done already");
  MemoRow memo = known.value_or(MemoRow{});
  memo.id = verb.wait;
  memo.state = verb.failure.type.empty() ? MemoState::succeeded : MemoState::failed;
  memo.value = verb.value;
  memo.failure = verb.failure;
  if (known) --after.memoCount;
  if (!addMemo(after, memo)) return answerOf(before, Verdict::refused, tooManySteps);
  const bool waits = before.state == JobState::waiting &&
                     (before.waitingFor == WaitReason::sleep || before.waitingFor == WaitReason::external);
  if (known && waits) {
    becomeReadyAgain(after, false);
    change(before, after, Move::promote, {}, memo.name);
  } else {
    ++after.version;
    rows_.updateJob(before, after);
  }
  return answerOf(after);
}

void Application::clearMemoValues(const JobRow& row) {
  if (row.memoCount == 0) return;
  std::vector<MemoRow> emptied;
  rows_.scanMemos(row.id, {}, [&](const MemoRow& memo) {
    if (!memo.value.empty()) emptied.push_back(memo);
    return true;
  });
  for (MemoRow& memo : emptied) {
    memo.value.clear();
    rows_.putMemo(row.id, memo);
  }
}

void Application::inheritMemos(JobRow& row, JobID from) {
  const auto former = rows_.job(from);
  if (!former || former->memoCount == 0 || former->state != JobState::done) return;
  std::vector<MemoRow> kept;
  rows_.scanMemos(from, {}, [&](const MemoRow& memo) {
    if (memo.state == MemoState::succeeded && memo.value.size() == memo.valueBytes) kept.push_back(memo);
    return true;
  });
  for (const MemoRow& memo : kept) {
    rows_.putMemo(row.id, memo);
    ++row.memoCount;
  }
}

}  // namespace v1
}  // namespace callsheet
