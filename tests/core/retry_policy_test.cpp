#include "callsheet/retry_policy.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "callsheet/limits.h"

using namespace callsheet;
using namespace std::chrono_literals;
using std::chrono::microseconds;

TEST_CASE("A job is tried again until its failures reach maxAttempts", "[core][retry]") {
  RetryPolicy policy;
  REQUIRE(mayRetry(policy, 1));
  REQUIRE(mayRetry(policy, 2));
  REQUIRE_FALSE(mayRetry(policy, 3));
  REQUIRE_FALSE(mayRetry(policy, 4));
  policy.maxAttempts = 1;
  REQUIRE_FALSE(mayRetry(policy, 1));
}

TEST_CASE("Delays grow by the factor up to the longest", "[core][retry]") {
  const RetryPolicy policy;
  REQUIRE(delayAfter(policy, 1, 0) == 10s);
  REQUIRE(delayAfter(policy, 2, 0) == 20s);
  REQUIRE(delayAfter(policy, 3, 0) == 40s);
  REQUIRE(delayAfter(policy, 9, 0) == 2560s);
  REQUIRE(delayAfter(policy, 10, 0) == 1h);
  REQUIRE(delayAfter(policy, std::numeric_limits<std::uint32_t>::max(), 0) == 1h);
  RetryPolicy steady;
  steady.factor = 1;
  REQUIRE(delayAfter(steady, 4'000'000'000u, 0) == 10s);
  RetryPolicy atOnce;
  atOnce.firstDelay = 0s;
  REQUIRE(delayAfter(atOnce, 4'000'000'000u, 77) == 0s);
}

TEST_CASE("Jitter only takes off, and at most its share", "[core][retry]") {
  RetryPolicy policy;
  const auto most = std::numeric_limits<std::uint32_t>::max();
  REQUIRE(delayAfter(policy, 1, most) >= 9s);
  REQUIRE(delayAfter(policy, 1, most) < 9s + 10us);
  REQUIRE(delayAfter(policy, 1, most / 2) > 9490ms);
  REQUIRE(delayAfter(policy, 1, most / 2) < 9510ms);
  policy.jitter = 1;
  REQUIRE(delayAfter(policy, 1, most) < 1ms);
  policy.jitter = 0;
  REQUIRE(delayAfter(policy, 1, most) == 10s);
}

TEST_CASE("Deaths in a row back off from the second on", "[core][retry]") {
  REQUIRE(deathDelay(0, 0) == 0s);
  REQUIRE(deathDelay(1, 12345) == 0s);
  REQUIRE(deathDelay(2, 0) == 1s);
  REQUIRE(deathDelay(3, 0) == 2s);
  REQUIRE(deathDelay(4, 0) == 4s);
  REQUIRE(deathDelay(10, 0) == 256s);
  REQUIRE(deathDelay(11, 0) == 5min);
  REQUIRE(deathDelay(std::numeric_limits<std::uint32_t>::max(), 0) == 5min);
  REQUIRE(deathDelay(2, std::numeric_limits<std::uint32_t>::max()) >= 900ms);
}

TEST_CASE("No policy whatever makes a negative or endless delay", "[core][retry]") {
  const auto start = std::random_device{}();
  CAPTURE(start);
  std::mt19937_64 random(start);
  for (int round = 0; round < 20'000; ++round) {
    RetryPolicy policy;
    policy.firstDelay = microseconds{static_cast<std::int64_t>(random())};
    policy.maxDelay = microseconds{static_cast<std::int64_t>(random())};
    policy.factor = std::bit_cast<double>(random());
    policy.jitter = std::bit_cast<double>(random());
    const auto delay = delayAfter(policy, static_cast<std::uint32_t>(random()), static_cast<std::uint32_t>(random()));
    REQUIRE(delay >= 0us);
    REQUIRE(delay <= limits::delayMax);
  }
}

TEST_CASE("Bad values of a policy are refused with a sentence each", "[core][retry]") {
  const auto refusal = [](auto change) {
    RetryPolicy policy;
    change(policy);
    return whyRefused(policy).value_or("");
  };
  REQUIRE_FALSE(whyRefused(RetryPolicy{}).has_value());
  REQUIRE(refusal([](auto& policy) { policy.maxAttempts = 0; }).find("at least one attempt") != std::string::npos);
  REQUIRE(refusal([](auto& policy) { policy.firstDelay = -1us; }).find("first delay") != std::string::npos);
  REQUIRE(refusal([](auto& policy) { policy.maxDelay = -1us; }).find("longest delay") != std::string::npos);
  REQUIRE(refusal([](auto& policy) { policy.maxDelay = microseconds::max(); }).find("ten years") != std::string::npos);
  REQUIRE(refusal([](auto& policy) { policy.factor = 0.5; }).find("factor") != std::string::npos);
  REQUIRE(refusal([](auto& policy) { policy.factor = NAN; }).find("factor") != std::string::npos);
  REQUIRE(refusal([](auto& policy) { policy.jitter = 1.01; }).find("jitter") != std::string::npos);
  REQUIRE(refusal([](auto& policy) { policy.jitter = NAN; }).find("jitter") != std::string::npos);
}
