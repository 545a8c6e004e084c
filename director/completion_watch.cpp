#include "director/completion_watch.h"

#include <algorithm>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

CompletionWatch::CompletionWatch(JobStore& store, EventLoop& loop, const StoreDirectory& directory)
    : store_(store), loop_(loop), directory_(directory) {
  subscription_ = Subscription(store_, [this](const Effects& effects) {
    if (effects.finished) announce();
  });
}

void CompletionWatch::announce() {
  const std::lock_guard lock(mutex_);
  ++changes_;
  changed_.notify_all();
}

void CompletionWatch::hear() {
  {
    const std::lock_guard lock(mutex_);
    if (isHearing_) return;
    isHearing_ = true;
  }
  try {
    bell_ = DoorbellSocket::bindObserver(directory_);
  } catch (const Error&) {
    // No room for a socket: the look once a second finds everything too. The next wait tries again.
    const std::lock_guard lock(mutex_);
    isHearing_ = false;
    return;
  }
  bellWatch_ = loop_.watchFd(bell_->descriptor(), [this] {
    bell_->drain();
    announce();
  });
}

std::optional<JobRow> CompletionWatch::wait(JobID id, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  hear();
  for (;;) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      seen = changes_;
    }
    auto row = store_.peek(id);
    const auto now = std::chrono::steady_clock::now();
    if (!row || row->state == JobState::done || now >= deadline) return row;
    // The safety look: a bell may be lost, a job never.
    const auto until = std::min(deadline, now + std::chrono::seconds{1});
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return changes_ != seen; });
  }
}

}  // namespace v1
}  // namespace callsheet
