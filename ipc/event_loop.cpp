#include "ipc/event_loop.h"

#include <pthread.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "callsheet/errors.h"
#include "core/fork_generation.h"

namespace callsheet {
inline namespace v1 {

namespace detail {

// What the void* of a libuv handle points to. It keeps itself alive until libuv has closed the handle.
struct LoopHandle {
  virtual ~LoopHandle() = default;
  [[nodiscard]] virtual uv_handle_t* uvHandle() = 0;
  std::function<void()> callback;
  std::shared_ptr<LoopHandle> keptUntilClosed;
};

struct TimerHandle final : LoopHandle {
  uv_timer_t timer{};
  uv_handle_t* uvHandle() override { return reinterpret_cast<uv_handle_t*>(&timer); }
};

struct PollHandle final : LoopHandle {
  uv_poll_t poll{};
  uv_handle_t* uvHandle() override { return reinterpret_cast<uv_handle_t*>(&poll); }
};

// The libuv loop behind EventLoop, Timer and FdWatch: shared by them, so that a handle may outlive its loop.
class LoopCore {
 public:
  LoopCore();
  ~LoopCore();
  void start();
  void stop();
  bool post(std::function<void()> call);
  bool run(const std::function<void()>& call);
  void send(std::function<void()> call);
  bool runPosted();
  [[nodiscard]] bool isLoopThread() const { return threadId_.load() == std::this_thread::get_id(); }
  [[nodiscard]] uv_loop_t* uvLoop() { return &uvLoop_; }  // on the loop's thread only, as all that takes it

 private:
  enum class Phase { idle, running, stopping, closed };

  void threadMain();
  void closeEverything();
  // In a forked child there is no loop thread, the epoll descriptor is the parent's too, and mutex_ may be locked for
  // ever.
  [[nodiscard]] bool isForkedChild() const { return forkGeneration_ != forkGeneration(); }

  const std::uint64_t forkGeneration_ = forkGeneration();
  uv_loop_t uvLoop_{};
  uv_async_t uvWake_{};
  std::atomic<std::thread::id> threadId_{};

  std::mutex mutex_;
  // Under mutex_:
  std::condition_variable changed_;
  Phase phase_ = Phase::idle;
  std::vector<std::function<void()>> posted_;
  std::unique_ptr<std::thread> thread_;
};

namespace {

// An exception must not pass through libuv's C frames.
void callBack(void* data) noexcept {
  auto& owner = *static_cast<LoopHandle*>(data);
  const auto kept = owner.keptUntilClosed;  // the callback may destroy its own Timer or FdWatch
  if (owner.callback) owner.callback();
}

void closeHandle(uv_handle_t* handle) {
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) {
    // The wake-up handle has no owner.
    if (closed->data != nullptr) auto last = std::move(static_cast<LoopHandle*>(closed->data)->keptUntilClosed);
  });
}

void requireUv(int result, const char* sentence) {
  if (result < 0) throw systemError(sentence, -result);
}

}  // namespace

LoopCore::LoopCore() {
  requireUv(uv_loop_init(&uvLoop_), "cannot create an event loop");
  const int result = uv_async_init(&uvLoop_, &uvWake_, [](uv_async_t* wake) noexcept {
    auto& core = *static_cast<LoopCore*>(uv_loop_get_data(wake->loop));
    core.runPosted();
    const std::lock_guard lock(core.mutex_);
    if (core.phase_ == Phase::stopping) uv_stop(wake->loop);
  });
  if (result < 0) uv_loop_close(&uvLoop_);
  requireUv(result, "cannot create an event loop");
  uv_loop_set_data(&uvLoop_, this);
  uvWake_.data = nullptr;
}

LoopCore::~LoopCore() {
  if (isForkedChild()) static_cast<void>(thread_.release());  // neither to be joined nor detached: it is not here
}

void LoopCore::start() {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::idle) return;
  thread_ = std::make_unique<std::thread>([this] { threadMain(); });
  phase_ = Phase::running;
  uv_async_send(&uvWake_);
}

void LoopCore::stop() {
  if (isForkedChild()) return;
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::idle) {
    // This thread plays the loop's part: what closing destroys may call back into run().
    phase_ = Phase::stopping;
    threadId_ = std::this_thread::get_id();
    lock.unlock();
    closeEverything();
    return;
  }
  if (phase_ == Phase::running) {
    phase_ = Phase::stopping;
    uv_async_send(&uvWake_);
  }
  if (isLoopThread()) return;
  changed_.wait(lock, [this] { return phase_ == Phase::closed; });
  const auto thread = std::move(thread_);
  lock.unlock();
  if (thread) thread->join();
}

bool LoopCore::post(std::function<void()> call) {
  if (isForkedChild()) return false;
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::idle && phase_ != Phase::running) return false;
  posted_.push_back(std::move(call));
  // Under the mutex, so that the handle is not being closed. One ring for many calls is enough.
  if (phase_ == Phase::running && posted_.size() == 1) uv_async_send(&uvWake_);
  return true;
}

bool LoopCore::run(const std::function<void()>& call) {
  if (isForkedChild()) return false;
  std::unique_lock lock(mutex_);
  if (phase_ == Phase::closed) return false;
  if (phase_ == Phase::idle || isLoopThread()) {
    lock.unlock();
    call();
    return true;
  }
  bool done = false;
  std::exception_ptr failure;
  if (phase_ == Phase::running) {
    posted_.push_back([&] {
      try {
        call();
      } catch (...) {
        failure = std::current_exception();
      }
      const std::lock_guard doneLock(mutex_);
      done = true;
      changed_.notify_all();
    });
    uv_async_send(&uvWake_);
  }
  changed_.wait(lock, [&] { return done || phase_ == Phase::closed; });
  if (failure) std::rethrow_exception(failure);
  return done;
}

