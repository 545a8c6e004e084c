#pragma once
#include <cstdint>

#include "api/api_store.h"
#include "core/clock.h"
#include "core/once_per_sentence.h"

namespace callsheet {
inline namespace v1 {

/// Ends attempts when their time is over, and not only when the principal's next sweep comes: what is handed out over
/// the API has short limits. Nothing ticks while nothing is handed out. Lives on the loop's thread.
class Expiry {
 public:
  Expiry(ApiStore& store, EventLoop& loop, const Clock& clock, const LogSink& log);
  /// An attempt has this limit now.
  void heard(const JobRow& row);
  void look();

 private:
  void lookNow();
  void arm(std::int64_t deadline);

  ApiStore& store_;
  const Clock& clock_;
  OncePerSentence troubles_;
  std::int64_t armedFor_ = never;  ///< boot clock
  bool isUnderWay_ = false;
  Timer timer_;
};

}  // namespace v1
}  // namespace callsheet
