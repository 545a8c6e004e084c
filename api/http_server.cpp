#include "api/http_server.h"

#include "api/http_daemon.h"
#include "api/listening_socket.h"
#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

HttpServer::HttpServer(EventLoop& loop, HttpServerOptions options, HttpHandler handler)
    : loop_(loop),
      settings_(std::make_shared<HttpDaemonSettings>(HttpDaemonSettings{std::move(options), std::move(handler)})) {}

HttpServer::~HttpServer() {
  stop();
}

void HttpServer::listenUnix(const StoreDirectory& store, std::string_view name) {
  onLoop([&] {
    daemons_.push_back(std::make_unique<HttpDaemon>(loop_, settings_, ListeningSocket::unixSocket(store, name),
                                                    HttpDaemon::Audience::ownUser));
  });
}

std::string HttpServer::listenTcp(const std::string& address) {
  std::string actual;
  onLoop([&] {
    auto socket = ListeningSocket::tcpSocket(address);
    actual = socket.address();
    daemons_.push_back(
        std::make_unique<HttpDaemon>(loop_, settings_, std::move(socket), HttpDaemon::Audience::tokenBearer));
  });
  return actual;
}

void HttpServer::onLoop(const std::function<void()>& call) {
  const bool isRun = loop_.run([&] {
    if (isStopped_) throw Error(ErrorKind::unavailable, "the HTTP server was stopped");
    call();
  });
  if (!isRun) throw Error(ErrorKind::unavailable, "the HTTP server's loop was stopped");
}

void HttpServer::stop() {
  const auto end = [this] {
    isStopped_ = true;
    daemons_.clear();
  };
  // Where the loop's thread is over, this one is alone.
  if (!loop_.run(end)) end();
}

}  // namespace v1
}  // namespace callsheet
