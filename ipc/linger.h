#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

namespace callsheet {
inline namespace v1 {

/// How long a leader that found nothing more to take waits for those who usually come back soon after an answer. Pure;
/// all times are nanoseconds of one clock.
class Linger {
 public:
  static constexpr std::int64_t usualMax = 200'000;

  /// `since`: when nothing more was found for the first time. A wait longer than half a commit gains nothing.
  Linger(std::int64_t since, std::int64_t commitNanos, std::int64_t maxNanos = usualMax)
      : latest_(since + std::min(commitNanos / 2, maxNanos)) {}

  /// Somebody who was answered at a time and usually takes `gapNanos` to want the next commit.
  void expect(std::int64_t answeredAt, std::int64_t gapNanos) {
    const std::int64_t back = answeredAt + gapNanos + gapNanos / 4 + allowance;
    if (back <= latest_) until_ = std::max(until_, back);
  }
  /// Nothing: nobody is expected any more.
  [[nodiscard]] std::optional<std::int64_t> until(std::int64_t now) const {
    return until_ > now ? std::optional(until_) : std::nullopt;
  }

 private:
  static constexpr std::int64_t allowance = 20'000;
  std::int64_t latest_;
  std::int64_t until_ = 0;
};

}  // namespace v1
}  // namespace callsheet
