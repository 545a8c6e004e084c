#include "jobs/queue_runner.h"

#include <algorithm>
#include <random>
#include <utility>

#include "callsheet/job_director.h"
#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "core/known_kind.h"
#include "core/names.h"
#include "ipc/doorbell.h"
#include "jobs/attempt_end.h"

namespace callsheet {
inline namespace v1 {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

// How long what the store lost is kept back: a full disk would lose it again at once.
constexpr milliseconds lostDelay{500};
// Long waits are cut: the wall clock may be set meanwhile, and the loop's clock stands still while the machine sleeps.
constexpr std::int64_t waitMillisMax = 30'000;
// Threads that start commands and look at their ends: each takes a few milliseconds, most of them the kernel's.
constexpr unsigned startersMax = 4;

}  // namespace

QueueRunner::QueueRunner(JobStore& store, const Clock& clock, EventLoop& loop, const JobTypes& types,
                         JobDirector& director, Options options)
    : store_(store),
      clock_(clock),
      director_(director),
      options_(std::move(options)),
      kinds_(knownKindsOf(types, options_.tasks != nullptr, !options_.program.empty())),
      troubles_(options_.log),
      shares_(kinds_, options_.workers, options_.waiting, options_.transfers),
      dueTimer_(loop.makeTimer([this] { wake(); })),
      retryTimer_(loop.makeTimer([this] { retryLost(); })),
      timeTimer_(loop.makeTimer([this] { timeHasCome(); })),
      runner_(std::in_place, types, options_.workers, static_cast<JobRunner::Host&>(*this), options_.waiting.workers) {
  if (options_.tasks)
    keeper_.emplace(loop, options_.tasks, static_cast<TaskKeeper::Host&>(*this),
                    TaskKeeper::Options{std::min(startersMax, options_.workers + 1),
                                        {principalBell()},
                                        options_.program,
                                        options_.scripts,
                                        options_.log});
}

QueueRunner::~QueueRunner() {
  {
    // What attempts that outlived the drain still send was given up there.
    std::unique_lock lock(mutex_);
    isEnding_ = true;
    settled_.wait(lock, [this] { return !isBusy_; });
  }
  // No answer arms them any more, and they use the runner.
  for (Timer* timer : {&dueTimer_, &retryTimer_, &timeTimer_}) *timer = Timer{};
  keeper_.reset();
  runner_.reset();
}

void QueueRunner::begin(IncarnationID incarnation) {
  {
    const std::lock_guard lock(mutex_);
    incarnation_ = incarnation;
    isFenced_ = false;
    shares_.awaken();
    unansweredClaim_.reset();
  }
  // What goes on already counts before anything is claimed.
  troubles_.guard("looking at the running commands", [this] { lookAtCommands(); });
  pump();
}

void QueueRunner::wake() {
  {
    const std::lock_guard lock(mutex_);
    shares_.awaken();
  }
  lookAtRunning();
  lookAtSteps(TreeLook::bell);
  pump();
}

void QueueRunner::tick() {
  lookAtSteps(TreeLook::tick);
  if (keeper_) keeper_->tick(clock_.now().bootNanos);
  troubles_.guard("looking for transfers that nobody waits for", [this] { endUnwanted(); });
  troubles_.guard("looking whether the store moved", [this] {
    const std::uint64_t sequence = store_.sequence();
    const std::lock_guard lock(mutex_);
    if (sequence != lastSequence_ || alone_.isWaiting()) shares_.awaken();
    lastSequence_ = sequence;
  });
  {
    const std::lock_guard lock(mutex_);
    if (!shares_.isAwake()) return;
  }
  lookAtRunning();
  pump();
}

void QueueRunner::lookAtRunning() {
  const bool looked = troubles_.guard("looking at the running jobs", [this] {
    for (const AttemptRef& attempt : runner_->running()) {
      try {
        const auto row = store_.peek(attempt.job);
        if (!row || row->execID != attempt.exec || !isRunning(*row))
          runner_->makeVoid(attempt.job, attempt.exec);
        else if (row->cancelRequested)
          runner_->cancel(attempt.job);
      } catch (const UnreadableRow& unreadable) {
        // Nothing that it sends could be stored any more.
        runner_->makeVoid(attempt.job, attempt.exec);
        troubles_.say(LogLevel::error, "job " + attempt.job.toString() +
                                           " cannot be read any more and is asked to end: " + unreadable.what());
      }
    }
  });
  const bool sawCommands = troubles_.guard("looking at the running commands", [this] { lookAtCommands(); });
  if (looked && sawCommands) return;
  const std::lock_guard lock(mutex_);
  lastSequence_ = 0;  // the next tick looks again, though nothing may have moved
}

IncarnationID QueueRunner::attendant() const {
  const std::lock_guard lock(mutex_);
  return isStopping_ || !keeper_ ? IncarnationID{} : incarnation_;
}

void QueueRunner::lookAtCommands() {
  const IncarnationID self = attendant();
  if (self.isNil()) return;
  const auto known = keeper_->kept();
  keeper_->compare(known, store_.commandsOf(self), self);
}

void QueueRunner::endUnwanted() {
  const IncarnationID self = attendant();
  if (self.isNil() || keeper_->count(true) == 0) return;
  for (const JobRow& row : store_.commandsOf(self)) {
    if (!row.answersWait || row.cancelRequested || !isTransferKind(row.kind)) continue;
    const auto view = store_.find(row.id);
    const auto waiting = view ? store_.peek(view->body.parent) : std::nullopt;
    if (view && (!waiting || waiting->state == JobState::done))
      postUnheard(Cancel{row.id, "nobody waits for its answer any more"});
  }
}

ClaimShares::Taken QueueRunner::taken() const {
  const std::size_t waiting = runner_->runningCount(options_.waiting.kinds);
  const std::size_t own = runner_->runningCount() - waiting;
  return {own + (keeper_ ? keeper_->count(false) : 0), waiting, keeper_ ? keeper_->count(true) : 0};
}

void QueueRunner::timeHasCome() {
  const std::int64_t now = clock_.now().bootNanos;
  std::vector<AttemptRef> past = runner_->pastDeadline(now);
  std::erase_if(past, [&](const AttemptRef& attempt) { return wasProlonged(attempt, now); });
  for (const AttemptRef& attempt : past) runner_->makeVoid(attempt.job, attempt.exec);
  // Whoever finds one ends them all; nobody need be principal for that.
  if (!past.empty()) add(Expire{limits::sliceRowsMax, std::random_device{}()});
  lookAtSteps(TreeLook::timer);
  setTimeTimer();
  pump();
}

/// A sign of life may have given it more time in the store.
bool QueueRunner::wasProlonged(const AttemptRef& attempt, std::int64_t bootNanos) {
  bool isProlonged = false;
  troubles_.guard("looking whether an attempt was given more time", [&] {
    try {
      const auto row = store_.peek(attempt.job);
      isProlonged = row && row->execID == attempt.exec && isRunning(*row) && row->deadlineNanos >= bootNanos;
      if (isProlonged) runner_->prolong(attempt.job, attempt.exec, row->deadlineNanos);
    } catch (const UnreadableRow&) {
      // Nothing that it sends could be stored any more.
    }
  });
  return isProlonged;
}

void QueueRunner::lookAtSteps(TreeLook why) {
  troubles_.guard("looking at the steps of running jobs", [&] { runner_->look(why); });
}

std::optional<Claim> QueueRunner::nextClaim() {
  if (incarnation_.isNil() || isFenced_ || kinds_.empty()) return std::nullopt;
  if (unansweredClaim_) return isHoldingBack_ ? std::nullopt : unansweredClaim_;
  if (isStopping_ || runner_->runsAlone()) return std::nullopt;
  const std::size_t running = runner_->runningCount();
  Claim claim;
  if (!shares_.fill(claim, taken()) || !alone_.mayClaim(running, SteadyClock::now())) return std::nullopt;
  claim.id = makeClaimID();
  claim.claimer = incarnation_;
  claim.max = std::min<std::uint32_t>(claim.max, limits::claimJobsMax);
  claim.idle = running == 0;
  return claim;
}

/// The next commit's verbs, under mutex_. When there are any, a commit is under way.
std::vector<Verb> QueueRunner::gather() {
  std::vector<Verb> verbs;
  if (isBusy_ || isEnding_) return verbs;
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < ends_.size() && count < limits::commitVerbsMax - 1) {
    bytes += sizeOf(ends_[count]);
    if (count > 0 && bytes > limits::commitBytesMax) break;
    ++count;
  }
  verbs.assign(std::make_move_iterator(ends_.begin()),
               std::make_move_iterator(ends_.begin() + static_cast<std::ptrdiff_t>(count)));
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(count));
  if (auto claim = nextClaim()) {
    unansweredClaim_ = *claim;
    shares_.wasSent();
    verbs.emplace_back(std::move(*claim));
  }
  isBusy_ = !verbs.empty();
  if (isBusy_) busySince_ = SteadyClock::now();
  return verbs;
}

