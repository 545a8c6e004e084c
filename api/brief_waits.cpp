#include "api/brief_waits.h"

#include <utility>

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::chrono::milliseconds betweenLooks{5};
}

BriefWaits::BriefWaits(EventLoop& loop) : timer_(loop.makeTimer([this] { lookAtAll(); })) {}

void BriefWaits::add(std::chrono::milliseconds patience, Look look) {
  if (look(isStopped_) || isStopped_) return;
  waiting_.push_back({std::move(look), SteadyClock::now() + patience});
  if (waiting_.size() == 1) timer_.every(betweenLooks);
}

void BriefWaits::lookAtAll() {
  const auto now = SteadyClock::now();
  waiting_.remove_if([now](const Waiting& one) { return one.look(now >= one.until); });
  if (waiting_.empty()) timer_.cancel();
}

void BriefWaits::stop() {
  isStopped_ = true;
  for (const Waiting& one : std::exchange(waiting_, {})) static_cast<void>(one.look(true));
  timer_.cancel();
}

}  // namespace v1
}  // namespace callsheet
