#include "jobs/queue_runner.h"

#include <algorithm>

#include "callsheet/limits.h"
#include "core/crash_point.h"

namespace callsheet {
inline namespace v1 {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

// How long claims pause so that a job that must run alone finds the process empty, and how long they then go on before
// the next try.
constexpr seconds aloneDrainFor{5};
constexpr seconds aloneDrainAgain{60};
constexpr milliseconds retryDelay{500};

bool isLost(Verdict verdict) {
  return verdict == Verdict::unknown || verdict == Verdict::notDone || verdict == Verdict::storeFull;
}
const AttemptRef& attemptOf(const Verb& end) {
  if (const auto* verb = std::get_if<Succeed>(&end)) return verb->attempt;
  if (const auto* verb = std::get_if<Fail>(&end)) return verb->attempt;
  if (const auto* verb = std::get_if<Transfer>(&end)) return verb->attempt;
  return std::get<Unclaim>(end).attempt;
}
}  // namespace

QueueRunner::QueueRunner(JobStore& store, const Clock& clock, EventLoop& loop, const JobTypes& types,
                         JobDirector& director, Options options)
    : store_(store),
      clock_(clock),
      director_(director),
      options_(std::move(options)),
      kinds_(types.kinds()),
      dueTimer_(loop.makeTimer([this] { wake(); })),
      retryTimer_(loop.makeTimer([this] { pump(); })),
      runner_(std::in_place, types, options_.workers, static_cast<JobRunner::Host&>(*this)) {}

QueueRunner::~QueueRunner() {
  runner_.reset();
  // An attempt that returned after the drain may have posted its end, whose answer comes to this object.
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return !isBusy_; });
}

void QueueRunner::begin(IncarnationID incarnation) {
  {
    const std::lock_guard lock(mutex_);
    incarnation_ = incarnation;
    isFenced_ = false;
    isAwake_ = true;
    unansweredClaim_.reset();
  }
  pump();
}

void QueueRunner::wake() {
  {
    const std::lock_guard lock(mutex_);
    isAwake_ = true;
  }
  lookAtRunning();
  pump();
}

void QueueRunner::tick() {
  const std::uint64_t sequence = store_.sequence();
  {
    const std::lock_guard lock(mutex_);
    const bool moved = sequence != lastSequence_;
    lastSequence_ = sequence;
    if (moved || aloneWaiting_) isAwake_ = true;
    if (!moved && !aloneWaiting_ && !isAwake_) return;
  }
  lookAtRunning();
  pump();
}

void QueueRunner::lookAtRunning() {
  for (const AttemptRef& attempt : runner_->running()) {
    const auto row = store_.peek(attempt.job);
    if (!row || row->execID != attempt.exec || !isRunning(*row))
      runner_->makeVoid(attempt.job, attempt.exec);
    else if (row->cancelRequested)
      runner_->cancel(attempt.job);
  }
}

bool QueueRunner::mayClaimWhileAloneWaits(std::size_t running) {
  if (!aloneWaiting_ || running == 0) return true;
  const auto now = SteadyClock::now();
  if (now < drainUntil_) return false;
  if (now >= drainAgainAt_) {
    drainUntil_ = now + aloneDrainFor;
    drainAgainAt_ = drainUntil_ + aloneDrainAgain;
    return false;
  }
  return true;
}

std::optional<Claim> QueueRunner::nextClaim() {
  if (incarnation_.isNil() || isFenced_ || kinds_.empty()) return std::nullopt;
  if (unansweredClaim_) return unansweredClaim_;
  const std::size_t running = runner_->runningCount();
  const unsigned freeWorkers = runner_->freeWorkers();
  if (isStopping_ || !isAwake_ || freeWorkers == 0 || runner_->runsAlone() || !mayClaimWhileAloneWaits(running))
    return std::nullopt;
  Claim claim;
  claim.id = makeClaimID();
  claim.claimer = incarnation_;
  claim.kinds = kinds_;
  claim.max = std::min<std::uint32_t>(freeWorkers, limits::claimJobsMax);
  claim.idle = running == 0;
  return claim;
}

std::vector<Verb> QueueRunner::gather() {
  const std::lock_guard lock(mutex_);
  std::vector<Verb> verbs;
  if (isBusy_) return verbs;
  const std::size_t count = std::min(ends_.size(), limits::commitVerbsMax - 1);
  verbs.assign(std::make_move_iterator(ends_.begin()),
               std::make_move_iterator(ends_.begin() + static_cast<std::ptrdiff_t>(count)));
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(count));
  if (auto claim = nextClaim()) {
    unansweredClaim_ = *claim;
    isAwake_ = false;
    verbs.emplace_back(std::move(*claim));
  }
  isBusy_ = !verbs.empty();
  return verbs;
}

void QueueRunner::pump() {
  std::vector<Verb> verbs = gather();
  if (verbs.empty()) return;
  // The verbs are kept to repeat those whose answers get lost.
  std::vector<Verb> posted = verbs;
  store_.post(std::move(posted), JobStore::defaultPatience,
              [this, verbs = std::move(verbs)](std::vector<AnyAnswer> answers) mutable {
                answered(std::move(verbs), std::move(answers));
              });
}

