#pragma once
#include <chrono>
#include <cstddef>

namespace callsheet {
inline namespace v1 {

/// When a director pauses its claims so that a job that must run alone finds the process empty. A pause that was too
/// short for the jobs that were running is followed, after a while of ordinary work, by one of twice the length, so
/// that the job's turn comes however long the others take. Not thread-safe.
class AloneDrain {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What the last claim said: whether such a job waits.
  void heard(bool isWaiting) {
    isWaiting_ = isWaiting;
    if (!isWaiting) *this = AloneDrain{};
  }
  [[nodiscard]] bool isWaiting() const { return isWaiting_; }

  [[nodiscard]] bool mayClaim(std::size_t running, Time now) {
    if (!isWaiting_ || running == 0) return true;
    if (now < pauseUntil_) return false;
    if (now < pauseAgainAt_) return true;
    pauseUntil_ = now + pause_;
    pauseAgainAt_ = pauseUntil_ + betweenPauses;
    pause_ *= 2;
    return false;
  }

  static constexpr std::chrono::seconds firstPause{5};
  static constexpr std::chrono::seconds betweenPauses{60};

 private:
  bool isWaiting_ = false;
  std::chrono::seconds pause_ = firstPause;
  Time pauseUntil_{};
  Time pauseAgainAt_{};
};

}  // namespace v1
}  // namespace callsheet
