#include "store/commit_queue.h"

#include "callsheet/limits.h"
#include "core/quiet_thread.h"
#include "core/validator.h"

namespace callsheet {
inline namespace v1 {

namespace {
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

void CommitQueue::post(std::vector<Verb> verbs, std::chrono::milliseconds patience, JobStore::Answered answered) {
  Group group{std::move(verbs), {}, {}, std::move(answered), std::chrono::steady_clock::now() + patience, 0};
  for (const Verb& verb : group.verbs) {
    group.bytes += sizeOf(verb);
    auto why = whyRefused(verb);
    group.isSettled.push_back(why.has_value());
    group.answers.push_back(answerWith(verb, why ? Verdict::refused : Verdict::unknown, why.value_or("")));
  }
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

std::vector<CommitQueue::Group> CommitQueue::take(std::unique_lock<std::mutex>& lock) {
  arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  std::vector<Group> taken;
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
    {
      std::unique_lock lock(mutex_);
      groups = take(lock);
      if (groups.empty() && stopping_) return;
    }
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(groups, [&](Group& group) {
      if (now <= group.deadline) return false;
      answerAll(group, Verdict::notDone, "the deadline passed before a commit began");
      return true;
    });
    if (groups.empty()) continue;
    commit_(groups);
    for (Group& group : groups) group.answered(std::move(group.answers));
  }
}

}  // namespace v1
}  // namespace callsheet
