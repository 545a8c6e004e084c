#include <algorithm>
#include <unordered_set>

#include "callsheet/limits.h"
#include "core/apply/application.h"

// What a job of several steps remembers of them: results, and the named waits that suspend it.
namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t noteBytes = 200;

/// The first of each fingerprint.
std::vector<const MemoRow*> eachOnce(const std::vector<MemoRow>& memos) {
  std::vector<const MemoRow*> once;
  std::unordered_set<Fingerprint> seen;
  for (const MemoRow& memo : memos)
    if (seen.insert(memo.id).second) once.push_back(&memo);
  return once;
}

/// Whether a memo changes what is known: results and the times of waits stand once they are there.
bool isNews(const std::optional<MemoRow>& known, const MemoRow& memo) {
  if (!known) return true;
  if (known->isFinished()) return false;
  return memo.isFinished() || (known->state != MemoState::waiting && known->state != memo.state);
}

/// What a verb would add to the steps of a job. Counted before the first write, so that a refusal has changed nothing.
/// What is replaced had no value: the validator sees to it.
struct Growth {
  std::uint64_t steps = 0;
  std::uint64_t bytes = 0;
  void add(const MemoRow& memo, bool isNew) {
    if (isNew) ++steps;
    bytes += memo.value.size();
  }
  [[nodiscard]] const char* whyRefused(const JobFacts& facts) const {
    if (facts.memoCount + steps > limits::treeNodesMax) return "the job has more steps than a job may remember";
    if (facts.memoBytes + bytes > limits::treeBytesMax)
      return "the results of the job's steps are more than a job may remember; keep large ones in files";
    return nullptr;
  }
};
}  // namespace

void Application::keepStep(JobRow& row, const MemoRow& memo, bool isNew) {
  rows_.putMemo(row.id, memo);
  if (isNew) ++row.memoCount;
  row.memoBytes += memo.value.size();
}

void Application::putStep(JobRow& row, MemoRow memo, bool isNew) {
  memo.storedAt = now_.utcMicros;
  memo.valueBytes = static_cast<std::uint32_t>(memo.value.size());
  memo.waitedBy = 0;
  keepStep(row, memo, isNew);
}

AttemptAnswer Application::operator()(const SaveResult& verb) {
  Attempt attempt = find(verb.attempt, std::nullopt);
  // One that ended by itself may have saved this before: both may have shared a commit whose outcome was not known.
  const bool hasEnded = attempt.answer.verdict == Verdict::illegal;
  if (attempt.answer.verdict != Verdict::ok && !hasEnded) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state == JobState::requested) return answerOf(before, Verdict::illegal, "the attempt has not started");
  std::vector<std::pair<const MemoRow*, bool>> news;
  Growth growth;
  for (const MemoRow* memo : eachOnce(verb.memos)) {
    const auto known = rows_.memo(after.id, memo->id);
    if (!isNews(known, *memo)) continue;
    growth.add(*memo, !known);
    news.emplace_back(memo, !known);
  }
  if (news.empty()) return answerOf(before, Verdict::alreadyApplied);
  if (hasEnded) return attempt.answer;
  if (const char* why = growth.whyRefused(before)) return answerOf(before, Verdict::refused, why);
  for (const auto& [memo, isNew] : news) putStep(after, *memo, isNew);
  touchUp(before, after);
  return answerOf(after);
}