// As run(), but waits for nobody: on another thread than the loop's it is only queued, in the order of all calls.
void LoopCore::send(std::function<void()> call) {
  if (isForkedChild()) return;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::idle && !isLoopThread()) {
      if (phase_ != Phase::running) return;
      posted_.push_back(std::move(call));
      uv_async_send(&uvWake_);
      return;
    }
  }
  call();
}

void LoopCore::threadMain() {
  threadId_ = std::this_thread::get_id();
  ::pthread_setname_np(::pthread_self(), "callsheet-loop");
  uv_run(&uvLoop_, UV_RUN_DEFAULT);
  runPosted();  // what was posted just before stop()
  closeEverything();
}

bool LoopCore::runPosted() {
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(posted_);
  }
  for (auto& call : calls) [&]() noexcept { call(); }();
  return !calls.empty();
}

void LoopCore::closeEverything() {
  uv_walk(
      &uvLoop_, [](uv_handle_t* handle, void*) { closeHandle(handle); }, nullptr);
  while (uv_run(&uvLoop_, UV_RUN_DEFAULT) != 0) {
  }
  uv_loop_close(&uvLoop_);
  std::vector<std::function<void()>> dropped;  // destroyed after the lock is let go
  const std::lock_guard lock(mutex_);
  dropped.swap(posted_);
  phase_ = Phase::closed;
  threadId_ = std::thread::id{};
  changed_.notify_all();
}

}  // namespace detail

using detail::LoopCore;
using detail::PollHandle;
using detail::TimerHandle;

Timer::Timer(std::shared_ptr<LoopCore> core, std::shared_ptr<TimerHandle> handle)
    : core_(std::move(core)), handle_(std::move(handle)) {}

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    close();
    core_ = std::move(other.core_);
    handle_ = std::move(other.handle_);
  }
  return *this;
}

Timer::~Timer() {
  close();
}

void Timer::close() noexcept {
  if (handle_ == nullptr) return;
  core_->run([this] { detail::closeHandle(handle_->uvHandle()); });
  handle_.reset();
}

void Timer::arm(std::chrono::milliseconds delay, std::chrono::milliseconds repeat) {
  if (handle_ == nullptr) return;
  // The handle is kept, for this Timer may be gone by then; the core is not, or what it has queued would keep it.
  core_->send([core = core_.get(), handle = handle_, delay, repeat] {
    if (uv_is_closing(handle->uvHandle()) != 0) return;
    uv_update_time(core->uvLoop());  // the loop's own idea of now is as old as its present callback
    uv_timer_start(
        &handle->timer, [](uv_timer_t* timer) noexcept { detail::callBack(timer->data); },
        static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0)),
        static_cast<std::uint64_t>(repeat.count()));
  });
}

void Timer::once(std::chrono::milliseconds delay) {
  arm(delay, std::chrono::milliseconds::zero());
}

void Timer::every(std::chrono::milliseconds period) {
  period = std::max(period, std::chrono::milliseconds{1});
  arm(period, period);
}

void Timer::cancel() {
  if (handle_ == nullptr) return;
  core_->run([this] { uv_timer_stop(&handle_->timer); });
}

FdWatch::FdWatch(std::shared_ptr<LoopCore> core, std::shared_ptr<PollHandle> handle)
    : core_(std::move(core)), handle_(std::move(handle)) {}

FdWatch& FdWatch::operator=(FdWatch&& other) noexcept {
  if (this != &other) {
    close();
    core_ = std::move(other.core_);
    handle_ = std::move(other.handle_);
  }
  return *this;
}

FdWatch::~FdWatch() {
  close();
}

void FdWatch::close() noexcept {
  if (handle_ == nullptr) return;
  core_->run([this] { detail::closeHandle(handle_->uvHandle()); });
  handle_.reset();
}

EventLoop::EventLoop() : core_(std::make_shared<LoopCore>()) {}
EventLoop::~EventLoop() {
  stop();
}
void EventLoop::start() {
  core_->start();
}
void EventLoop::stop() {
  core_->stop();
}
bool EventLoop::post(std::function<void()> call) {
  return core_->post(std::move(call));
}
bool EventLoop::run(const std::function<void()>& call) {
  return core_->run(call);
}
bool EventLoop::isLoopThread() const {
  return core_->isLoopThread();
}

bool EventLoop::runPosted() {
  return core_->runPosted();
}

Timer EventLoop::makeTimer(std::function<void()> callback) {
  auto handle = std::make_shared<TimerHandle>();
  handle->callback = std::move(callback);
  const bool made = core_->run([&] {
    uv_timer_init(core_->uvLoop(), &handle->timer);
    handle->timer.data = static_cast<detail::LoopHandle*>(handle.get());
    handle->keptUntilClosed = handle;
  });
  return made ? Timer(core_, std::move(handle)) : Timer();
}

FdWatch EventLoop::watchFd(int descriptor, std::function<void()> callback) {
  auto handle = std::make_shared<PollHandle>();
  handle->callback = std::move(callback);
  int result = 0;
  const bool made = core_->run([&] {
    result = uv_poll_init(core_->uvLoop(), &handle->poll, descriptor);
    if (result < 0) return;
    handle->poll.data = static_cast<detail::LoopHandle*>(handle.get());
    handle->keptUntilClosed = handle;
    result = uv_poll_start(&handle->poll, UV_READABLE,
                           [](uv_poll_t* poll, int, int) noexcept { detail::callBack(poll->data); });
    if (result < 0) detail::closeHandle(handle->uvHandle());
  });
  detail::requireUv(result, "cannot watch a descriptor");
  return made ? FdWatch(core_, std::move(handle)) : FdWatch();
}

}  // namespace v1
}  // namespace callsheet
