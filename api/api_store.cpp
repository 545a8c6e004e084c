#include "api/api_store.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace callsheet {
inline namespace v1 {

/// What the store's thread may still hold when the API is gone.
struct ApiStore::Link {
  std::mutex mutex;
  EventLoop* loop = nullptr;  // guarded by mutex; null when the API is gone
  bool isRung = false;        // guarded by mutex: a call about the queue is on its way
  std::size_t pending = 0;    // guarded by mutex: answers that were posted for and are not dealt with
  std::condition_variable settled;

  void send(std::function<void()> call) {
    const std::lock_guard lock(mutex);
    if (loop != nullptr) loop->post(std::move(call));
  }
  void settle() {
    const std::lock_guard lock(mutex);
    --pending;
    settled.notify_all();
  }
};

ApiStore::ApiStore(JobStore& store, EventLoop& loop) : store_(store), link_(std::make_shared<Link>()) {
  link_->loop = &loop;
}

ApiStore::~ApiStore() {
  subscription_.reset();
  const std::lock_guard lock(link_->mutex);
  link_->loop = nullptr;
}

void ApiStore::postAny(Verb verb, std::function<void(AnyAnswer)> answered) {
  std::vector<Verb> verbs;
  verbs.push_back(std::move(verb));
  {
    const std::lock_guard lock(link_->mutex);
    ++link_->pending;
  }
  store_.post(std::move(verbs), JobStore::defaultPatience,
              [link = link_, answered = std::move(answered)](std::vector<AnyAnswer> answers) mutable {
                link->send([link, answered = std::move(answered), answer = std::move(answers.front())]() mutable {
                  const bool isThere = [&] {
                    const std::lock_guard lock(link->mutex);
                    return link->loop != nullptr;
                  }();
                  if (isThere) answered(std::move(answer));
                  link->settle();
                });
              });
}

void ApiStore::drain(std::chrono::milliseconds patience) {
  std::unique_lock lock(link_->mutex);
  link_->settled.wait_for(lock, patience, [this] { return link_->pending == 0; });
}

void ApiStore::onPrincipalQueue(std::function<void()> call) {
  const auto shared = std::make_shared<std::function<void()>>(std::move(call));
  subscription_ = store_.subscribe([link = link_, shared](const Effects& effects) {
    if (std::find(effects.owners.begin(), effects.owners.end(), principalOwner) == effects.owners.end()) return;
    {
      const std::lock_guard lock(link->mutex);
      if (std::exchange(link->isRung, true)) return;
    }
    link->send([link, shared] {
      {
        const std::lock_guard lock(link->mutex);
        link->isRung = false;
        if (link->loop == nullptr) return;
      }
      (*shared)();
    });
  });
}

}  // namespace v1
}  // namespace callsheet