AttemptAnswer Application::operator()(const Suspend& verb) {
  Attempt attempt = find(verb.attempt, Move::suspend);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::inProgress) return answerOf(before, Verdict::illegal, "the attempt has not started");
  after.lastEnd = Move::suspend;
  if (before.cancelRequested) {
    change(before, after, *overruled(before, after, false), verb.attempt.sender);
    return answerOf(after);
  }
  std::int64_t wakeAt = never;
  bool isOver = false;
  std::vector<std::pair<MemoRow, bool>> waits;
  Growth growth;
  for (const MemoRow* memo : eachOnce(verb.waits)) {
    const auto known = rows_.memo(after.id, memo->id);
    const bool isWait = memo->state == MemoState::waiting;
    if (isWait && known && known->isFinished()) isOver = true;
    if (known && (known->isFinished() || (!isWait && !isNews(known, *memo)))) continue;
    const bool hasBegun = known && known->state == MemoState::waiting;
    MemoRow wait = hasBegun ? *known : *memo;
    if (!hasBegun) wait.storedAt = now_.utcMicros;
    if (isWait) {
      wait.waitedBy = after.attempt;
      wakeAt = std::min(wakeAt, wait.wakeAt);
    }
    growth.add(wait, !known);
    waits.emplace_back(std::move(wait), !known);
  }
  if (const char* why = growth.whyRefused(before)) return answerOf(before, Verdict::refused, why);
  for (const auto& [wait, isNew] : waits) keepStep(after, wait, isNew);
  // A transfer keeps the waits too: their time has begun.
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
  change(before, after, Move::suspend, verb.attempt.sender, verb.waits.front().name.substr(0, noteBytes));
  return answerOf(after);
}

AttemptAnswer Application::operator()(const CompleteExternal& verb) {
  auto job = rows_.job(verb.job);
  if (!job) return noSuchJob(verb.job);
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
  Growth growth;
  growth.add(memo, !known);
  if (const char* why = growth.whyRefused(before)) return answerOf(before, Verdict::refused, why);
  putStep(after, memo, !known);
  const bool isSuspended = before.state == JobState::waiting &&
                           (before.waitingFor == WaitReason::sleep || before.waitingFor == WaitReason::external);
  if (isSuspended && known && known->waitedBy == before.attempt) {
    becomeReady(after);
    change(before, after, Move::promote, {}, memo.name.substr(0, noteBytes));
  } else {
    touchUp(before, after);
    // Of a running attempt one step may wait for this while the others run.
    if (isRunning(before) && before.holderKind == HolderKind::incarnation) effects_.touch(IncarnationID{before.holder});
  }
  return answerOf(after);
}

std::optional<MemoRow> Application::readableMemo(JobID id, Fingerprint memo) {
  try {
    return rows_.memo(id, memo);
  } catch (const UnreadableRow&) {
    return std::nullopt;  // its bytes stay, and `check` names it
  }
}

void Application::clearMemoValues(JobRow& row) {
  if (row.memoCount == 0) return;
  row.memoBytes = 0;
  for (const Fingerprint id : rows_.memoIDs(row.id)) {
    auto memo = readableMemo(row.id, id);
    if (!memo || memo->value.empty()) continue;
    memo->value.clear();
    rows_.putMemo(row.id, *memo);
  }
}

void Application::answerWait(const JobRow& ended) {
  CompleteExternal answer;
  try {
    const auto body = rows_.body(ended.id);
    if (!body) return;
    answer.job = body->parent;
    answer.wait = body->answers;
    const ResultRow left = rows_.result(ended.id).value_or(ResultRow{});
    if (ended.outcome == JobOutcome::succeeded)
      answer.value = left.value;
    else if (ended.outcome == JobOutcome::failed)
      answer.failure = left.failure;
    else
      answer.failure = {"canceled", "the job that was to answer was canceled", ended.kind, {}};
    // A tree that has no room for the value shall not wait for ever.
    if ((*this)(answer).verdict != Verdict::refused) return;
    answer.value.clear();
    answer.failure = {"refused", "the job has no room for the answer", ended.kind, {}};
    (void)(*this)(answer);
  } catch (const Error& error) {
    // Of whoever waits, or of this job: it ends all the same, and `check` names what cannot be read.
    if (error.kind() != ErrorKind::corrupt) throw;
  }
}

void Application::inheritMemos(JobRow& row, JobID from) {
  std::optional<JobRow> former;
  try {
    former = rows_.job(from);
  } catch (const UnreadableRow&) {
    return;  // then it begins from the start
  }
  if (!former || former->memoCount == 0 || former->state != JobState::done) return;
  if (former->outcome == JobOutcome::succeeded) return;  // its values are gone
  for (const Fingerprint id : rows_.memoIDs(from)) {
    const auto memo = readableMemo(from, id);
    if (!memo || memo->state != MemoState::succeeded) continue;
    keepStep(row, *memo, true);
  }
}

}  // namespace v1
}  // namespace callsheet
