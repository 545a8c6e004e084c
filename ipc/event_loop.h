#pragma once
#include <chrono>
#include <functional>
#include <memory>

#include "ipc/boot_clock.h"

namespace callsheet {
inline namespace v1 {

namespace detail {
class LoopCore;
struct TimerHandle;
struct PollHandle;
}  // namespace detail

/// Calls back after a while, once or again and again, on its loop's thread. May be used and destroyed on any thread;
/// after the destructor the callback is not running and does not come again. Do not destroy it while holding a lock
/// that the callback takes. When the loop was stopped, it does nothing any more.
class Timer {
 public:
  Timer() = default;
  Timer(Timer&&) noexcept = default;
  Timer& operator=(Timer&& other) noexcept;
  ~Timer();

  /// Starts it anew, whatever it was doing, without waiting for the loop's thread: the caller may hold a lock that the
  /// callbacks take. The loop's clock stands still while the machine is suspended.
  void once(std::chrono::milliseconds delay);
  void every(std::chrono::milliseconds period);
  void cancel();

 private:
  friend class EventLoop;
  Timer(std::shared_ptr<detail::LoopCore> core, std::shared_ptr<detail::TimerHandle> handle);
  void arm(std::chrono::milliseconds delay, std::chrono::milliseconds repeat);
  void close() noexcept;

  std::shared_ptr<detail::LoopCore> core_;
  std::shared_ptr<detail::TimerHandle> handle_;
};

/// Calls back on the loop's thread for as long as a descriptor is readable. The same rules as for Timer. The descriptor
/// is the caller's and must stay open until the watch is gone.
class FdWatch {
 public:
  FdWatch() = default;
  FdWatch(FdWatch&&) noexcept = default;
  FdWatch& operator=(FdWatch&& other) noexcept;
  ~FdWatch();

 private:
  friend class EventLoop;
  FdWatch(std::shared_ptr<detail::LoopCore> core, std::shared_ptr<detail::PollHandle> handle);
  void close() noexcept;

  std::shared_ptr<detail::LoopCore> core_;
  std::shared_ptr<detail::PollHandle> handle_;
};

/// One event loop on a thread of its own. Its methods may be called on any thread. Callbacks are short, do not block
/// and do not throw (an exception that leaves one ends the process). It touches no signal handler and no signal mask.
class EventLoop {
 public:
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// Stops it. Not on the loop's own thread.
  ~EventLoop();

  /// Begins the thread. Before this, one thread at a time may use the loop; what is posted waits. Once only.
  void start();
  /// Runs what was posted before, closes every handle and ends the thread. May be called before start() and repeatedly.
  /// On the loop's own thread it only asks; the destructor then waits for the end.
  void stop();

  /// Queues a call for the loop's thread. False when the loop was stopped: then it is dropped.
  bool post(std::function<void()> call);
  /// Runs a call on the loop's thread and waits for it; on that thread itself, or before start(), at once. What it
  /// throws is thrown here. False when the loop was stopped.
  bool run(const std::function<void()>& call);
  [[nodiscard]] bool isLoopThread() const;
  /// Before start(): runs what was posted, on this thread. False when there was nothing.
  bool runPosted();

  [[nodiscard]] Timer makeTimer(std::function<void()> callback);
  /// Throws Error when the descriptor cannot be polled.
  [[nodiscard]] FdWatch watchFd(int descriptor, std::function<void()> callback);

 private:
  std::shared_ptr<detail::LoopCore> core_;
};

}  // namespace v1
}  // namespace callsheet
