#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// A fixed number of threads that run what is posted. Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned workers);
  /// Runs what was posted, then waits for every thread: a task that does not end keeps the caller here.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// The caller bounds what it posts: a job runner never posts more than it has free workers.
  void post(std::function<void()> task);
  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(threads_.size()); }

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace v1
}  // namespace callsheet
