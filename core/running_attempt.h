#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "callsheet/job_injections.h"
#include "core/clock.h"
#include "core/memo_row.h"
#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

class JobDirector;
class TreeRun;

/// Thrown out of a type's `run` when the attempt could not begin, for no fault of the job: it is given back, and
/// nothing is counted but the hand-out. Whoever throws it has waited a while, because the job may be handed out again
/// at once.
struct AttemptNotBegun {
  std::string why;
};

/// An attempt while it runs here: what was handed out, and what has become of it meanwhile. The flags may be set and
/// read from any thread.
struct RunningAttempt {
  Claim::Item item;
  AttemptRef ref;
  std::stop_source stop;
  std::atomic<bool> isCanceled{false};         // by somebody
  std::atomic<bool> isGivenBack{false};        // the director stops
  std::atomic<bool> isVoid{false};             // fenced, expired, replaced, or suspended already
  std::atomic<bool> isTransferred{false};      // the request is durable
  std::atomic<std::int64_t> progressedAt{0};   // steady clock, ns
  std::atomic<std::int64_t> deadlineNanos{0};  // boot clock, as far as is known here; 0: none
  std::weak_ptr<TreeRun> tree;                 // its runner's, guarded by that one's mutex

  void makeVoid() {
    isVoid = true;
    stop.request_stop();
  }
};

/// What a running attempt needs from outside. Called on worker threads, without a lock held.
class AttemptHost {
 public:
  virtual ~AttemptHost() = default;
  /// Makes a transfer request durable before it returns.
  [[nodiscard]] virtual AttemptAnswer requestTransfer(const AttemptRef& attempt) = 0;
  /// Makes the results of steps, or their waits, durable before it returns.
  [[nodiscard]] virtual AttemptAnswer saveResults(const AttemptRef& attempt, std::vector<MemoRow> memos) = 0;
  [[nodiscard]] virtual AttemptAnswer suspend(const AttemptRef& attempt, std::vector<MemoRow> waits) = 0;
  /// All that the job remembers, without values; may throw UnreadableRow, as the next.
  [[nodiscard]] virtual std::vector<MemoRow> memos(JobID job) = 0;
  [[nodiscard]] virtual std::optional<MemoRow> memo(JobID job, Fingerprint memo) = 0;
  virtual void progressed(const AttemptRef& attempt, double share, std::string text) = 0;
  /// Remembers for people what steps are about; nobody waits for it. Any thread.
  virtual void noted(const AttemptRef& attempt, std::vector<MemoRow> steps) = 0;
  /// The transfer that was asked for takes place, though the attempt's code still runs. Any thread.
  virtual void handOver(const AttemptRef& attempt) = 0;
  /// The time at which a tree is to be looked at has changed.
  virtual void lookLater() = 0;
  [[nodiscard]] virtual JobDirector& director() = 0;
  [[nodiscard]] virtual const JobInjections& injections() const = 0;
  [[nodiscard]] virtual std::string directorName() const = 0;
  [[nodiscard]] virtual bool isPrincipal() const = 0;
  /// How long steps that run may go on after a transfer was asked for.
  [[nodiscard]] virtual std::chrono::nanoseconds transferGrace() const = 0;
  [[nodiscard]] virtual Moment now() const = 0;
};

}  // namespace v1
}  // namespace callsheet
