#include <time.h>

#include <fstream>

#include "callsheet/errors.h"
#include "core/clock.h"

namespace callsheet {
inline namespace v1 {

SystemClock::SystemClock() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  file >> text;
  const auto uuid = Uuid::parse(text);
  if (!uuid)
    throw Error(ErrorKind::unsupported,
                "/proc/sys/kernel/random/boot_id cannot be read; Callsheet needs a mounted /proc");
  bootID_ = *uuid;
}

Moment SystemClock::now() const {
  timespec utc{};
  timespec boot{};
  ::clock_gettime(CLOCK_REALTIME, &utc);
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  return Moment{.utcMicros = utc.tv_sec * std::int64_t{1'000'000} + utc.tv_nsec / 1000,
                .bootNanos = boot.tv_sec * std::int64_t{1'000'000'000} + boot.tv_nsec,
                .bootID = bootID_};
}

}  // namespace v1
}  // namespace callsheet
