#pragma once
#include <chrono>
#include <cstdint>
#include <thread>

namespace callsheet {
inline namespace v1 {

/// CLOCK_MONOTONIC in nanoseconds, equal in all processes; only differences mean anything.
[[nodiscard]] inline std::int64_t benchNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline void nap(std::chrono::microseconds length) {
  std::this_thread::sleep_for(length);
}

/// What a measurement says in seconds, as nanoseconds.
[[nodiscard]] inline std::int64_t nanosOf(double seconds) {
  return static_cast<std::int64_t>(seconds * 1e9);
}

}  // namespace v1
}  // namespace callsheet
