// What comes to a tree from outside while its steps run: the time, the end of a wait, the end of a transfer's grace.
#include <algorithm>
#include <utility>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "core/tree_instance.h"

namespace callsheet {
inline namespace v1 {

using detail::NodeOutcome;
using std::chrono::nanoseconds;

namespace {
// Rows that people are told of at a tick; what is left comes with the next.
constexpr std::size_t newsMax = 100;
}  // namespace

void TreeRun::look(TreeLook why) {
  std::vector<MemoRow> news;
  const Moment now = host_.now();
  {
    Lock lock(mutex_);
    if (isOver_ || isSuspending_) return;
    if (attempt_.isTransferred) {
      if (graceEndsAt_ == 0 || now.bootNanos < graceEndsAt_ || attempt_.isVoid.exchange(true)) return;
      lock.unlock();
      crashPoint("transfer.left");
      host_.handOver(attempt_.ref);
      attempt_.stop.request_stop();
      return;
    }
    if (why != TreeLook::timer) hearEvents(lock);
    if (!mayStart()) return;
    wakeOverdue(now.utcMicros);
    offer();
    askUnwanted(lock);
    if (why == TreeLook::tick) news = newsForPeople();
  }
  if (!news.empty()) host_.noted(attempt_.ref, std::move(news));
}

std::optional<nanoseconds> TreeRun::nextLook() {
  const Lock lock(mutex_);
  if (isOver_ || isSuspending_ || (waits_.empty() && !attempt_.isTransferred)) return std::nullopt;
  const Moment now = host_.now();
  if (attempt_.isTransferred) {
    if (graceEndsAt_ == 0 || attempt_.isVoid) return std::nullopt;
    return nanoseconds{std::max<std::int64_t>(0, graceEndsAt_ - now.bootNanos)};
  }
  if (!mayStart()) return std::nullopt;
  std::int64_t nearest = never;
  for (const auto& [id, wait] : waits_) {
    const bool isWaiting =
        wait.instance->state == Instance::State::asleep || wait.instance->state == Instance::State::idle;
    if (isWaiting) nearest = std::min(nearest, wait.row.wakeAt);
  }
  if (nearest == never) return std::nullopt;
  return std::chrono::microseconds{std::max<std::int64_t>(0, nearest - now.utcMicros)};
}

void TreeRun::wakeOverdue(std::int64_t utcMicros) {
  std::vector<Instance*> overdue;
  for (const auto& [id, wait] : waits_)
    if (wait.row.wakeAt <= utcMicros) overdue.push_back(wait.instance);
  for (Instance* instance : overdue) {
    if (instance->state == Instance::State::asleep)
      makeReady(*instance);
    else if (instance->state == Instance::State::idle)
      timeOut(*instance);
  }
}

/// Looks in the store for waits that somebody ended.
void TreeRun::hearEvents(Lock& lock) {
  std::vector<Fingerprint> open;
  for (const auto& [id, wait] : waits_)
    if (wait.row.wakeAt == never && wait.instance->state == Instance::State::asleep) open.push_back(id);
  for (const Fingerprint id : open) {
    lock.unlock();
    std::optional<MemoRow> memo;
    try {
      memo = host_.memo(attempt_.ref.job, id);
    } catch (const Error&) {
      // It cannot be read. The others can, and so can other jobs' steps.
    }
    lock.lock();
    const auto wait = waits_.find(id);
    if (!memo || !memo->isFinished() || wait == waits_.end()) continue;
    memo->value.clear();
    known_[id] = std::move(*memo);
    Instance& instance = *wait->second.instance;
    instance.isWoken = true;
    if (instance.state == Instance::State::asleep && mayStart()) makeReady(instance);
  }
}

void TreeRun::fallAsleep(Instance& instance) {
  settled_.notify_all();
  wantsLook_ = true;
  if (instance.isWoken && mayStart()) return makeReady(instance);
  instance.state = Instance::State::asleep;
}

void TreeRun::addWait(Instance& instance, const MemoRow& wait) {
  waits_[wait.id] = {wait, &instance};
  instance.waits.push_back(wait.id);
}

void TreeRun::dropWaits(Instance& instance) {
  for (const Fingerprint wait : std::exchange(instance.waits, {})) waits_.erase(wait);
}

/// Of the steps that have not ended, with those that people do not know of yet: what a suspended job shows.
std::vector<MemoRow> TreeRun::openWaits() const {
  std::vector<MemoRow> open;
  for (const auto& [id, wait] : waits_)
    if (!wait.instance->isSettled()) open.push_back(wait.row);
  if (open.empty()) return open;
  const std::size_t most = std::min<std::size_t>(open.size() + newsMax, limits::treeNodesMax);
  for (const auto& [id, instance] : instances_)
    if (instance.get() != root_ && !instance->isSettled() && instance->shown != MemoState::pending &&
        open.size() < most)
      open.push_back(rowOf(*instance, MemoState::pending));
  return open;
}

/// The sleeper's code is left, with that of all who run it, until the other step is settled.
void TreeRun::sleepFor(Instance& sleeper, Instance& settling) {
  Instance* other = &settling;
  for (Instance* one = &sleeper; one != nullptr; other = one, one = one->caller) {
    one->isAsleep = true;
    if (std::find(other->sleepers.begin(), other->sleepers.end(), one) == other->sleepers.end())
      other->sleepers.push_back(one);
  }
}

/// The wait was refused, so the code that asked for it goes on with an error.
void TreeRun::stayAwake(Instance& instance, Fingerprint wait) {
  known_.erase(wait);
  waits_.erase(wait);
  std::erase(instance.waits, wait);
  for (Instance* one = &instance; one != nullptr; one = one->caller) {
    one->isAsleep = false;
    if (one->caller != nullptr) std::erase(one->sleepers, one->caller);
  }
}

/// The limit is stored with its first asking, so that it goes on across deaths. Throws JobError, the lock held, when
/// the store refuses it.
void TreeRun::beginLimit(Lock& lock, Instance& instance, std::chrono::microseconds limit) {
  const std::string name = "timeout";
  const Fingerprint id = detail::waitIDOf(instance.id, name);
  auto known = known_.find(id);
  if (known == known_.end()) {
    MemoRow wait;
    wait.id = id;
    wait.parent = instance.id;
    wait.label = wait.name = name;
    wait.state = MemoState::waiting;
    wait.wakeAt = host_.now().utcMicros + limit.count();
    ++running_;  // nothing is quiet before it is stored
    lock.unlock();
    const AttemptAnswer answer = untilAnswered([&] { return host_.saveResults(attempt_.ref, {wait}); });
    const bool isRefused = answer.verdict == Verdict::refused;
    if (!isAccepted(answer.verdict) && !isRefused)
      giveUp(answer, "the time limit of step '" + instance.node->name() + "'");
    lock.lock();
    --running_;
    if (isRefused) throw JobError("refused", answer.why, false);
    known = known_.emplace(id, std::move(wait)).first;
  }
  addWait(instance, known->second);
  wantsLook_ = true;
}

/// Its inputs are not wanted any more for its sake, and it is not kept waiting by those that run on.
void TreeRun::timeOut(Instance& instance) {
  instance.isTimedOut = true;
  instance.missing = 0;
  for (Instance* input : instance.inputs) {
    if (input->isSettled() || std::erase(input->users, &instance) == 0 || isWanted(*input)) continue;
    if (input->state == Instance::State::running)
      unwanted_.push_back(input->stop);
    else
      cancel(*input);
  }
  makeReady(instance);
}

MemoRow TreeRun::rowOf(const Instance& instance, MemoState state) const {
  MemoRow row;
  row.id = instance.id;
  row.parent = instance.parent;
  row.label = instance.label.substr(0, limits::textBytesMax);
  row.name = instance.node->name();
  row.state = state;
  row.attempts = std::max<std::uint32_t>(1, instance.repetition);
  return row;
}

/// What stands still, not what passes by: it stood there at the last tick already.
std::vector<MemoRow> TreeRun::newsForPeople() {
  std::vector<MemoRow> news;
  for (const auto& [id, instance] : instances_) {
    if (instance.get() == root_ || instance->isSettled()) continue;
    const MemoState state = instance->state == Instance::State::running ? MemoState::running : MemoState::pending;
    if (!std::exchange(instance->isOverdue, true) || instance->shown == state || news.size() == newsMax) continue;
    instance->shown = state;
    news.push_back(rowOf(*instance, state));
  }
  return news;
}

/// What an earlier version of the step gave in this job, if its type accepts that.
std::optional<NodeOutcome> TreeRun::migrated(Lock& lock, const Instance& instance) {
  if (instance.round > 0 || &instance == root_) return std::nullopt;
  for (const auto& [version, fingerprint] : instance.node->formerNames()) {
    const Fingerprint id = stepIDOf(fingerprint, instance.scope);
    const auto known = known_.find(id);
    if (known == known_.end() || known->second.state != MemoState::succeeded) continue;
    struct Outside {
      Lock& lock;
      explicit Outside(Lock& one) : lock(one) { lock.unlock(); }
      ~Outside() { lock.lock(); }
    };
    const Outside outside(lock);
    std::optional<MemoRow> memo;
    try {
      memo = host_.memo(attempt_.ref.job, id);
    } catch (const Error&) {
      // What cannot be read is run again.
    }
    if (!memo) continue;
    auto value = instance.node->migrate(version, memo->value);
    if (!value) return std::nullopt;
    NodeOutcome outcome;
    outcome.value = std::move(*value);
    return outcome;
  }
  return std::nullopt;
}

}  // namespace v1
}  // namespace callsheet
