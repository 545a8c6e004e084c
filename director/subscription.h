#pragma once
#include <memory>
#include <mutex>
#include <utility>

#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// Hears of commits for as long as it lives: once it is gone, its callback is not running and does not come again. The
/// store alone does not promise that, and its thread may be another director's of the same process. Made and destroyed
/// on any thread but the store's, without a lock that the callback takes.
class Subscription {
 public:
  Subscription() = default;
  Subscription(JobStore& store, JobStore::Committed committed) : listener_(std::make_shared<Listener>()) {
    listener_->committed = std::move(committed);
    handle_ = store.subscribe([listener = listener_](const Effects& effects) {
      const std::lock_guard lock(listener->mutex);
      if (listener->committed) listener->committed(effects);
    });
  }
  Subscription(Subscription&&) = default;
  Subscription& operator=(Subscription&& other) noexcept {
    end();
    listener_ = std::move(other.listener_);
    handle_ = std::move(other.handle_);
    return *this;
  }
  ~Subscription() { end(); }

 private:
  struct Listener {
    std::mutex mutex;
    JobStore::Committed committed;  // guarded by mutex; empty: nobody hears any more
  };
  void end() noexcept {
    if (!listener_) return;
    const std::lock_guard lock(listener_->mutex);
    listener_->committed = nullptr;
  }

  std::shared_ptr<Listener> listener_;
  std::shared_ptr<void> handle_;
};

}  // namespace v1
}  // namespace callsheet
