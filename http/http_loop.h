#pragma once
#include <functional>
#include <memory>
#include <stop_token>

#include "http/http_request.h"

namespace callsheet {
inline namespace v1 {

/// Carries out any number of exchanges at once, on one thread of its own, which begins with the first. Thread-safe.
class HttpLoop {
 public:
  using Ended = std::function<void(const HttpEnd& end)>;

  HttpLoop();
  /// What is under way ends as canceled. Not on its own thread.
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  /// Begins an exchange. `reader`, which lives until the end, and then `ended`, once, are called on the loop's thread:
  /// whoever waits there holds up all the others. `stop` ends it at once.
  void start(HttpRequestOut request, std::shared_ptr<HttpAnswerReader> reader, std::stop_token stop, Ended ended);

 private:
  class Loop;
  const std::unique_ptr<Loop> loop_;
};

}  // namespace v1
}  // namespace callsheet
