#pragma once
#include <time.h>

#include <cstdint>

namespace callsheet {
inline namespace v1 {

/// CLOCK_BOOTTIME: counts suspend, cannot be set.
[[nodiscard]] inline std::int64_t bootNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// For people only.
[[nodiscard]] inline std::int64_t utcMicros() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace v1
}  // namespace callsheet
