#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "callsheet/job_key.h"
#include "callsheet/job_state.h"
#include "callsheet/json_archive.h"
#include "callsheet/retry_policy.h"
#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// How a job is to be submitted; what is left out is the default.
struct SubmitOptions {
  JobID id;    ///< nil: a new one is made. The same id again is the same job
  JobKey key;  ///< empty: none
  /// How long the key answers, from now, though the job is done. Nothing: as long as the done job is kept; 0: only
  /// while it lives.
  std::optional<std::chrono::microseconds> keyWindow;
  std::chrono::microseconds delay{0};  ///< runs not before now + this; never negative
  int priority = 0;                    ///< -1000..1000; one step is worth a minute of waiting
  std::string queue = "default";
  RetryPolicy retry;
  std::chrono::microseconds attemptLimit{0};  ///< how long one attempt may take; 0: no limit
  std::string to;                             ///< an assistant's name; empty: the director's own queue
  JobID retryOf;                              ///< the job that this one does again
  std::map<std::string, std::string> labels;
};

/// What became of a submit. Accepted means durable.
struct Submission {
  enum class Outcome : std::uint8_t {
    accepted,     ///< a new job, or the same one submitted again
    duplicate,    ///< the key stands for another job: `id` is that one
    refused,      ///< `why` says what is wrong with it
    unavailable,  ///< nothing or perhaps something happened: submit again with the same id
  };
  Outcome outcome = Outcome::refused;
  JobID id;
  std::string why;
  [[nodiscard]] bool isAccepted() const { return outcome == Outcome::accepted; }
};

struct JobStatus {
  JobID id;
  std::string kind;
  std::string queue;
  JobState state = JobState::ready;
  WaitReason waitingFor = WaitReason::none;
  JobOutcome outcome = JobOutcome::none;
  bool cancelRequested = false;
  bool transferRequested = false;
  std::string owner;          ///< "principal", an assistant's name, or "(closed)"
  std::uint32_t attempt = 0;  ///< hand-outs
  std::uint32_t started = 0;
  std::uint32_t failures = 0;
  std::uint32_t holderDeaths = 0;
  double progress = 0;
  std::string progressText;
  std::string result;       ///< JSON; empty: none
  std::string failureType;  ///< set when it failed, with the next
  std::string failureMessage;
  std::int64_t createdAt = 0;  ///< UTC us, as the next three; 0: not yet
  std::int64_t startedAt = 0;
  std::int64_t finishedAt = 0;
  std::int64_t wakeAt = 0;

  [[nodiscard]] bool isDone() const { return state == JobState::done; }
  [[nodiscard]] bool isSucceeded() const { return outcome == JobOutcome::succeeded; }
  /// The result as a value. Error(invalid) when there is none or it has another shape.
  template <class Value>
  [[nodiscard]] Value resultAs() const {
    Value value{};
    fromJson(result, value);
    return value;
  }
};

}  // namespace v1
}  // namespace callsheet
