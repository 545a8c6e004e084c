#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// The store's thread: takes what is queued, has it applied in one commit, answers all. While one commit waits for the
/// disk the next one gathers, so a busy process pays for few flushes. Verbs of one post share a commit. Who waits for
/// his answers anyway commits himself when nothing else is queued, which spares two changes of threads.
class CommitQueue {
 public:
  /// One post on its way.
  struct Group {
    std::vector<Verb> verbs;
    std::vector<AnyAnswer> answers;  ///< one a verb
    std::vector<bool> isSettled;     ///< answered already (refused by the validator): not to be applied
    JobStore::Answered answered;
    std::chrono::steady_clock::time_point deadline;
    std::size_t bytes = 0;
  };
  enum class Outcome : std::uint8_t {
    done,       ///< the groups have their answers
    untouched,  ///< it may not be done without waiting
    underWay,   ///< perhaps applied: to be done next, in the same groups, by who may wait
  };
  /// Applies the groups and fills their answers. Runs on the queue's thread or, with `mayWait` false, on that of a
  /// caller of applyOrPost(); never on two at once. Must not throw. Done, when it may wait.
  using Commit = std::function<Outcome(std::vector<Group>&, bool mayWait)>;

  explicit CommitQueue(Commit commit);
  /// Commits what is queued, then ends the thread.
  ~CommitQueue();
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  /// Any thread. A verb that the validator refuses enters no transaction; its company does. When too much waits already
  /// the answer comes at once, on the caller's thread.
  void post(std::vector<Verb> verbs, std::chrono::milliseconds patience, JobStore::Answered answered);
  /// The same for who waits: commits on the caller's thread when that can be done at once, and returns the answers.
  /// Otherwise nothing, and `answered` is called.
  [[nodiscard]] std::optional<std::vector<AnyAnswer>> applyOrPost(std::vector<Verb> verbs,
                                                                  std::chrono::milliseconds patience,
                                                                  JobStore::Answered answered);
  /// Has the queue's thread call it soon. Any thread.
  void callLater(std::function<void()> task);

 private:
  [[nodiscard]] static Group groupOf(std::vector<Verb> verbs, std::chrono::milliseconds patience,
                                     JobStore::Answered answered);
  void enqueue(Group group);
  void run();
  [[nodiscard]] std::vector<Group> take();
  [[nodiscard]] bool mayBegin() const {
    return !isCommitting_ && (stopping_ || unfinished_.has_value() || !queue_.empty());
  }

  const Commit commit_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  // Guarded by mutex_.
  std::deque<Group> queue_;
  std::size_t queuedBytes_ = 0;
  std::optional<Group> unfinished_;  // of a caller that might not wait
  std::deque<std::function<void()>> tasks_;
  bool isCommitting_ = false;
  bool stopping_ = false;
  // Last, so that everything above lives when it starts.
  std::thread thread_;
};

}  // namespace v1
}  // namespace callsheet
