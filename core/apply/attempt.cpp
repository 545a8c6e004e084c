#include "callsheet/retry_policy.h"
#include "core/apply/application.h"

namespace callsheet {
inline namespace v1 {

bool Application::isExpired(const JobFacts& facts) const {
  // A shim keeps the time itself, and says how the command ended.
  if (facts.deadlineNanos == 0 || facts.holderKind == HolderKind::shim) return false;
  return facts.deadlineBootID != now_.bootID || now_.bootNanos > facts.deadlineNanos;
}

AttemptAnswer Application::answerOf(const JobFacts& facts, Verdict verdict, std::string why) {
  AttemptAnswer answer;
  answer.verdict = verdict;
  answer.why = std::move(why);
  answer.cancelRequested = facts.cancelRequested;
  answer.transferRequested = facts.transferRequested;
  answer.state = facts.state;
  return answer;
}

AttemptAnswer Application::answerOf(const JobRow& row, bool wantsRow) {
  AttemptAnswer answer = answerOf(row);
  if (wantsRow) answer.row = std::make_shared<const JobRow>(row);
  return answer;
}

void Application::setDeadline(JobRow& row, std::int64_t limitMicros) {
  row.deadlineNanos = limitMicros > 0 ? now_.bootNanos + limitMicros * 1000 : 0;
  row.deadlineBootID = limitMicros > 0 ? now_.bootID : Uuid{};
}

void Application::lengthen(JobRow& row) {
  const bool isRemote = row.holderKind == HolderKind::remote;
  if (row.holderKind == HolderKind::shim || (!isRemote && row.deadlineNanos == 0)) return;
  const auto body = rows_.body(row.id);
  const std::int64_t ofJobMicros = body ? body->attemptLimitMicros : 0;
  if (!isRemote && (!body || ofJobMicros > 0)) return;
  setDeadline(row, attemptLimitMicros(rows_.definition(row.kind), isRemote, ofJobMicros));
}

std::int64_t Application::limitOf(const JobRow& row) {
  const auto body = rows_.body(row.id);
  return attemptLimitMicros(rows_.definition(row.kind), row.holderKind == HolderKind::remote,
                            body ? body->attemptLimitMicros : 0);
}

AttemptAnswer Application::noSuchJob(JobID id) {
  AttemptAnswer answer;
  answer.verdict = Verdict::notFound;
  answer.why = "no job has the id " + id.toString();
  return answer;
}

Application::Attempt Application::find(const AttemptRef& ref, std::optional<Move> ownEnd) {
  Attempt attempt{{}, rows_.job(ref.job)};
  if (!attempt.row) {
    attempt.answer = noSuchJob(ref.job);
    return attempt;
  }
  const JobRow& row = *attempt.row;
  if (!ref.sender.isNil() && !isOpen(ref.sender)) {
    attempt.answer = answerOf(row, Verdict::fenced, "the sender's incarnation was closed");
  } else if (row.execID != ref.exec || ref.exec.isNil()) {
    attempt.answer = answerOf(row, Verdict::fenced, "the attempt was replaced");
  } else if (!isRunning(row)) {
    // The execId is still there, so the attempt ended by itself: either this very verb was applied before, or another
    // end was.
    const bool again = ownEnd && row.lastEnd == *ownEnd;
    attempt.answer =
        answerOf(row, again ? Verdict::alreadyApplied : Verdict::illegal, again ? "" : "the attempt has ended");
  } else if (row.holderKind == HolderKind::incarnation && !isOpen(IncarnationID{row.holder})) {
    attempt.answer = answerOf(row, Verdict::fenced, "the attempt's holder was closed");
  } else if (isExpired(row)) {
    attempt.answer = answerOf(row, Verdict::fenced, "the attempt's time is over");
  } else {
    attempt.answer = answerOf(row);
  }
  return attempt;
}

std::optional<Move> Application::overruled(const JobFacts& before, JobRow& row, bool succeeded) {
  if (before.cancelRequested && !(succeeded && !before.transferRequested)) {
    endAttempt(row);
    becomeDone(row, JobOutcome::canceled);
    return Move::cancel;
  }
  if (before.transferRequested) {
    endAttempt(row);
    row.owner = principalOwner;
    row.holderDeaths = 0;
    becomeReadyAgain(row, false);
    return Move::transfer;
  }
  return std::nullopt;
}

Move Application::failOrRetry(JobRow& row, bool retryable, Move finalMove, std::uint32_t random,
                              std::int64_t leastDelayMicros) {
  const DefinitionRow* const definition = rows_.definition(row.kind);
  const Runner runner = row.holderKind == HolderKind::remote ? Runner::remote : row.runner;
  RetryPolicy policy;
  try {
    if (const auto body = rows_.body(row.id)) policy = retryPolicyOf(definition, runner, body->retry);
  } catch (const UnreadableRow&) {
    // The attempt must end all the same; the next claim will set the job aside.
  }
  endAttempt(row);
  ++row.failures;
  row.holderDeaths = 0;
  if (finalMove == Move::fail && !retriesFails(definition, runner)) retryable = false;
  if (retryable && mayRetry(policy, row.failures)) {
    row.state = JobState::waiting;
    row.waitingFor = WaitReason::backoff;
    row.wakeAt = now_.utcMicros + std::max(delayAfter(policy, row.failures, random).count(), leastDelayMicros);
    return Move::retryLater;
  }
  becomeDone(row, JobOutcome::failed);
  return finalMove;
}

AttemptAnswer Application::operator()(const Start& verb) {
  Attempt attempt = find(verb.attempt, std::nullopt);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::requested) return answerOf(before, Verdict::alreadyApplied);
  after.state = JobState::inProgress;
  ++after.started;
  after.startedAt = now_.utcMicros;
  setDeadline(after, limitOf(after));
  change(before, after, Move::start, verb.attempt.sender);
  return answerOf(after, verb.attempt.wantsRow);
}

AttemptAnswer Application::operator()(const Unclaim& verb) {
  Attempt attempt = find(verb.attempt, Move::unclaim);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  Move move = Move::unclaim;
  if (const auto other = overruled(before, after, false)) {
    move = *other;
  } else {
    endAttempt(after);
    becomeReadyAgain(after, false);
  }
  after.lastEnd = Move::unclaim;
  change(before, after, move, verb.attempt.sender, verb.why);
  return answerOf(after);
}

AttemptAnswer Application::operator()(const Notify& verb) {
  Attempt attempt = find(verb.attempt, std::nullopt);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::inProgress) return answerOf(before, Verdict::illegal, "the attempt has not started");
  after.progress = verb.progress;
  after.progressText = verb.text;
  after.stalled = verb.stalled;
  lengthen(after);
  if (verb.logged)
    change(before, after, Move::notify, verb.attempt.sender, verb.note.empty() ? verb.text : verb.note);
  else
    touchUp(before, after);
  return answerOf(after, verb.attempt.wantsRow);
}

