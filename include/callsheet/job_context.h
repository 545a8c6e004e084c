#pragma once
#include <cstdint>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

class JobDirector;

/// Thrown by JobContext::transferToPrincipal() to leave `execute`. Not a std::exception, so that a handler for errors
/// does not swallow it; and a job that swallows everything is transferred all the same, because the request is durable
/// already.
struct JobTransfer {};

/// Thrown by JobContext::throwIfCanceled() to leave `execute`.
struct JobCanceled {};

/// A job's own failure with a type that callers can tell apart. Anything else that is thrown has the type "error".
class JobError : public std::runtime_error {
 public:
  JobError(std::string type, const std::string& message, bool retryable = true, std::string result = {})
      : std::runtime_error(message), type_(std::move(type)), retryable_(retryable), result_(std::move(result)) {}
  [[nodiscard]] const std::string& type() const { return type_; }
  /// False: failed for good, whatever the retry policy says.
  [[nodiscard]] bool isRetryable() const { return retryable_; }
  /// JSON that the job leaves although it failed, such as a command's output; may be empty.
  [[nodiscard]] const std::string& result() const { return result_; }

 private:
  std::string type_;
  bool retryable_;
  std::string result_;
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
};

}  // namespace v1
}  // namespace callsheet
