#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

#include "callsheet/external_job_key.h"
#include "callsheet/fingerprint.h"
#include "callsheet/follow_up.h"
#include "callsheet/job_failure.h"
#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

class JobDirector;
class JobInjections;
template <class T>
class JobResult;
namespace detail {
class Node;
struct NodeOutcome;
/// What a wait of this name in a step is stored under.
[[nodiscard]] Fingerprint waitIDOf(Fingerprint step, std::string_view name);
}  // namespace detail

/// What a step's result is stored under.
struct StepKey {
  JobID job;
  Fingerprint step;  ///< nil: the root
  friend bool operator==(const StepKey&, const StepKey&) = default;
};

/// Thrown by JobContext::transferToPrincipal() to leave `execute`. Not a std::exception, so that a handler for errors
/// does not swallow it; and a job that swallows everything is transferred all the same, because the request is durable
/// already.
struct JobTransfer {};

/// Thrown by JobContext::throwIfCanceled() to leave `execute`.
struct JobCanceled {};

/// Thrown by JobContext::sleep and await to leave `execute`. The wait is recorded by then, so a job that swallows this
/// is suspended all the same.
struct JobSuspended {};

/// A job's own failure with a type that callers can tell apart. Anything else that is thrown has the type "error".
class JobError : public std::runtime_error {
 public:
  JobError(std::string type, const std::string& message, bool retryable = true, std::string result = {})
      : std::runtime_error(message), type_(std::move(type)), retryable_(retryable), result_(std::move(result)) {}
  /// What was stored, as it is handed to whoever asks for the result.
  explicit JobError(const JobFailure& failure)
      : std::runtime_error(failure.message),
        type_(failure.type),
        retryable_(false),
        origin_(failure.origin),
        payload_(failure.payload) {}
  [[nodiscard]] const std::string& type() const { return type_; }
  /// False: failed for good, whatever the retry policy says.
  [[nodiscard]] bool isRetryable() const { return retryable_; }
  /// JSON that the job leaves although it failed, such as a command's output; may be empty.
  [[nodiscard]] const std::string& result() const { return result_; }
  /// The same error, of which the next attempt begins no sooner than that, however short the retry policy's delay is.
  [[nodiscard]] JobError after(std::chrono::microseconds delay) const {
    JobError error = *this;
    error.leastDelay_ = delay;
    return error;
  }
  [[nodiscard]] std::chrono::microseconds leastDelay() const { return leastDelay_; }
  /// The kind or the step that it comes from; empty for one that is only being thrown.
  [[nodiscard]] const std::string& origin() const { return origin_; }
  /// JSON of a registered error type; may be empty.
  [[nodiscard]] const std::string& payload() const { return payload_; }

 private:
  std::string type_;
  bool retryable_;
  std::string result_;
  std::string origin_;
  std::string payload_;
  std::chrono::microseconds leastDelay_{0};
};

/// What a running job knows and may ask for. Lives for one call of `execute`; its methods may be called from any thread
/// that the job starts and ends within that call.
class JobContext {
 public:
  virtual ~JobContext() = default;

  [[nodiscard]] virtual JobID id() const = 0;
  /// The fencing token of this attempt: give it, with the id, to whatever must not happen twice.
  [[nodiscard]] virtual ExecID execID() const = 0;
  /// Hand-outs so far, this one included; a transfer or a stop counts too.
  [[nodiscard]] virtual std::uint32_t attempt() const = 0;
  /// Failures so far: what the retry policy compares.
  [[nodiscard]] virtual std::uint32_t failures() const = 0;
  [[nodiscard]] virtual const std::string& kind() const = 0;
  [[nodiscard]] virtual JobDirector& director() const = 0;

  /// Requested when the job is canceled, the director stops, or the attempt is no longer valid.
  [[nodiscard]] virtual std::stop_token stopToken() const = 0;
  [[nodiscard]] bool isCanceled() const { return stopToken().stop_requested(); }
  /// Leaves `execute` when it is.
  void throwIfCanceled() const {
    if (isCanceled()) throw JobCanceled{};
  }

  /// Share done, 0..1, and a short text. Written to the store at most once a second.
  virtual void progress(double share, std::string_view text = {}) = 0;

  /// In the principal: nothing. In an assistant: makes the request durable, then throws JobTransfer. However `execute`
  /// ends from then on, the job runs again in the principal, and what this call of `execute` returns is not accepted.
  virtual void transferToPrincipal() = 0;

  /// Runs another job, with all that it is bound to, as a step of this one, and gives its result; throws the error
  /// that it failed with, of its own type if that was added to the JobTypes. A result is stored once under this job and
  /// the step's fingerprint: the same job again, in this attempt or a later one, is not run again.
  template <class Job>
  typename Job::Value run(Job job);
  /// The same, but a failure is a value.
  template <class Job>
  [[nodiscard]] JobResult<typename Job::Value> result(Job job);

  /// Returns at once when the time is over since the first call of this name; until then the attempt is suspended:
  /// JobSuspended leaves `execute`, which begins anew when the time has come. What stands before it runs again unless
  /// it is a step or an input. A name stands for one wait of its step.
  void sleep(std::string_view name, std::chrono::microseconds duration);
  void sleepUntil(std::string_view name, std::chrono::system_clock::time_point time);
  /// The value that somebody gave to this wait's external key by JobDirector::complete; suspends until then.
  template <class T>
  [[nodiscard]] T await(std::string_view name);
  /// What to give to whoever is to end the wait of this name in this step; the same in every attempt.
  [[nodiscard]] ExternalJobKey externalKey(std::string_view name) const;

  /// Submits another job in the transaction in which this one succeeds: not at all when it does not, and exactly once
  /// when it does, into this director's queue. Its type is among the JobTypes. Error(usage) for `options.to`, and in a
  /// step: its code is not run again, so only the root
  /// may ask.
  template <class Job>
  void submitAfter(const Job& job, const SubmitOptions& options = {});

  /// What the process gave to its director for its jobs (JobInject). Error(usage) outside of a director.
  [[nodiscard]] virtual const JobInjections& injections() const;

  /// The step that runs; nil in the root.
  [[nodiscard]] virtual Fingerprint step() const { return {}; }

 protected:
  virtual void follow(const detail::FollowUp& job);
  /// Throws a stored failure as its own type, where that is known, or as a JobError.
  [[noreturn]] virtual void raise(const JobFailure& failure) const { throw JobError(failure); }
  /// The name of the director's id.
  [[nodiscard]] virtual std::string directorName() const { return {}; }
  [[nodiscard]] virtual detail::NodeOutcome runNode(const std::shared_ptr<const detail::Node>& node);
  /// What ended the wait; throws JobSuspended when nothing has. `wakeAt` in UTC us; nothing: only an event.
  virtual detail::NodeOutcome wait(std::string_view name, std::optional<std::int64_t> wakeAt);
  /// The store's present time, UTC us.
  [[nodiscard]] virtual std::int64_t now() const { return 0; }
};

}  // namespace v1
}  // namespace callsheet