void QueueRunner::pump() {
  std::vector<Verb> verbs;
  {
    const std::lock_guard lock(mutex_);
    verbs = gather();
  }
  if (!verbs.empty()) post(std::move(verbs));
}

void QueueRunner::post(std::vector<Verb> verbs) {
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
    } else if (std::holds_alternative<Expire>(verbs[i])) {
      settleExpire(std::move(verbs[i]), std::get<SweepAnswer>(answers[i]));
    } else {
      settleEnd(std::move(verbs[i]), std::get<AttemptAnswer>(answers[i]));
    }
  }
  if (!items.empty()) start(std::move(items), incarnation);
  std::vector<Verb> next;
  {
    const std::lock_guard lock(mutex_);
    isBusy_ = false;
    next = gather();
    settled_.notify_all();
  }
  // When nothing is under way this object may be gone by now.
  if (!next.empty()) post(std::move(next));
}

void QueueRunner::start(std::vector<Claim::Item> items, IncarnationID incarnation) {
  {
    // To the end under the lock: a job that began behind drain()'s back would never be asked to end.
    const std::lock_guard lock(mutex_);
    for (auto& item : items) {
      if (isStopping_)
        ends_.emplace_back(Unclaim{{item.row.id, item.row.execID, incarnation}, "the director stops"});
      else if (item.row.holderKind == HolderKind::shim && keeper_)
        keeper_->start(std::move(item), incarnation);
      else
        runner_->run(std::move(item), incarnation);
    }
  }
  setTimeTimer();
}

