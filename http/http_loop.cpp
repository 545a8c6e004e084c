#include "http/http_loop.h"

#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "callsheet/errors.h"
#include "http/exchange.h"

namespace callsheet {
inline namespace v1 {

namespace {
// How often it is looked whether an exchange is idle.
constexpr int lookMillis = 1000;

HttpEnd canceledEnd() {
  HttpEnd end;
  end.why = HttpEnd::Why::canceled;
  return end;
}
}  // namespace

class HttpLoop::Loop {
 public:
  Loop() = default;
  ~Loop() {
    {
      const std::lock_guard lock(mutex_);
      isStopping_ = true;
    }
    wake();
    if (thread_.joinable()) thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  struct Order {
    HttpRequestOut request;
    std::shared_ptr<HttpAnswerReader> reader;
    std::stop_token stop;
    Ended ended;
  };
  void start(Order order) {
    {
      const std::lock_guard lock(mutex_);
      arrived_.push_back(std::move(order));
      if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    }
    wake();
  }

 private:
  /// One that is under way. Stands still in its list, because the library points to it.
  struct Running {
    explicit Running(Order given, Loop& loop)
        : order(std::move(given)),
          exchange(order.request, *order.reader),
          onStop(order.stop, [&loop] { loop.wake(); }) {}
    Order order;
    Exchange exchange;
    std::stop_callback<std::function<void()>> onStop;
    std::list<Running>::iterator place{};
  };

  void wake() {
    const std::lock_guard lock(mutex_);
    if (multi_)
      curl_multi_wakeup(multi_.get());
    else
      arrival_.notify_one();
  }

  void run() {
    while (takeArrived()) {
      if (!multi_) {
        std::unique_lock lock(mutex_);
        arrival_.wait(lock, [this] { return isStopping_ || !arrived_.empty(); });
        continue;
      }
      int count = 0;
      curl_multi_perform(multi_.get(), &count);
      endThose();
      curl_multi_poll(multi_.get(), nullptr, 0, running_.empty() ? longMillis : lookMillis, nullptr);
    }
    while (!running_.empty()) end(running_.front(), canceledEnd());
  }

  /// Here and not where it is started: the library has to be loaded first, and whoever starts something waits for
  /// nobody.
  void beginLibrary() {
    if (multi_) return;
    Multi made(curl_multi_init(), curl_multi_cleanup);
    if (!made) throw Error(ErrorKind::unavailable, "the HTTP library does not begin");
    const std::lock_guard lock(mutex_);
    multi_ = std::move(made);
  }

  /// False when it is to stop.
  bool takeArrived() {
    std::vector<Order> arrived;
    bool isStopping = false;
    {
      const std::lock_guard lock(mutex_);
      isStopping = isStopping_;
      arrived = std::exchange(arrived_, {});
    }
    for (Order& order : arrived) isStopping ? order.ended(canceledEnd()) : begin(std::move(order));
    return !isStopping;
  }

  void begin(Order order) {
    const Ended ended = order.ended;
    HttpEnd trouble;
    try {
      beginLibrary();
      Running& one = running_.emplace_back(std::move(order), *this);
      one.place = std::prev(running_.end());
      curl_easy_setopt(one.exchange.handle(), CURLOPT_PRIVATE, &one);
      if (curl_multi_add_handle(multi_.get(), one.exchange.handle()) == CURLM_OK) return;
      running_.pop_back();
      trouble.sentence = "the HTTP library takes no more requests";
    } catch (const Error& error) {
      trouble.sentence = error.what();
    }
    ended(trouble);
  }

  void endThose() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Running* one = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &one);
      end(*one, one->exchange.end(code));
    }
    for (auto next = running_.begin(); next != running_.end();) {
      Running& one = *next++;
      if (one.order.stop.stop_requested())
        end(one, canceledEnd());
      else if (one.exchange.isIdle())
        end(one, one.exchange.idleEnd());
    }
  }

  void end(Running& one, const HttpEnd& how) {
    const auto reader = one.order.reader;  // lives until its end was told
    const Ended ended = std::move(one.order.ended);
    curl_multi_remove_handle(multi_.get(), one.exchange.handle());
    running_.erase(one.place);
    ended(how);
  }

  // Whatever comes wakes it.
  static constexpr int longMillis = 60'000;

  using Multi = std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)>;
  std::mutex mutex_;
  std::condition_variable arrival_;  // while the library has not begun
  Multi multi_{nullptr, nullptr};    // changed by the thread, under mutex_
  std::list<Running> running_;       // of the thread
  std::vector<Order> arrived_;       // guarded by mutex_, as the next two
  bool isStopping_ = false;
  std::thread thread_;
};

HttpLoop::HttpLoop() : loop_(std::make_unique<Loop>()) {}
HttpLoop::~HttpLoop() = default;

void HttpLoop::start(HttpRequestOut request, std::shared_ptr<HttpAnswerReader> reader, std::stop_token stop,
                     Ended ended) {
  loop_->start({std::move(request), std::move(reader), std::move(stop), std::move(ended)});
}

}  // namespace v1
}  // namespace callsheet
