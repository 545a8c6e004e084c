#include "store/commit_queue.h"

#include <pthread.h>

#include "callsheet/limits.h"
#include "core/quiet_thread.h"
#include "core/validator.h"

namespace callsheet {
inline namespace v1 {

namespace {
/// A thread that is canceled (pthread_cancel) must not leave in the middle of a transaction: writing is a point where
/// it would.
class NotCanceled {
 public:
  NotCanceled() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NotCanceled() { ::pthread_setcancelstate(before_, nullptr); }
  NotCanceled(const NotCanceled&) = delete;
  NotCanceled& operator=(const NotCanceled&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

void answerAll(CommitQueue::Group& group, Verdict verdict, const char* why) {
  std::vector<AnyAnswer> answers;
  answers.reserve(group.verbs.size());
  for (const Verb& verb : group.verbs) answers.push_back(answerWith(verb, verdict, why));
  group.answered(std::move(answers));
}
}  // namespace

CommitQueue::CommitQueue(Commit commit) : commit_(std::move(commit)), thread_(quietThread([this] { run(); })) {}

CommitQueue::~CommitQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

CommitQueue::Group CommitQueue::groupOf(std::vector<Verb> verbs, std::chrono::milliseconds patience,
                                        JobStore::Answered answered) {
  Group group{std::move(verbs), {}, {}, std::move(answered), std::chrono::steady_clock::now() + patience, 0};
  group.answers.reserve(group.verbs.size());
  for (const Verb& verb : group.verbs) {
    group.bytes += sizeOf(verb);
    auto why = whyRefused(verb);
    group.isSettled.push_back(why.has_value());
    group.answers.push_back(answerWith(verb, why ? Verdict::refused : Verdict::unknown, why.value_or("")));
  }
  return group;
}

void CommitQueue::post(std::vector<Verb> verbs, std::chrono::milliseconds patience, JobStore::Answered answered) {
  enqueue(groupOf(std::move(verbs), patience, std::move(answered)));
}

void CommitQueue::enqueue(Group group) {
  if (group.verbs.size() > limits::commitVerbsMax)
    return answerAll(group, Verdict::refused, "more than 1000 verbs in one commit; post them in parts");
  const char* whyNot = nullptr;
  {
    const std::lock_guard lock(mutex_);
    // What is larger than the limit by itself must go when nothing else waits, or it never would.
    const bool isFull = !queue_.empty() && queuedBytes_ + group.bytes > limits::queuedBytesMax;
    if (stopping_)
      whyNot = "the store is being closed";
    else if (isFull)
      whyNot = "too much waits for a commit already; try again later";
    else {
      queuedBytes_ += group.bytes;
      queue_.push_back(std::move(group));
    }
  }
  // Not under the lock: who is answered may post again.
  if (whyNot != nullptr) return answerAll(group, Verdict::notDone, whyNot);
  arrived_.notify_one();
}

std::optional<std::vector<AnyAnswer>> CommitQueue::applyOrPost(std::vector<Verb> verbs,
                                                               std::chrono::milliseconds patience,
                                                               JobStore::Answered answered) {
  std::vector<Group> groups;
  groups.push_back(groupOf(std::move(verbs), patience, std::move(answered)));
  bool isTurn = false;
  const NotCanceled untilCommitted;
  {
    const std::lock_guard lock(mutex_);
    isTurn = !isCommitting_ && !stopping_ && !unfinished_ && queue_.empty() &&
             groups.front().verbs.size() <= limits::commitVerbsMax;
    if (isTurn) isCommitting_ = true;
  }
  const Outcome outcome = isTurn ? commit_(groups, false) : Outcome::untouched;
  bool isAwaited = false;
  if (isTurn) {
    const std::lock_guard lock(mutex_);
    isCommitting_ = false;
    if (outcome == Outcome::underWay) unfinished_ = std::move(groups.front());
    isAwaited = mayBegin();
  }
  if (isAwaited) arrived_.notify_one();
  if (outcome == Outcome::done) return std::move(groups.front().answers);
  if (outcome == Outcome::untouched) enqueue(std::move(groups.front()));
  return std::nullopt;
}

void CommitQueue::callLater(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  arrived_.notify_one();
}

/// With mutex_ held.
std::vector<CommitQueue::Group> CommitQueue::take() {
  std::vector<Group> taken;
  if (unfinished_) {
    taken.push_back(std::move(*unfinished_));
    unfinished_.reset();
    return taken;
  }
  std::size_t verbs = 0;
  std::size_t bytes = 0;
  while (!queue_.empty()) {
    Group& next = queue_.front();
    const bool full = verbs + next.verbs.size() > limits::commitVerbsMax || bytes + next.bytes > limits::commitBytesMax;
    if (!taken.empty() && full) break;
    verbs += next.verbs.size();
    bytes += next.bytes;
    queuedBytes_ -= next.bytes;
    taken.push_back(std::move(next));
    queue_.pop_front();
  }
  return taken;
}

void CommitQueue::run() {
  for (;;) {
    std::vector<Group> groups;
    bool isBegun = false;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return !tasks_.empty() || mayBegin(); });
      if (!tasks_.empty()) {
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        continue;
      }
      isBegun = unfinished_.has_value();
      groups = take();
      if (groups.empty()) return;  // stopping
      isCommitting_ = true;
    }
    const auto now = std::chrono::steady_clock::now();
    if (!isBegun)
      std::erase_if(groups, [&](Group& group) {
        if (now <= group.deadline) return false;
        answerAll(group, Verdict::notDone, "the deadline passed before a commit began");
        return true;
      });
    if (!groups.empty()) (void)commit_(groups, true);
    {
      const std::lock_guard lock(mutex_);
      isCommitting_ = false;
    }
    for (Group& group : groups) group.answered(std::move(group.answers));
  }
}

}  // namespace v1
}  // namespace callsheet
