#include "core/tree_run.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "callsheet/errors.h"
#include "callsheet/job_environment.h"
#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "core/outcome_of_exception.h"
#include "core/tree_instance.h"

namespace callsheet {
inline namespace v1 {

using detail::NodeCall;
using detail::NodeInput;
using detail::NodeOutcome;
using detail::NodeStep;

TreeRun::TreeRun(RunningAttempt& attempt, AttemptHost& host, const JobErrorTypes& errors, unsigned workers, Post post,
                 Ended ended)
    : attempt_(attempt),
      host_(host),
      errors_(errors),
      workers_(workers),
      post_(std::move(post)),
      ended_(std::move(ended)) {}
TreeRun::~TreeRun() = default;

void TreeRun::begin(std::shared_ptr<const detail::Node> root) {
  auto instance = std::make_unique<Instance>();
  root_ = instance.get();
  root_->node = std::move(root);
  instances_[{}] = std::move(instance);
  std::optional<NodeOutcome> broken;
  if (root_->node->depth() > limits::treeDepthMax)
    broken = NodeOutcome::failed("tree-depth",
                                 "the job's steps are " + std::to_string(root_->node->depth()) +
                                     " deep; the limit is " + std::to_string(limits::treeDepthMax),
                                 root_->node->name());
  try {
    if (attempt_.item.row.memoCount > 0)
      for (MemoRow& memo : host_.memos(attempt_.ref.job)) known_[memo.id] = std::move(memo);
  } catch (const Error& error) {
    broken = NodeOutcome::failed("unreadable", error.what(), root_->node->name());
  }
  {
    Lock lock(mutex_);
    ++posted_;
    if (broken)
      finish(lock, *root_, std::move(*broken));
    else
      ready_.push_back(root_);
  }
  work();
}

bool TreeRun::mayStart() const {
  return !isOver_ && !broken_ && notBegun_.empty() && !attempt_.isVoid && !attempt_.isTransferred &&
         !attempt_.stop.stop_requested();
}

/// One task: one round of one step. Whoever ends the last one ends the attempt.
void TreeRun::work() {
  Lock lock(mutex_);
  --posted_;
  if (mayStart() && !ready_.empty()) {
    Instance& instance = *ready_.front();
    ready_.pop_front();
    runRound(lock, instance);
  }
  offer();
  const bool wantsLook = std::exchange(wantsLook_, false);
  endIfQuiet(lock);
  if (!lock.owns_lock()) return;
  lock.unlock();
  if (wantsLook) host_.lookLater();
}

/// Never more tasks than workers, so that a wide tree does not stand before everybody else's jobs.
void TreeRun::offer() {
  while (mayStart() && posted_ < ready_.size() && posted_ + running_ < workers_) {
    ++posted_;
    post_([self = shared_from_this()] { self->work(); });
  }
}

void TreeRun::makeReady(Instance& instance) {
  instance.state = Instance::State::ready;
  ready_.push_back(&instance);
}

void TreeRun::runRound(Lock& lock, Instance& instance) {
  instance.state = Instance::State::running;
  instance.isAsleep = false;
  instance.isWoken = false;
  instance.failedRuns.clear();
  dropWaits(instance);
  if (&instance == root_) following_.clear();
  ++running_;
  std::optional<NodeStep> step;
  bool isLeft = false;  // by a control exception
  try {
    if (auto accepted = migrated(lock, instance)) {
      step = NodeStep{{}, std::move(accepted), {}};
    } else {
      auto outcomes = outcomesOf(lock, instance);
      step = ask(lock, instance, std::move(outcomes));
    }
  } catch (const JobTransfer&) {
    isLeft = true;
    if (!attempt_.isTransferred && notBegun_.empty()) notBegun_ = "it left execute as a transfer that was not stored";
  } catch (const JobSuspended&) {
    isLeft = true;
  } catch (const AttemptNotBegun& reason) {
    isLeft = true;
    notBegun_ = reason.why.substr(0, limits::textBytesMax);
  } catch (const JobCanceled&) {
    NodeOutcome canceled = NodeOutcome::failed("canceled", "it was asked to end", instance.node->name());
    canceled.isCanceled = true;
    step = NodeStep{{}, std::move(canceled), {}};
  } catch (...) {
    step = NodeStep{{}, outcomeOfException(instance.node->name(), errors_), {}};
    recognise(instance, *step->outcome);
    // What a step throws while it is asked to end is how it ends.
    step->outcome->isCanceled = instance.stop.stop_requested();
  }
  --running_;
  if (instance.isAsleep || (isLeft && !instance.isSettled())) {
    fallAsleep(instance);
  } else if (step->outcome) {
    ++running_;  // until it is stored: nothing is quiet before
    finish(lock, instance, std::move(*step->outcome));
    --running_;
  } else {
    ++instance.round;
    try {
      if (step->limit) beginLimit(lock, instance, *step->limit);
      expand(instance, step->needs);
    } catch (const JobError& error) {
      ++running_;
      finish(lock, instance, NodeOutcome::failed(error.type(), error.what(), instance.node->name()));
      --running_;
    }
  }
  askUnwanted(lock);
}

/// A step that lets through what another one failed with, or throws it again, fails with that one's failure, whose
/// policy it does not know.
void TreeRun::recognise(const Instance& instance, NodeOutcome& thrown) {
  for (const auto* others : {&instance.inputs, &instance.failedRuns})
    for (const Instance* other : *others) {
      const JobFailure& failure = other->outcome.failure;
      if (failure.type != thrown.failure.type || failure.message != thrown.failure.message ||
          failure.payload != thrown.failure.payload)
        continue;
      thrown.retryable = other->outcome.retryable;
      thrown.isStored = true;
    }
}

/// Stop callbacks are user code, so they never run under the lock.
void TreeRun::askUnwanted(Lock& lock) {
  auto unwanted = std::exchange(unwanted_, {});
  if (unwanted.empty()) return;
  lock.unlock();
  for (std::stop_source& stop : unwanted) stop.request_stop();
  lock.lock();
}

std::vector<NodeOutcome> TreeRun::outcomesOf(Lock& lock, const Instance& instance) {
  std::vector<Instance*> stored;
  for (Instance* input : instance.inputs)
    if (!input->hasValue) stored.push_back(input);
  for (Instance* input : stored) {
    lock.unlock();
    std::optional<MemoRow> memo;
    try {
      memo = host_.memo(attempt_.ref.job, input->id);
    } catch (...) {
      lock.lock();
      throw;
    }
    lock.lock();
    if (!memo) throw JobError("unreadable", "what is remembered of step '" + input->node->name() + "' is gone", false);
    input->outcome.value = std::move(memo->value);
    input->hasValue = true;
  }
  std::vector<NodeOutcome> outcomes;
  for (const Instance* input : instance.inputs) outcomes.push_back(input->outcome);
  return outcomes;
}

NodeStep TreeRun::ask(Lock& lock, Instance& instance, std::vector<NodeOutcome> outcomes) {
  struct Outside {
    Lock& lock;
    Instance& instance;
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
    ~Outside() {
      lock.lock();
      const auto took = std::chrono::steady_clock::now() - began;
      instance.tookMicros = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    }
  };
  lock.unlock();
  const Outside outside{lock, instance};
  const std::stop_callback forward(attempt_.stop.get_token(), [&] { instance.stop.request_stop(); });
  Context context(*this, instance);
  const detail::CurrentContext current(context);
  return instance.node->next(NodeCall{context, instance.round, outcomes, {}, instance.isTimedOut});
}

namespace {
/// A repetition is other work than the one before, and so is all under it.
Fingerprint scopeOf(Fingerprint outer, std::uint32_t repetition) {
  if (repetition == 0) return outer;
  detail::CanonicalBytes bytes;
  bytes.group('|', 2);
  bytes.text("repetition");
  bytes.integer(std::uint64_t{repetition});
  bytes.reference(outer);
  return bytes.fingerprint();
}
}  // namespace

Fingerprint stepIDOf(Fingerprint node, Fingerprint scope) {
  if (scope.isNil()) return node;
  detail::CanonicalBytes bytes;
  bytes.group('|', 2);
  bytes.text("in");
  bytes.reference(node);
  bytes.reference(scope);
  return bytes.fingerprint();
}

TreeRun::Instance& TreeRun::instanceOf(const NodeInput& input, Instance& parent) {
  const Fingerprint scope = scopeOf(parent.scope, input.repetition);
  const Fingerprint id = stepIDOf(input.node->fingerprint(), scope);
  auto& slot = instances_[id];
  if (slot && slot->state != Instance::State::canceled) return *slot;
  if (!slot) slot = std::make_unique<Instance>();
  Instance& instance = *slot;
  instance.id = id;
  instance.node = input.node;
  instance.scope = scope;
  instance.label = input.label;
  instance.parent = parent.id;
  instance.depth = parent.depth + 1;
  instance.state = Instance::State::idle;
  instance.round = 0;
  instance.isTimedOut = false;
  instance.inputs.clear();
  instance.stop = std::stop_source{};
  const auto known = known_.find(id);
  if (known != known_.end() && known->second.isFinished()) {
    instance.state = Instance::State::finished;
    instance.outcome.failure = known->second.failure;
    instance.outcome.retryable = known->second.retryable;
    instance.hasValue = known->second.valueBytes == 0;
  } else {
    makeReady(instance);
  }
  return instance;
}

/// Throws JobError, and has changed nothing then, when the tree would get too large.
void TreeRun::expand(Instance& parent, const std::vector<NodeInput>& needs) {
  requireRoom(parent, needs);
  parent.inputs.clear();
  for (const NodeInput& need : needs) {
    Instance& input = instanceOf(need, parent);
    parent.repetition = std::max(parent.repetition, need.repetition);
    parent.inputs.push_back(&input);
    if (std::find(input.users.begin(), input.users.end(), &parent) == input.users.end()) input.users.push_back(&parent);
  }
  // Equal inputs are one: it is settled once.
  const std::set<const Instance*> different(parent.inputs.begin(), parent.inputs.end());
  parent.missing = static_cast<std::size_t>(
      std::count_if(different.begin(), different.end(), [](const Instance* one) { return !one->isSettled(); }));
  parent.state = Instance::State::idle;
  // One may have failed in an earlier attempt, and then the others are not wanted in this one either.
  const bool hasFailed = std::any_of(different.begin(), different.end(), [](const Instance* one) {
    return one->state == Instance::State::finished && !one->outcome.isSuccess();
  });
  if (hasFailed && parent.node->endsSiblings()) endUnwanted(parent);
  if (parent.missing == 0) return makeReady(parent);
  for (const Fingerprint wait : parent.waits)
    if (waits_.at(wait).row.wakeAt <= host_.now().utcMicros) return timeOut(parent);
}

void TreeRun::requireRoom(const Instance& parent, const std::vector<NodeInput>& needs) const {
  // The root counts for none.
  if (instances_.size() + needs.size() <= limits::treeNodesMax) return;
  std::set<Fingerprint> added;
  for (const NodeInput& need : needs) {
    const Fingerprint id = stepIDOf(need.node->fingerprint(), scopeOf(parent.scope, need.repetition));
    if (!instances_.contains(id)) added.insert(id);
  }
  if (instances_.size() - 1 + added.size() > limits::treeNodesMax)
    throw JobError("tree-nodes", "the job has more than " + std::to_string(limits::treeNodesMax) + " steps", false);
}

bool TreeRun::store(const Instance& instance, NodeOutcome& outcome) {
  for (int tries = 0; tries < 2; ++tries) {
    MemoRow memo = rowOf(instance, outcome.isSuccess() ? MemoState::succeeded : MemoState::failed);
    memo.tookMicros = instance.tookMicros;
    memo.value = outcome.value;
    memo.failure = outcome.failure;
    memo.retryable = outcome.retryable;
    const AttemptAnswer answer = untilAnswered([&] { return host_.saveResults(attempt_.ref, {memo}); });
    crashPoint("step.stored");
    if (isAccepted(answer.verdict)) return true;
    if (answer.verdict != Verdict::refused) {
      giveUp(answer, "the result of step '" + instance.node->name() + "'");
      return false;
    }
    outcome = NodeOutcome::failed("refused", answer.why, instance.node->name());
  }
  const Lock lock(mutex_);
  broken_ = outcome;
  return false;
}

namespace {
// Between two tries to store something in a store that has no room.
constexpr std::chrono::milliseconds storePause{500};
}  // namespace

/// A store that has no room, or cannot tell, is asked again as long as the attempt is wanted: to give it back would
/// only have the step's code run again, for a result that cannot be stored either.
AttemptAnswer TreeRun::untilAnswered(const std::function<AttemptAnswer()>& ask) {
  for (;;) {
    AttemptAnswer answer = ask();
    if (!isLost(answer.verdict)) return answer;
    Lock lock(mutex_);
    const auto isUnwanted = [this] { return isOver_ || attempt_.isVoid || attempt_.stop.stop_requested(); };
    if (settled_.wait_for(lock, storePause, isUnwanted)) return answer;
  }
}

void TreeRun::giveUp(const AttemptAnswer& answer, const std::string& what) {
  if (!isLost(answer.verdict) && answer.verdict != Verdict::corrupt)
    return attempt_.makeVoid();  // somebody else has the job; what happens here has no effect on it
  const Lock lock(mutex_);
  notBegun_ = (what + " could not be stored: " + answer.why).substr(0, limits::textBytesMax);
}

void TreeRun::finish(Lock& lock, Instance& instance, NodeOutcome outcome) {
  if (outcome.isCanceled && &instance != root_) {
    instance.state = Instance::State::canceled;
    instance.outcome = std::move(outcome);
    return settle(instance);
  }
  if (&instance != root_) {
    lock.unlock();
    const bool isStored = store(instance, outcome);
    lock.lock();
    if (!isStored) {
      instance.state = Instance::State::asleep;  // the attempt is over
      return settled_.notify_all();
    }
  }
  instance.state = Instance::State::finished;
  instance.outcome = std::move(outcome);
  settle(instance);
}

void TreeRun::settle(Instance& instance) {
  settled_.notify_all();
  for (Instance* sleeper : std::exchange(instance.sleepers, {})) {
    sleeper->isWoken = true;  // its code may not be left yet
    if (sleeper->state == Instance::State::asleep) makeReady(*sleeper);
  }
  const std::vector<Instance*> users = instance.users;
  for (Instance* user : users) {
    if (user->state != Instance::State::idle || user->missing == 0) continue;
    if (!instance.outcome.isSuccess() && user->node->endsSiblings()) endUnwanted(*user);
    if (user->state == Instance::State::idle && --user->missing == 0) makeReady(*user);
  }
}

/// After one input of `failed` has failed: the others are not wanted for its sake.
void TreeRun::endUnwanted(Instance& failed) {
  for (Instance* input : failed.inputs) {
    if (input->isSettled() || std::erase(input->users, &failed) == 0) continue;
    if (isWanted(*input)) {
      --failed.missing;
      continue;
    }
    if (input->state == Instance::State::running) {
      input->users.push_back(&failed);  // it is waited for: it may still succeed
      unwanted_.push_back(input->stop);
      continue;
    }
    --failed.missing;
    cancel(*input);
  }
}

void TreeRun::cancel(Instance& instance) {
  if (instance.state == Instance::State::ready) std::erase(ready_, &instance);
  instance.state = Instance::State::canceled;
  instance.outcome = NodeOutcome{};
  instance.outcome.isCanceled = true;
  dropWaits(instance);
  endUnwanted(instance);
}

bool TreeRun::isWanted(const Instance& instance) const {
  return instance.caller != nullptr || !instance.users.empty() || !instance.sleepers.empty();
}

void TreeRun::endIfQuiet(Lock& lock) {
  if (isOver_ || running_ > 0 || (mayStart() && !ready_.empty() && root_->state != Instance::State::finished)) return;
  isOver_ = true;
  TreeEnd end = endOf();
  const auto keep = shared_from_this();
  lock.unlock();
  ended_(std::move(end));
}

TreeEnd TreeRun::endOf() {
  TreeEnd end;
  end.outcome = root_->outcome;
  end.waits = openWaits();
  end.why = notBegun_;
  end.following = std::move(following_);
  if (broken_) end.outcome = *broken_;
  if (broken_ || root_->isSettled())
    end.kind = TreeEnd::Kind::finished;
  else if (!notBegun_.empty())
    end.kind = TreeEnd::Kind::notBegun;
  else if (attempt_.stop.stop_requested() || attempt_.isTransferred || attempt_.isVoid)
    end.kind = TreeEnd::Kind::stopped;
  else
    end.kind = TreeEnd::Kind::suspended;
  return end;
}

}  // namespace v1
}  // namespace callsheet
