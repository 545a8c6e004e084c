#pragma once
#include <time.h>

#include <cstdint>

namespace callsheet {
inline namespace v1 {

/// CLOCK_BOOTTIME in nanoseconds: counts suspend, cannot be set, equal in all processes of a boot. Only differences
/// mean anything.
[[nodiscard]] inline std::int64_t nowNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace v1
}  // namespace callsheet
