#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "callsheet/external_job_key.h"
#include "callsheet/job_key.h"
#include "callsheet/prerequisite.h"
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
  std::vector<Prerequisite> after;            ///< begins only when each of these jobs has ended so; at most 100
  /// However the job ends, that ends this wait of another job: with its result, or with its failure. Nothing: none.
  std::optional<ExternalJobKey> answers;
  std::map<std::string, std::string> labels;
};

}  // namespace v1
}  // namespace callsheet
