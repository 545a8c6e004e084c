#pragma once
#include <sys/resource.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "api/http_server.h"
#include "tests/api/http_client.h"
#include "tests/support/log_keeper.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

/// A server on both sockets, whose handler does what the path says: `/echo` answers at once, `/wait` keeps the exchange
/// until the test answers it, the others are mistakes of a handler.
class HttpStage {
 public:
  explicit HttpStage(HttpServerOptions options = {}, const std::string& below = {})
      : store(StoreDirectory::open(directory.path() + below, "main", {.create = true})),
        server(loop, withLog(std::move(options)), [this](auto exchange) { handle(std::move(exchange)); }) {
    loop.start();
    server.listenUnix(store, "api.sock");
    address = server.listenTcp("127.0.0.1:0");
  }
  // What still waits is kept by this object, so that none is answered as dropped.
  ~HttpStage() { server.stop(); }

  [[nodiscard]] HttpClient unixClient() const { return HttpClient::toUnix(store, "api.sock"); }
  [[nodiscard]] HttpClient tcpClient() const { return HttpClient::toTcp(address); }

  [[nodiscard]] std::size_t waiting() {
    std::size_t count = 0;
    loop.run([&] { count = kept.size(); });
    return count;
  }
  [[nodiscard]] bool awaitWaiting(std::size_t count) {
    return waitFor([&] { return waiting() == count; });
  }
  /// Answers all that wait with their own path, and so many bytes more; counts what `sent` says.
  void answerAll(std::size_t more = 0) {
    loop.run([&] {
      for (auto& exchange : kept) {
        HttpResponse response{200, "text/plain", exchange->request().path + std::string(more, '.'), {}};
        exchange->answer(std::move(response), [this](bool wasSent) { ++(wasSent ? sent : unsent); });
      }
      kept.clear();
    });
  }
  [[nodiscard]] bool awaitSent(int sentCount, int unsentCount) {
    return waitFor([&] {
      bool is = false;
      if (!loop.run([&] { is = sent == sentCount && unsent == unsentCount; }))
        is = sent == sentCount && unsent == unsentCount;
      return is;
    });
  }

  /// What the loop's thread has computed so far.
  [[nodiscard]] std::chrono::microseconds computed() {
    rusage usage{};
    loop.run([&] { ::getrusage(RUSAGE_THREAD, &usage); });
    return std::chrono::seconds{usage.ru_utime.tv_sec + usage.ru_stime.tv_sec} +
           std::chrono::microseconds{usage.ru_utime.tv_usec + usage.ru_stime.tv_usec};
  }

  TemporaryDirectory directory;
  StoreDirectory store;
  LogKeeper log;
  EventLoop loop;
  // On the loop's thread:
  std::deque<std::shared_ptr<HttpExchange>> kept;
  int sent = 0;
  int unsent = 0;
  HttpServer server;
  std::string address;

 private:
  HttpServerOptions withLog(HttpServerOptions options) {
    options.log = log.sink();
    return options;
  }
  void handle(std::shared_ptr<HttpExchange> exchange) {
    const HttpRequest& request = exchange->request();
    if (request.path.starts_with("/wait")) {
      kept.push_back(std::move(exchange));
    } else if (request.path == "/throw") {
      throw std::runtime_error("the handler's own mistake");
    } else if (request.path == "/inject") {
      exchange->answer({200, "text/plain", "x", {{"X-Evil", "a\r\nSet-Cookie: b"}}});
    } else if (request.path == "/twice") {
      exchange->answer({200, "text/plain", "one", {}}, [this](bool wasSent) { ++(wasSent ? sent : unsent); });
      exchange->answer({200, "text/plain", "two", {}}, [this](bool wasSent) { ++(wasSent ? sent : unsent); });
    } else if (request.path == "/large") {
      exchange->answer({200, "text/plain", std::string(std::stoul(*request.queryValue("n")), 'x'), {}},
                       [this](bool wasSent) { ++(wasSent ? sent : unsent); });
    } else if (request.path != "/drop") {
      std::string text =
          request.method + " " + request.path + " [" + request.contentType + "] [" + request.accept + "]";
      for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
      exchange->answer({200, "text/plain", text + " " + request.body, {{"X-More", request.id}}});
    }
  }
};

}  // namespace callsheet::tests
