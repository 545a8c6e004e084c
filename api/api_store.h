#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "api/schema_cache.h"
#include "core/job_store.h"
#include "ipc/event_loop.h"

namespace callsheet {
inline namespace v1 {

/// The store as the API's loop uses it: changes are posted, and their answers come on the loop's thread. Lives there;
/// answers that come after it is gone are dropped.
class ApiStore {
 public:
  ApiStore(JobStore& store, EventLoop& loop);
  ~ApiStore();
  ApiStore(const ApiStore&) = delete;
  ApiStore& operator=(const ApiStore&) = delete;

  /// Short reads only: the loop waits for them.
  [[nodiscard]] JobStore& reads() const { return store_; }
  [[nodiscard]] SchemaCache& schemas() { return schemas_; }

  template <class OneVerb>
  void post(OneVerb verb, std::function<void(typename OneVerb::Answer)> answered) {
    postAny(std::move(verb), [answered = std::move(answered)](AnyAnswer answer) {
      answered(std::get<typename OneVerb::Answer>(std::move(answer)));
    });
  }
  /// Where nobody waits for the answer.
  void post(Verb verb) {
    postAny(std::move(verb), [](const AnyAnswer&) {});
  }

  /// Waits until all answers that were posted for have come and were dealt with. Not on the loop's thread.
  void drain(std::chrono::milliseconds patience);

  /// What is written once a commit of this process has touched the principal's queue. On the loop's thread.
  void onPrincipalQueue(std::function<void()> call);

 private:
  struct Link;
  void postAny(Verb verb, std::function<void(AnyAnswer)> answered);

  JobStore& store_;
  const std::shared_ptr<Link> link_;
  std::shared_ptr<void> subscription_;
  SchemaCache schemas_;
};

}  // namespace v1
}  // namespace callsheet