std::optional<AttemptAnswer> Application::makeFollowing(const JobFacts& before, IncarnationID sender,
                                                        const std::vector<NewJob>& then) {
  if (then.empty()) return std::nullopt;
  Submit follow;
  follow.sender = sender;
  follow.allOrNothing = true;
  follow.jobs = then;
  const Placement placement = placementOf(follow);
  if (placement.verdict != Verdict::ok)
    return answerOf(before, placement.verdict, "the jobs to follow have no place: " + placement.why);
  const Submit::Answer made = submitAll(follow, placement, true);
  if (isAccepted(made.verdict)) return std::nullopt;
  return answerOf(before, Verdict::refused, "a job to follow was refused: " + made.why);
}

AttemptAnswer Application::operator()(const Succeed& verb) {
  Attempt attempt = find(verb.attempt, Move::succeed);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::inProgress) return answerOf(before, Verdict::illegal, "the attempt has not started");
  after.lastEnd = Move::succeed;
  if (const auto other = overruled(before, after, true)) {
    change(before, after, *other, verb.attempt.sender, "its result was not accepted");
    return answerOf(after, verb.attempt.wantsRow);
  }
  if (auto refused = makeFollowing(before, verb.attempt.sender, verb.then)) return *refused;
  endAttempt(after);
  after.holderDeaths = 0;
  after.progress = 1;
  becomeDone(after, JobOutcome::succeeded);
  if (!verb.value.empty()) rows_.putResult(after.id, ResultRow{verb.value, {}});
  clearMemoValues(after);
  change(before, after, Move::succeed, verb.attempt.sender);
  return answerOf(after, verb.attempt.wantsRow);
}

