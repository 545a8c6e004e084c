#include "cli/change_watcher.h"

#include <poll.h>

#include <algorithm>
#include <iterator>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

ChangeWatcher::ChangeWatcher(StoreAccess& access, StopSignals& signals) : signals_(signals) {
  try {
    bell_ = DoorbellSocket::bindObserver(access.directory());
  } catch (const Error&) {
    // No room for a socket: looking once a second finds everything too.
  }
}

std::optional<int> ChangeWatcher::waitForChange(Time until, int also) {
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now();
  auto patience = milliseconds{1000};
  // Rounded up, so that `until` has passed when it returns for that reason.
  if (until < now + patience) patience = std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(until - now));
  pollfd descriptors[] = {
      {signals_.descriptor(), POLLIN, 0}, {bell_ ? bell_->descriptor() : -1, POLLIN, 0}, {also, POLLIN, 0}};
  ::poll(descriptors, std::size(descriptors), static_cast<int>(patience.count()));
  if (bell_) bell_->drain();
  return signals_.take();
}

}  // namespace v1
}  // namespace callsheet
