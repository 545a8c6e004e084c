#pragma once
#include <cstdint>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// One reading of both clocks. Durations are only ever differences of bootNanos with an equal bootID.
struct Moment {
  std::int64_t utcMicros = 0;  ///< microseconds since 1970, UTC; may be set by people
  std::int64_t bootNanos = 0;  ///< CLOCK_BOOTTIME, nanoseconds; counts suspend, cannot be set
  Uuid bootID;                 ///< which boot bootNanos counts from
};

/// The seam for time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Moment now() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  SystemClock();
  [[nodiscard]] Moment now() const override;

 private:
  Uuid bootID_;
};

/// A clock that stands until it is moved; for tests. Not thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Moment start) : moment_(start) {}
  [[nodiscard]] Moment now() const override { return moment_; }
  void advanceMicros(std::int64_t micros) {
    moment_.utcMicros += micros;
    moment_.bootNanos += micros * 1000;
  }
  /// Pretends a reboot: another boot id, the boot clock starts at zero.
  void reboot(Uuid bootID) {
    moment_.bootID = bootID;
    moment_.bootNanos = 0;
  }

 private:
  Moment moment_;
};

}  // namespace v1
}  // namespace callsheet
