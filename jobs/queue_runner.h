#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "callsheet/log.h"
#include "callsheet/script_options.h"
#include "callsheet/waiting_jobs.h"
#include "core/clock.h"
#include "core/job_runner.h"
#include "core/job_store.h"
#include "core/once_per_sentence.h"
#include "ipc/event_loop.h"
#include "jobs/alone_drain.h"
#include "jobs/claim_shares.h"
#include "jobs/task_keeper.h"

namespace callsheet {
inline namespace v1 {

/// A director's own queue at work: claims as many jobs as there are free workers, runs them, stores what becomes of
/// them, and ends those whose time is over. What ended and the next claim share a commit; one commit is under way at a
/// time, so under load they gather. What the store loses is kept and repeated after a while. A store that cannot be
/// read is said once and looked at again. Thread-safe.
class QueueRunner final : private JobRunner::Host, private TaskKeeper::Host {
 public:
  struct Options {
    unsigned workers = 1;
    WaitingJobs waiting{};
    bool isPrincipal = false;
    std::string directorName;
    std::chrono::milliseconds transferGrace = std::chrono::seconds{10};
    LogSink log;
    /// Where commands run; null: none is claimed here.
    std::shared_ptr<TaskEnvironment> tasks{};
    std::string program{};  ///< the `callsheet` command, for scripts and transfers there; empty: neither
    ScriptOptions scripts{};
    unsigned transfers = 0;  ///< at once, beside the workers' jobs
    /// The store answered `fenced` to a claim: this incarnation was closed by somebody else. On the store's thread.
    std::function<void(IncarnationID)> onFenced;
  };

  QueueRunner(JobStore& store, const Clock& clock, EventLoop& loop, const JobTypes& types, JobDirector& director,
              Options options);
  ~QueueRunner() override;

  /// All that it can run, each as KnownKind's text.
  [[nodiscard]] const std::vector<std::string>& kinds() const { return kinds_; }
  /// Begins to claim as this incarnation; again after a fence, with the new one.
  void begin(IncarnationID incarnation);
  /// Something may be ready, or a running job is asked to end. Any thread.
  void wake();
  /// The slow look that finds what no bell told. Any thread, about once a second.
  void tick();

  /// How long the commit that is under way has waited for its answer; zero when none is.
  [[nodiscard]] std::chrono::milliseconds commitAge() const;

  struct Left {
    std::vector<std::string> names;
    std::size_t commands = 0;  ///< go on without this director
  };
  /// Claims nothing more, asks all jobs to end, waits for them and for their last commits, and gives back those that
  /// are left.
  Left drain(std::chrono::milliseconds grace);

 private:
  void ended(JobID id, std::optional<Verb> end) override;
  void freed() override;
  void commandEnded(std::optional<Verb> end) override;
  void commandGone() override { freed(); }
  void commandTells(Notify news) override { postUnheard(std::move(news)); }
  [[nodiscard]] AttemptAnswer requestTransfer(const AttemptRef& attempt) override;
  [[nodiscard]] AttemptAnswer saveResults(const AttemptRef& attempt, std::vector<MemoRow> memos) override;
  [[nodiscard]] AttemptAnswer suspend(const AttemptRef& attempt, std::vector<MemoRow> waits) override;
  [[nodiscard]] std::vector<MemoRow> memos(JobID job) override;
  [[nodiscard]] std::optional<MemoRow> memo(JobID job, Fingerprint memo) override;
  [[nodiscard]] Moment now() const override { return clock_.now(); }
  [[nodiscard]] std::chrono::nanoseconds transferGrace() const override { return options_.transferGrace; }
  void progressed(const AttemptRef& attempt, double share, std::string text) override;
  void noted(const AttemptRef& attempt, std::vector<MemoRow> steps) override;
  void handOver(const AttemptRef& attempt) override { add(Transfer{attempt}); }
  void lookLater() override { setTimeTimer(); }
  [[nodiscard]] JobDirector& director() override { return director_; }
  [[nodiscard]] const JobInjections& injections() const override;
  [[nodiscard]] std::string directorName() const override { return options_.directorName; }
  [[nodiscard]] bool isPrincipal() const override { return options_.isPrincipal; }

  void pump();
  [[nodiscard]] std::vector<Verb> gather();
  [[nodiscard]] std::optional<Claim> nextClaim();
  void post(std::vector<Verb> verbs);
  void answered(std::vector<Verb> verbs, std::vector<AnyAnswer> answers);
  [[nodiscard]] std::vector<Claim::Item> takeClaim(const Claim& claim, Claim::Answer& answer);
  void start(std::vector<Claim::Item> items, IncarnationID incarnation);
  void settleEnd(Verb verb, const AttemptAnswer& answer);
  void settleExpire(Verb verb, const SweepAnswer& answer);
  void add(Verb verb);
  /// Nobody waits for it, and it may get lost.
  void postUnheard(Verb verb);
  void holdBack(std::optional<Verb> lost);
  void retryLost();
  void lookAtRunning();
  void lookAtCommands();
  /// Asks transfers to end whose answer nobody waits for any more.
  void endUnwanted();
  /// Under which incarnation commands are attended to; nil while they are not.
  [[nodiscard]] IncarnationID attendant() const;
  [[nodiscard]] ClaimShares::Taken taken() const;
  void lookAtSteps(TreeLook why);
  void timeHasCome();
  [[nodiscard]] bool wasProlonged(const AttemptRef& attempt, std::int64_t bootNanos);
  void setDueTimer(std::int64_t dueAt);
  void setTimeTimer();
  [[nodiscard]] AttemptAnswer toldWhenLost(AttemptAnswer answer);
  void say(LogLevel level, const std::string& sentence) const;

  JobStore& store_;
  const Clock& clock_;
  JobDirector& director_;
  const Options options_;
  const std::vector<std::string> kinds_;

  OncePerSentence troubles_;

  mutable std::mutex mutex_;
  std::condition_variable settled_;
  // Guarded by mutex_.
  IncarnationID incarnation_;
  std::vector<Verb> ends_;                // what became of attempts and is not in a commit yet
  std::vector<Verb> lost_;                // of those, what the store lost: kept back until the retry timer rings
  std::optional<Claim> unansweredClaim_;  // repeated with the same id, because the store may have applied it
  bool isHoldingBack_ = false;            // the retry timer runs: neither lost_ nor a lost claim is posted
  bool isBusy_ = false;                   // a commit is under way
  std::chrono::steady_clock::time_point busySince_{};
  ClaimShares shares_;
  bool isStopping_ = false;
  bool isEnding_ = false;  // nothing is posted any more
  bool isFenced_ = false;
  std::uint64_t lastSequence_ = 0;
  AloneDrain alone_;

  Timer dueTimer_;
  Timer retryTimer_;
  Timer timeTimer_;  // of deadlines, and of what the running jobs' steps wait for
  // Last: their threads use all of the above.
  std::optional<JobRunner> runner_;
  std::optional<TaskKeeper> keeper_;
};

}  // namespace v1
}  // namespace callsheet
