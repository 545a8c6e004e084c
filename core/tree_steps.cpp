// What a step's own code may do to its tree: run other steps, wait, ask for a transfer.
#include <algorithm>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "core/tree_instance.h"

namespace callsheet {
inline namespace v1 {

using detail::NodeInput;
using detail::NodeOutcome;

void TreeRun::Context::progress(double share, std::string_view text) {
  using namespace std::chrono;
  RunningAttempt& attempt = tree_.attempt_;
  const std::int64_t now = duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
  std::int64_t last = attempt.progressedAt.load();
  if (last != 0 && now - last < nanoseconds(seconds{1}).count()) return;
  if (!attempt.progressedAt.compare_exchange_strong(last, now)) return;
  tree_.host_.progressed(attempt.ref, std::clamp(share, 0.0, 1.0), std::string(text));
}

void TreeRun::Context::transferToPrincipal() {
  if (tree_.host_.isPrincipal()) return;
  RunningAttempt& attempt = tree_.attempt_;
  const AttemptAnswer answer = tree_.host_.requestTransfer(attempt.ref);
  if (isAccepted(answer.verdict)) {
    attempt.isTransferred = true;
    crashPoint("transfer.requested");
    tree_.transferAsked();
  } else if (answer.verdict == Verdict::fenced || answer.verdict == Verdict::illegal ||
             answer.verdict == Verdict::notFound) {
    attempt.makeVoid();  // somebody else has the job already; what this attempt does has no effect on it
  } else {
    throw Error(ErrorKind::unavailable, "the transfer could not be stored: " + answer.why);
  }
  throw JobTransfer{};
}

void TreeRun::transferAsked() {
  {
    const Lock lock(mutex_);
    if (graceEndsAt_ == 0) graceEndsAt_ = host_.now().bootNanos + host_.transferGrace().count();
  }
  host_.lookLater();
}

void TreeRun::follow(const Instance& caller, const detail::FollowUp& job) {
  if (!job.options.to.empty())
    throw Error(ErrorKind::usage,
                "a job that follows goes into the queue of the director that it follows in; submit "
                "one to '" +
                    job.options.to + "' from there");
  const Lock lock(mutex_);
  if (&caller != root_) throw Error(ErrorKind::usage, "only the job itself submits jobs to follow it, not its steps");
  following_.push_back(job);
}

NodeOutcome TreeRun::runInline(Instance& caller, const std::shared_ptr<const detail::Node>& node) {
  Lock lock(mutex_);
  if (caller.depth + node->depth() > limits::treeDepthMax)
    throw JobError("tree-depth", "the job's steps are more than " + std::to_string(limits::treeDepthMax) + " deep",
                   false);
  const NodeInput input{node->name(), node, 0};
  requireRoom(caller, {input});
  Instance& wanted = instanceOf(input, caller);
  finishInline(lock, caller, wanted);
  if (wanted.state == Instance::State::canceled) throw JobCanceled{};
  if (!wanted.hasValue) {
    lock.unlock();
    auto memo = host_.memo(attempt_.ref.job, wanted.id);
    lock.lock();
    if (!memo) throw JobError("unreadable", "what is remembered of step '" + node->name() + "' is gone", false);
    wanted.outcome.value = std::move(memo->value);
    wanted.hasValue = true;
  }
  if (!wanted.outcome.isSuccess()) caller.failedRuns.push_back(&wanted);
  return wanted.outcome;
}

/// Brings a step to its end on the caller's thread. It waits only for what runs on another one.
void TreeRun::finishInline(Lock& lock, Instance& caller, Instance& wanted) {
  using State = Instance::State;
  while (!wanted.isSettled()) {
    if (attempt_.isTransferred) throw JobTransfer{};
    if (!mayStart()) throw JobCanceled{};
    if (wanted.state == State::asleep) {
      sleepFor(caller, wanted);
      throw JobSuspended{};
    }
    if (wanted.state == State::ready) {
      std::erase(ready_, &wanted);
      wanted.caller = &caller;
      runRound(lock, wanted);
      wanted.caller = nullptr;
      offer();
      continue;
    }
    if (wanted.state == State::idle) {
      const auto open = std::find_if(wanted.inputs.begin(), wanted.inputs.end(),
                                     [](const Instance* one) { return !one->isSettled(); });
      finishInline(lock, caller, **open);
      continue;
    }
    // It runs. If that is for the sake of this very step, or of one that waits for it, nobody would ever end.
    for (const Instance* one = &wanted; one != nullptr; one = one->awaits)
      for (const Instance* mine = &caller; mine != nullptr; mine = mine->caller)
        if (one == mine)
          throw JobError("cycle", "step '" + wanted.node->name() + "' is run by a step that it waits for", false);
    for (Instance* mine = &caller; mine != nullptr; mine = mine->caller) mine->awaits = &wanted;
    settled_.wait_for(lock, std::chrono::seconds{1});
    for (Instance* mine = &caller; mine != nullptr; mine = mine->caller) mine->awaits = nullptr;
  }
}

NodeOutcome TreeRun::waitFor(Instance& caller, Fingerprint id, std::string_view name,
                             std::optional<std::int64_t> wakeAt) {
  Lock lock(mutex_);
  if (!mayStart()) throw JobCanceled{};
  const auto known = known_.find(id);
  if (known != known_.end() && known->second.isFinished()) {
    lock.unlock();
    const auto memo = host_.memo(attempt_.ref.job, id);
    if (!memo) throw JobError("unreadable", "what ended the wait '" + std::string(name) + "' is gone", false);
    NodeOutcome outcome;
    outcome.value = memo->value;
    outcome.failure = memo->failure;
    return outcome;
  }
  MemoRow wait;
  if (known != known_.end()) {
    wait = known->second;
  } else {
    wait.id = id;
    wait.parent = caller.id;
    wait.label = wait.name = std::string(name.substr(0, limits::textBytesMax));
    wait.state = MemoState::waiting;
    wait.wakeAt = wakeAt.value_or(never);
  }
  if (wait.wakeAt <= host_.now().utcMicros) return {};
  known_[id] = wait;
  addWait(caller, wait);
  caller.isAsleep = true;
  if (caller.caller != nullptr) sleepFor(*caller.caller, caller);
  unsigned mine = 0;  // of the codes that run, those on this thread
  for (const Instance* one = &caller; one != nullptr; one = one->caller) ++mine;
  // The wait is durable before the code is left: with nothing else to do, the whole attempt is suspended here.
  isSuspending_ = running_ == mine && ready_.empty();
  const bool isLast = isSuspending_;
  const std::vector<MemoRow> waits = isLast ? openWaits() : std::vector{wait};
  lock.unlock();
  const AttemptAnswer answer = untilAnswered(
      [&] { return isLast ? host_.suspend(attempt_.ref, waits) : host_.saveResults(attempt_.ref, waits); });
  crashPoint("step.suspended");
  if (answer.verdict == Verdict::refused) {
    lock.lock();
    isSuspending_ = false;
    stayAwake(caller, id);
    throw JobError("refused", answer.why, false);
  }
  if (!isAccepted(answer.verdict)) {
    giveUp(answer, "the wait '" + std::string(name) + "'");
    lock.lock();
    isSuspending_ = false;
  } else if (isLast) {
    attempt_.isVoid = true;  // it is over, and what the code still does has no effect
  }
  throw JobSuspended{};
}

}  // namespace v1
}  // namespace callsheet
