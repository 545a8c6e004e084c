#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// The store's thread: takes what is queued, has it applied in one commit, answers all. While one commit waits for the
/// disk the next one gathers, so a busy process pays for few flushes. Verbs of one post share a commit.
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
  /// Applies the groups and fills their answers. Runs on the queue's thread; must not throw.
  using Commit = std::function<void(std::vector<Group>&)>;

  explicit CommitQueue(Commit commit);
  /// Commits what is queued, then ends the thread.
  ~CommitQueue();
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  /// Any thread. A verb that the validator refuses enters no transaction; its company does. When too much waits already
  /// the answer comes at once, on the caller's thread.
  void post(std::vector<Verb> verbs, std::chrono::milliseconds patience, JobStore::Answered answered);

 private:
  void run();
  [[nodiscard]] std::vector<Group> take(std::unique_lock<std::mutex>& lock);

  const Commit commit_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  // Guarded by mutex_.
  std::deque<Group> queue_;
  std::size_t queuedBytes_ = 0;
  bool stopping_ = false;
  // Last, so that everything above lives when it starts.
  std::thread thread_;
};

}  // namespace v1
}  // namespace callsheet
