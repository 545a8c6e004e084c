#include "callsheet/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::microseconds;

/// first * factor^exponent, at most `longest`, less up to the share `jitter` of it. In doubles, because they saturate;
/// 2^53 microseconds are 285 years, so nothing that a policy may hold loses precision.
microseconds backOff(microseconds first, double factor, std::uint32_t exponent, microseconds longest, double jitter,
                     std::uint32_t random) {
  if (first.count() <= 0) return microseconds{0};  // and 0 * infinity is not asked for
  const double cap =
      std::clamp(static_cast<double>(longest.count()), 0.0, static_cast<double>(limits::delayMax.count()));
  double delay = static_cast<double>(first.count()) * std::pow(factor, exponent);
  if (!(delay < cap)) delay = cap;  // also NaN
  const double share = static_cast<double>(random) / 4294967296.0;
  delay *= 1.0 - (jitter > 0 ? std::min(jitter, 1.0) : 0.0) * share;
  return microseconds{static_cast<std::int64_t>(std::max(delay, 0.0))};
}

}  // namespace

std::optional<std::string> whyRefused(const RetryPolicy& policy) {
  if (policy.maxAttempts == 0)
    return "A retry policy allows at least one attempt; 1 means that nothing is tried again.";
  if (policy.firstDelay < microseconds{0}) return "A retry policy's first delay must not be negative.";
  if (policy.maxDelay < microseconds{0}) return "A retry policy's longest delay must not be negative.";
  if (policy.firstDelay > limits::delayMax || policy.maxDelay > limits::delayMax)
    return "A retry policy's delays must not be longer than ten years.";
  if (!(policy.factor >= 1.0 && policy.factor <= 1000.0)) return "A retry policy's factor must be between 1 and 1000.";
  if (!(policy.jitter >= 0.0 && policy.jitter <= 1.0))
    return "A retry policy's jitter must be a share between 0 and 1.";
  return std::nullopt;
}

bool mayRetry(const RetryPolicy& policy, std::uint32_t failures) {
  return failures < policy.maxAttempts;
}

microseconds delayAfter(const RetryPolicy& policy, std::uint32_t failures, std::uint32_t random) {
  const std::uint32_t exponent = failures == 0 ? 0 : failures - 1;
  return backOff(policy.firstDelay, policy.factor, exponent, policy.maxDelay, policy.jitter, random);
}

microseconds deathDelay(std::uint32_t consecutiveDeaths, std::uint32_t random) {
  if (consecutiveDeaths < 2) return microseconds{0};
  return backOff(std::chrono::seconds{1}, 2.0, consecutiveDeaths - 2, std::chrono::minutes{5}, 0.1, random);
}

}  // namespace v1
}  // namespace callsheet
