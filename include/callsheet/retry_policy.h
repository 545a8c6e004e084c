#pragma once
#include <cereal/cereal.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace callsheet {
inline namespace v1 {

/// How often and how soon a failed job is tried again. A plain value; every field has a sensible default.
struct RetryPolicy {
  std::uint32_t maxAttempts = 3;                                    ///< compared with `failures`; 1 = never retry
  std::chrono::microseconds firstDelay = std::chrono::seconds{10};  ///< before the second attempt
  double factor = 2.0;                                         ///< each further delay is this many times the one before
  std::chrono::microseconds maxDelay = std::chrono::hours{1};  ///< no delay is longer
  double jitter = 0.1;  ///< 0..1: up to this share of a delay is taken off at random, so that jobs do not come in waves

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(maxAttempts), CEREAL_NVP(firstDelay), CEREAL_NVP(factor), CEREAL_NVP(maxDelay),
            CEREAL_NVP(jitter));
  }
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

/// Why a policy may not be used, as one sentence; nothing when it may.
[[nodiscard]] std::optional<std::string> whyRefused(const RetryPolicy& policy);

/// Whether a job with this many failures, the latest one counted, may be tried again.
[[nodiscard]] bool mayRetry(const RetryPolicy& policy, std::uint32_t failures);

/// How long to wait after the failures-th failure. `random` is uniform over all 32 bit numbers and is the caller's, so
/// that the answer is a pure function; 0 takes nothing off. Never negative, never above maxDelay, whatever the policy
/// holds.
[[nodiscard]] std::chrono::microseconds delayAfter(const RetryPolicy& policy, std::uint32_t failures,
                                                   std::uint32_t random);

/// How long a job waits after its holder died for the n-th time in a row: 0 for the first, then 1 s, 2 s, 4 s ... up to
/// 5 min, less up to a tenth by `random`.
[[nodiscard]] std::chrono::microseconds deathDelay(std::uint32_t consecutiveDeaths, std::uint32_t random);

}  // namespace v1
}  // namespace callsheet
