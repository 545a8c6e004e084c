#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "callsheet/log.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// For a process without a director, whose loop would do it: while a commit waits for the write lock and no principal
/// lives, looks whether a stopped process holds it, and ends that one. Has a thread of its own, which sleeps until a
/// commit begins to wait. Thread-safe.
class WaitingWriter {
 public:
  WaitingWriter(std::shared_ptr<const StoreDirectory> directory, std::chrono::milliseconds limit, LogSink log);
  WaitingWriter(const WaitingWriter&) = delete;
  WaitingWriter& operator=(const WaitingWriter&) = delete;
  ~WaitingWriter();

  void begin();  ///< a commit wants the write lock
  void end();    ///< it has it, or does not want it any more

 private:
  void run();
  void watch(std::unique_lock<std::mutex>& lock);

  const std::shared_ptr<const StoreDirectory> directory_;
  const std::chrono::milliseconds limit_;
  const LogSink log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool isWaiting_ = false;   // guarded by mutex_
  bool isStopping_ = false;  // guarded by mutex_
  std::thread thread_;       // last: uses all of the above
};

}  // namespace v1
}  // namespace callsheet
