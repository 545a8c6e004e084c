#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/verbs.h"

// Verbs as tests need them, short.
namespace callsheet::tests {

inline constexpr std::int64_t second = 1'000'000;  ///< microseconds, as minute, hour and day
inline constexpr std::int64_t minute = 60 * second;
inline constexpr std::int64_t hour = 60 * minute;
inline constexpr std::int64_t day = 24 * hour;

[[nodiscard]] inline NewJob newJob(std::string kind = "k") {
  NewJob job;
  job.id = makeJobID();
  job.kind = std::move(kind);
  job.body.parameters = "{}";
  job.body.retry.firstDelay = std::chrono::seconds{10};
  job.body.retry.jitter = 0;
  return job;
}

[[nodiscard]] inline NewJob keyedJob(std::string key, std::optional<std::int64_t> windowMicros = 0) {
  NewJob job = newJob();
  job.body.key = std::move(key);
  job.keyWindowMicros = windowMicros;
  return job;
}

[[nodiscard]] inline Submit submitOf(std::vector<NewJob> jobs, IncarnationID sender = {}) {
  Submit submit;
  submit.sender = sender;
  submit.jobs = std::move(jobs);
  return submit;
}

[[nodiscard]] inline Claim claimOf(IncarnationID claimer, std::uint32_t max = 1,
                                   std::vector<std::string> kinds = {"k"}) {
  Claim claim;
  claim.id = makeClaimID();
  claim.claimer = claimer;
  claim.kinds = std::move(kinds);
  claim.max = max;
  return claim;
}

/// The present attempt, as its holder names it.
[[nodiscard]] inline AttemptRef attemptOf(const JobRow& row) {
  return {row.id, row.execID, row.holderKind == HolderKind::incarnation ? IncarnationID{row.holder} : IncarnationID{}};
}

/// A failure of the attempt that a row names.
[[nodiscard]] inline Fail failOf(const JobRow& row, bool retryable = true) {
  Fail fail;
  fail.attempt = attemptOf(row);
  fail.failure = {"io", "the disk is gone", "k", "{}"};
  fail.retryable = retryable;
  return fail;
}

}  // namespace callsheet::tests
