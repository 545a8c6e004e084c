#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_message.h"
#include "api/http_options.h"
#include "ipc/event_loop.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

class HttpDaemon;
struct HttpDaemonSettings;

/// HTTP/1.1 on Unix and loopback TCP sockets, on the loop's thread alone: a request that waits is a suspended
/// connection and costs no thread and no wake-up. A HEAD request reaches the handler as GET; its answer goes without
/// the body. What the server answers by itself is in HttpRefusal. Each request is one line of the log at level debug.
///
/// Methods may be called on any thread, one at a time. The loop must outlive it, stopped or not.
class HttpServer {
 public:
  HttpServer(EventLoop& loop, HttpServerOptions options, HttpHandler handler);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Stops it.
  ~HttpServer();

  /// A socket file in the store's directory, mode 0600, for processes of the same user or root; see ListeningSocket.
  void listenUnix(const StoreDirectory& store, std::string_view name);
  /// "127.0.0.1:PORT", "localhost:PORT" or "[::1]:PORT"; with port 0 any that is free. Returns "HOST:PORT" as it is.
  /// Who asks there must pass tcpRefusal().
  std::string listenTcp(const std::string& address);

  /// Takes no more requests, answers 503 to those that wait, closes every connection and removes the socket files.
  /// Exchanges that are kept go on to exist and answer nobody. May be called again. Not within a handler or a `sent`.
  void stop();

 private:
  void onLoop(const std::function<void()>& call);

  EventLoop& loop_;
  std::shared_ptr<const HttpDaemonSettings> settings_;
  std::vector<std::unique_ptr<HttpDaemon>> daemons_;  // on the loop's thread
  bool isStopped_ = false;
};

}  // namespace v1
}  // namespace callsheet
