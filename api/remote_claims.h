#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/api_store.h"
#include "callsheet/log.h"
#include "director/executor_life.h"

namespace callsheet {
inline namespace v1 {

/// Claims for those who take jobs over the API, under an incarnation of the API's own: its end voids nothing of what
/// was handed out. Lives on the loop's thread.
class RemoteClaims {
 public:
  /// Throws Error when it cannot be registered. `onRing`: another process may have made something ready.
  RemoteClaims(StoreAccess& access, EventLoop& loop, ApiStore& store, LogSink log, std::function<void()> onRing);
  /// Under an incarnation that the caller registered and closes; it is never renewed.
  RemoteClaims(ApiStore& store, IncarnationID claimer) : store_(store), claimer_(claimer) {}

  /// Up to `max` jobs of these kinds, each with an execId of its own. An accepted claim may be empty.
  void claim(std::vector<std::string> kinds, std::uint32_t max, std::function<void(Claim::Answer)> answered);
  /// Their answer did not reach anybody: they are ready again at once.
  void giveBack(const std::vector<Claim::Item>& items, const char* why);
  void close();

 private:
  void renew();

  ApiStore& store_;
  const LogSink log_;
  const std::function<std::unique_ptr<ExecutorLife>()> register_;  // empty: somebody else does it
  std::unique_ptr<ExecutorLife> life_;
  IncarnationID claimer_;
};

}  // namespace v1
}  // namespace callsheet
