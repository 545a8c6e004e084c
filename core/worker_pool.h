#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// Threads that run what is posted, each made when it is first needed. Thread-safe.
class WorkerPool {
 public:
  /// `workers`: so many at most.
  explicit WorkerPool(unsigned workers) : workers_(workers) {}
  /// Runs what was posted, then waits for every thread: a task that does not end keeps the caller here.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// The caller bounds what it posts: a job runner never posts more than it has free workers.
  void post(std::function<void()> task);
  [[nodiscard]] unsigned size() const { return workers_; }

 private:
  void run();
  void addThread();  // under mutex_

  const unsigned workers_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  unsigned idle_ = 0;                        // guarded by mutex_: threads that wait for a task
  std::vector<std::thread> threads_;         // guarded by mutex_
};

}  // namespace v1
}  // namespace callsheet