std::vector<Claim::Item> QueueRunner::takeClaim(const Claim& claim, Claim::Answer& answer) {
  if (isLost(answer.verdict)) {
    holdBack(std::nullopt);
    return {};
  }
  bool isFenced = false;
  {
    const std::lock_guard lock(mutex_);
    unansweredClaim_.reset();
    if (answer.verdict == Verdict::fenced && claim.claimer == incarnation_) isFenced = isFenced_ = true;
    if (isAccepted(answer.verdict)) {
      // What was left may be of any kind that was asked for.
      if (answer.more) shares_.isMore();
      alone_.heard(answer.aloneWaiting);
    }
  }
  if (isFenced && options_.onFenced) options_.onFenced(claim.claimer);
  if (!isAccepted(answer.verdict) && answer.verdict != Verdict::fenced)
    troubles_.say(LogLevel::error, "a claim was answered " + std::string(toString(answer.verdict)) + ": " + answer.why);
  if (answer.nextDueAt != never) setDueTimer(answer.nextDueAt);
  return std::move(answer.jobs);
}

void QueueRunner::settleEnd(Verb verb, const AttemptAnswer& answer) {
  const AttemptRef& attempt = attemptOf(verb);
  if (isAccepted(answer.verdict)) {
    crashPoint("job.completed");
    return;
  }
  if (isLost(answer.verdict)) return holdBack(std::move(verb));
  if (answer.verdict == Verdict::refused) {
    if (auto alone = failAlone(verb, answer.why)) return add(std::move(*alone));
    if (auto bare = bareFailOf(verb, answer.why)) return add(std::move(*bare));
  }
  say(LogLevel::warning,
      "job " + attempt.job.toString() + ": the outcome of its attempt was not accepted: " + answer.why);
}

