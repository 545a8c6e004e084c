#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>

#include "api/http_message.h"
#include "api/http_options.h"
#include "api/listening_socket.h"
#include "ipc/event_loop.h"

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

namespace callsheet {
inline namespace v1 {

class HttpCall;

/// What the daemons of one server share.
struct HttpDaemonSettings {
  HttpServerOptions options;
  HttpHandler handler;
};

/// A client's connection, from accept to close.
struct HttpConnection {
  using Time = std::chrono::steady_clock::time_point;
  int descriptor = -1;
  bool isStranger = false;  ///< on a private socket: a process of another user
  Time deadline{};          ///< for its present request's arrival, or its answer's; zero in between
  bool isBeingAnswered = false;
};

/// libmicrohttpd on one listening socket, driven by the loop. Everything happens on the loop's thread; see HttpServer.
class HttpDaemon {
 public:
  enum class Audience {
    ownUser,      ///< a Unix socket: the peer's user decides
    tokenBearer,  ///< TCP: tcpRefusal() decides
  };

  HttpDaemon(EventLoop& loop, std::shared_ptr<const HttpDaemonSettings> settings, ListeningSocket socket,
             Audience audience);
  HttpDaemon(const HttpDaemon&) = delete;
  HttpDaemon& operator=(const HttpDaemon&) = delete;
  ~HttpDaemon();

  // For HttpCall:
  [[nodiscard]] const HttpDaemonSettings& settings() const { return *settings_; }
  [[nodiscard]] Audience audience() const { return audience_; }
  [[nodiscard]] bool isStopping() const { return isStopping_; }
  [[nodiscard]] std::string makeRequestId();
  void log(LogLevel level, const std::string& sentence) const;
  /// Lets libmicrohttpd look again soon: a suspended connection was resumed.
  void wake();
  /// The request must arrive by then; Time{}: it did.
  void setDeadline(HttpConnection& connection, HttpConnection::Time deadline);
  /// The answer is on its way from now on.
  void expectReading(HttpConnection& connection);

 private:
  struct Callbacks;
  void start();
  void stop();
  void run();
  void arm();
  void closeLate();
  void expectRequest(HttpConnection& connection);
  void noteConnections();

  EventLoop& loop_;
  const std::shared_ptr<const HttpDaemonSettings> settings_;
  const Audience audience_;
  const std::uint64_t forkGeneration_;
  ListeningSocket socket_;
  MHD_Daemon* daemon_ = nullptr;
  FdWatch watch_;
  Timer timer_;
  std::unordered_set<HttpCall*> calls_;  // each is owned by libmicrohttpd's request, until that is completed
  std::set<std::pair<HttpConnection::Time, HttpConnection*>> deadlines_;
  const std::string idPrefix_;
  std::uint64_t requests_ = 0;
  unsigned connections_ = 0;
  HttpConnection::Time fullLoggedAt_{};
  bool isRunning_ = false;
  bool isWoken_ = false;
  bool isStopping_ = false;
};

}  // namespace v1
}  // namespace callsheet