AttemptAnswer Application::operator()(const Fail& verb) {
  Attempt attempt = find(verb.attempt, Move::fail);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::inProgress) return answerOf(before, Verdict::illegal, "the attempt has not started");
  after.lastEnd = Move::fail;
  Move move = Move::fail;
  if (const auto other = overruled(before, after, false)) {
    move = *other;
  } else {
    move = failOrRetry(after, verb.retryable, Move::fail, verb.random, verb.leastDelayMicros);
    if (move == Move::fail)
      if (auto refused = makeFollowing(before, verb.attempt.sender, verb.then)) return *refused;
  }
  if (after.state == JobState::done) rows_.putResult(after.id, ResultRow{verb.value, verb.failure});
  change(before, after, move, verb.attempt.sender, verb.failure.message.substr(0, 200));
  return answerOf(after, verb.attempt.wantsRow);
}

AttemptAnswer Application::operator()(const RequestTransfer& verb) {
  Attempt attempt = find(verb.attempt, std::nullopt);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  if (before.state != JobState::inProgress) return answerOf(before, Verdict::illegal, "the attempt has not started");
  if (before.transferRequested) return answerOf(before, Verdict::alreadyApplied);
  after.transferRequested = true;
  change(before, after, Move::transferRequest, verb.attempt.sender);
  return answerOf(after);
}

AttemptAnswer Application::operator()(const Transfer& verb) {
  Attempt attempt = find(verb.attempt, Move::transfer);
  if (attempt.answer.verdict != Verdict::ok) return attempt.answer;
  JobRow& after = *attempt.row;
  const JobFacts before = after;
  JobFacts asked = before;
  asked.transferRequested = true;
  const Move move = *overruled(asked, after, false);
  after.lastEnd = Move::transfer;
  change(before, after, move, verb.attempt.sender);
  return answerOf(after);
}

AttemptAnswer Application::operator()(const Cancel& verb) {
  auto job = rows_.job(verb.job);
  if (!job) return noSuchJob(verb.job);
  JobRow& after = *job;
  const JobFacts before = after;
  if (before.state == JobState::done) {
    if (before.outcome == JobOutcome::canceled) return answerOf(before, Verdict::alreadyApplied);
    return answerOf(before, Verdict::illegal, "the job is done already");
  }
  // Only a running attempt whose holder lives has somebody who can be asked to stop; all else ends here and now.
  const bool hasHolder = before.state == JobState::inProgress &&
                         (before.holderKind == HolderKind::shim || before.holderKind == HolderKind::incarnation);
  if (hasHolder) {
    if (before.cancelRequested) return answerOf(before, Verdict::alreadyApplied);
    after.cancelRequested = true;
    change(before, after, Move::cancelRequest, {}, verb.why);
    effects_.touch(IncarnationID{before.holder});
  } else {
    voidAttempt(after);
    becomeDone(after, JobOutcome::canceled);
    change(before, after, Move::cancel, {}, verb.why);
  }
  return answerOf(after, verb.wantsRow);
}

}  // namespace v1
}  // namespace callsheet
