#pragma once
#include <cstdint>
#include <string>

#include "callsheet/job_state.h"
#include "callsheet/json_archive.h"
#include "callsheet/submit_options.h"
#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

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
  std::string failureOrigin;   ///< the step that failed, or the job's kind
  std::string failurePayload;  ///< JSON of a registered error type: errorAs<E>(failureType, failurePayload)
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