void QueueRunner::answered(std::vector<Verb> verbs, std::vector<AnyAnswer> answers) {
  std::vector<Claim::Item> items;
  IncarnationID incarnation;
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    if (const auto* claim = std::get_if<Claim>(&verbs[i])) {
      items = takeClaim(*claim, std::get<Claim::Answer>(answers[i]));
      incarnation = claim->claimer;
    } else {
      settleEnd(std::move(verbs[i]), std::get<AttemptAnswer>(answers[i]));
    }
  }
  start(std::move(items), incarnation);
  {
    const std::lock_guard lock(mutex_);
    isBusy_ = false;
    // Under the lock: drain() may end this object as soon as it sees that nothing is under way.
    settled_.notify_all();
    if (isStopping_ && ends_.empty()) return;
  }
  pump();
}

void QueueRunner::start(std::vector<Claim::Item> items, IncarnationID incarnation) {
  {
    const std::lock_guard lock(mutex_);
    if (isStopping_) {
      // Claimed while the stop began: back they go.
      for (auto& item : items)
        ends_.emplace_back(Unclaim{{item.row.id, item.row.execID, incarnation}, "the director stops"});
      items.clear();
    }
  }
  for (auto& item : items) runner_->run(std::move(item), incarnation);
}

std::vector<Claim::Item> QueueRunner::takeClaim(const Claim& claim, Claim::Answer& answer) {
  bool isFenced = false;
  {
    const std::lock_guard lock(mutex_);
    if (isLost(answer.verdict)) {
      retryLater();
      return {};
    }
    unansweredClaim_.reset();
    if (answer.verdict == Verdict::fenced && claim.claimer == incarnation_) isFenced = isFenced_ = true;
    if (isAccepted(answer.verdict)) {
      isAwake_ = isAwake_ || answer.more;
      aloneWaiting_ = answer.aloneWaiting;
    }
  }
  if (isFenced && options_.onFenced) options_.onFenced(claim.claimer);
  if (answer.verdict == Verdict::refused) say(LogLevel::error, "a claim was refused: " + answer.why);
  if (answer.nextDueAt != never) setDueTimer(answer.nextDueAt);
  return std::move(answer.jobs);
}

void QueueRunner::settleEnd(Verb verb, const AttemptAnswer& answer) {
  const AttemptRef& attempt = attemptOf(verb);
  if (isAccepted(answer.verdict)) {
    crashPoint("job.completed");
    return;
  }
  if (isLost(answer.verdict)) {
    const std::lock_guard lock(mutex_);
    ends_.push_back(std::move(verb));
    retryLater();
    return;
  }
  if (answer.verdict == Verdict::refused && !std::holds_alternative<Fail>(verb)) {
    // The outcome itself cannot be stored, and never will: that is the job's failure.
    const std::lock_guard lock(mutex_);
    ends_.emplace_back(Fail{attempt, {"refused", answer.why, {}, {}}, false, 0, {}});
    return;
  }
  say(LogLevel::warning,
      "job " + attempt.job.toString() + ": the outcome of its attempt was not accepted: " + answer.why);
}

void QueueRunner::retryLater() {
  retryTimer_.once(retryDelay);
}

void QueueRunner::setDueTimer(std::int64_t dueAt) {
  const std::int64_t wait = std::max<std::int64_t>(0, dueAt - clock_.now().utcMicros) / 1000 + 1;
  // Long sleeps are cut: the wall clock may be set meanwhile.
  dueTimer_.once(milliseconds(std::min<std::int64_t>(wait, 30'000)));
}

void QueueRunner::ended(JobID, std::optional<Verb> end) {
  {
    const std::lock_guard lock(mutex_);
    if (end) ends_.push_back(std::move(*end));
    // A worker is free: what the last claim left, and what came since without a bell, can be had now.
    isAwake_ = true;
    settled_.notify_all();
  }
  pump();
}

AttemptAnswer QueueRunner::requestTransfer(const AttemptRef& attempt) {
  AttemptAnswer answer;
  for (int tries = 0; tries < 3; ++tries) {
    answer = store_.apply(RequestTransfer{attempt});
    if (!isLost(answer.verdict)) return answer;
  }
  return answer;
}

void QueueRunner::progressed(const AttemptRef& attempt, double share, std::string text) {
  std::vector<Verb> verbs;
  text.resize(std::min(text.size(), limits::textBytesMax));
  verbs.emplace_back(Notify{attempt, static_cast<float>(share), std::move(text), false});
  store_.post(std::move(verbs), seconds{5}, [](const std::vector<AnyAnswer>&) {});
}

QueueRunner::Left QueueRunner::drain(milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    isStopping_ = true;
  }
  runner_->giveBackAll();
  Left left;
  std::unique_lock lock(mutex_);
  const auto isIdle = [this] { return runner_->runningCount() == 0; };
  const auto isSettled = [this] { return !isBusy_ && ends_.empty(); };
  settled_.wait_for(lock, grace, isIdle);
  lock.unlock();
  left.names = runner_->names();
  for (const AttemptRef& attempt : runner_->running()) {
    {
      const std::lock_guard again(mutex_);
      ends_.emplace_back(Unclaim{attempt, "the director stopped before it ended"});
    }
    runner_->makeVoid(attempt.job, attempt.exec);
  }
  pump();
  lock.lock();
  settled_.wait_for(lock, JobStore::defaultPatience, isSettled);
  crashPoint("stop.drained");
  return left;
}

void QueueRunner::say(LogLevel level, const std::string& sentence) const {
  if (options_.log) options_.log(level, sentence);
}

}  // namespace v1
}  // namespace callsheet