void QueueRunner::settleExpire(Verb verb, const SweepAnswer& answer) {
  if (isLost(answer.verdict)) return holdBack(std::move(verb));
  if (answer.verdict == Verdict::ok && answer.more) return add(std::move(verb));
  if (answer.verdict != Verdict::ok)
    troubles_.say(LogLevel::error, "attempts whose time is over could not be ended: " + answer.why);
}

void QueueRunner::add(Verb verb) {
  const std::lock_guard lock(mutex_);
  ends_.push_back(std::move(verb));
}

/// Whatever was lost meanwhile, the timer is not put off: it would never ring under load.
void QueueRunner::holdBack(std::optional<Verb> lost) {
  {
    const std::lock_guard lock(mutex_);
    if (lost) lost_.push_back(std::move(*lost));
    if (std::exchange(isHoldingBack_, true)) return;
  }
  retryTimer_.once(lostDelay);
}

void QueueRunner::retryLost() {
  {
    const std::lock_guard lock(mutex_);
    isHoldingBack_ = false;
    ends_.insert(ends_.end(), std::make_move_iterator(lost_.begin()), std::make_move_iterator(lost_.end()));
    lost_.clear();
  }
  pump();
}

void QueueRunner::setDueTimer(std::int64_t dueAt) {
  const std::int64_t wait = std::max<std::int64_t>(0, dueAt - clock_.now().utcMicros) / 1000 + 1;
  dueTimer_.once(milliseconds(std::min(wait, waitMillisMax)));
}

void QueueRunner::setTimeTimer() {
  const auto nearest = runner_->untilNextTime(clock_.now().bootNanos);
  if (!nearest) return;
  const std::int64_t wait = std::chrono::duration_cast<milliseconds>(*nearest).count() + 1;
  timeTimer_.once(milliseconds(std::min(wait, waitMillisMax)));
}

void QueueRunner::ended(JobID, std::optional<Verb> end) {
  if (end) add(std::move(*end));
}

void QueueRunner::commandEnded(std::optional<Verb> end) {
  if (end) add(std::move(*end));
}

void QueueRunner::freed() {
  {
    const std::lock_guard lock(mutex_);
    // A worker is free: what the last claim left, and what came since without a bell, can be had now.
    shares_.awaken();
    settled_.notify_all();
  }
  pump();
}

milliseconds QueueRunner::commitAge() const {
  const std::lock_guard lock(mutex_);
  return isBusy_ ? std::chrono::duration_cast<milliseconds>(SteadyClock::now() - busySince_) : milliseconds::zero();
}

QueueRunner::Left QueueRunner::drain(milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    isStopping_ = true;
  }
  runner_->giveBackAll();
  Left left;
  if (keeper_) left.commands = keeper_->leave();
  std::unique_lock lock(mutex_);
  const auto isIdle = [this] { return runner_->runningCount() == 0; };
  const auto isSettled = [this] { return !isBusy_ && ends_.empty() && lost_.empty(); };
  settled_.wait_for(lock, grace, isIdle);
  lock.unlock();
  left.names = runner_->names();
  for (const AttemptRef& attempt : runner_->running()) {
    add(Unclaim{attempt, "the director stopped before it ended"});
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
