#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "callsheet/job_types.h"
#include "core/running_attempt.h"
#include "core/tree_run.h"
#include "core/verbs.h"
#include "core/worker_pool.h"

namespace callsheet {
inline namespace v1 {

/// Runs claimed attempts on a bounded pool, or without a thread where the kind needs none, and turns what becomes of
/// each into the verb that says so. Knows no store: asks its host. Thread-safe.
class JobRunner {
 public:
  /// Called on worker threads and those that end detached jobs, without a lock held.
  class Host : public AttemptHost {
   public:
    /// The attempt is over. `end` is Succeed, Fail, Transfer, Suspend or Unclaim; nothing when the attempt was void
    /// already. It counts as running until this has returned, so whoever sees nothing running has been told of every
    /// end.
    virtual void ended(JobID id, std::optional<Verb> end) = 0;
    /// After ended(): the attempt's worker is free.
    virtual void freed() = 0;
  };

  /// `more`: threads beside the workers, for attempts that the caller does not count as theirs.
  JobRunner(const JobTypes& types, unsigned workers, Host& host, unsigned more = 0);
  /// Waits for every attempt to return.
  ~JobRunner();

  /// The caller never runs more than freeWorkers(). An attempt of a job whose former attempt has not returned here yet
  /// waits for it.
  void run(Claim::Item item, IncarnationID sender);
  [[nodiscard]] unsigned freeWorkers() const;
  [[nodiscard]] std::size_t runningCount() const;
  /// Of those, the ones of these kinds.
  [[nodiscard]] std::size_t runningCount(const std::vector<std::string>& kinds) const;
  [[nodiscard]] bool runsAlone() const;
  /// Attempts as they were handed out; void ones are left out.
  [[nodiscard]] std::vector<AttemptRef> running() const;
  /// Of those, the ones whose deadline lies before this moment of the boot clock.
  [[nodiscard]] std::vector<AttemptRef> pastDeadline(std::int64_t bootNanos) const;
  /// From this moment of the boot clock until the nearest deadline, or until a time at which a running job's steps have
  /// to be looked at; nothing: there is no such time.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> untilNextTime(std::int64_t bootNanos) const;
  /// Looks at the steps of every running job. Not on a worker's thread.
  void look(TreeLook why);
  /// "KIND ID" of attempts that have not returned, void ones too.
  [[nodiscard]] std::vector<std::string> names() const;

  /// Asks the job to end because somebody canceled it: however it ends short of success, it is canceled.
  void cancel(JobID id);
  /// The attempt is no longer valid: asks it to end, and drops what becomes of it.
  void makeVoid(JobID id, ExecID exec);
  /// The store has given the attempt more time: its deadline on the boot clock.
  void prolong(JobID id, ExecID exec, std::int64_t deadlineNanos);
  /// Asks all to end because the director stops: they are given back unless they succeed.
  void giveBackAll();

 private:
  using Attempt = RunningAttempt;
  [[nodiscard]] std::vector<std::shared_ptr<Attempt>> attempts(std::optional<JobID> id) const;
  void start(std::shared_ptr<Attempt> attempt);
  void execute(const std::shared_ptr<Attempt>& attempt);
  class Detached;
  void begin(const std::shared_ptr<Attempt>& attempt, const JobTypes::Type& type);
  void completeDetached(const std::shared_ptr<Attempt>& attempt, TreeEnd end);
  [[nodiscard]] const JobTypes::Type& typeOf(const Attempt& attempt) const;
  void complete(const std::shared_ptr<Attempt>& attempt, const detail::Node* root, TreeEnd end);
  [[nodiscard]] std::optional<Verb> verbOf(const Attempt& attempt, const detail::Node* root, TreeEnd end) const;
  [[nodiscard]] Verb failureOf(const Attempt& attempt, const detail::Node* root,
                               const detail::NodeOutcome& outcome) const;
  [[nodiscard]] std::vector<NewJob> jobsOf(std::vector<detail::FollowUp> following) const;
  [[nodiscard]] std::vector<std::shared_ptr<TreeRun>> trees() const;
  void finish(const std::shared_ptr<Attempt>& attempt);

  const JobTypes& types_;
  Host& host_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<JobID, std::shared_ptr<Attempt>> running_;
  std::map<JobID, std::shared_ptr<Attempt>> deferred_;
  std::size_t detached_ = 0;  // jobs without a thread whose end has not been told
  std::condition_variable told_;
  const unsigned workers_;
  WorkerPool beginners_;  // of detached jobs, which take a thread only then
  WorkerPool pool_;       // last, as the one before it: their threads use all of the above
};

}  // namespace v1
}  // namespace callsheet
