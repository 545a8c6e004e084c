#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "core/job_store.h"
#include "director/subscription.h"
#include "ipc/doorbell.h"
#include "ipc/event_loop.h"

namespace callsheet {
inline namespace v1 {

/// Lets threads wait until jobs are done, in whichever process that happens. Hears an observer's bell from the first
/// wait on, and looks once a second all the same. Thread-safe.
class CompletionWatch {
 public:
  CompletionWatch(JobStore& store, EventLoop& loop, const StoreDirectory& directory);

  /// The row when the job is done, or as it is when the time is over; nothing when there is none.
  [[nodiscard]] std::optional<JobRow> wait(JobID id, std::chrono::milliseconds timeout);

 private:
  void hear();
  void announce();

  JobStore& store_;
  EventLoop& loop_;
  const StoreDirectory& directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t changes_ = 0;  // guarded by mutex_
  bool isHearing_ = false;     // guarded by mutex_
  std::optional<DoorbellSocket> bell_;
  FdWatch bellWatch_;
  Subscription subscription_;  // last: it calls announce()
};

}  // namespace v1
}  // namespace callsheet
