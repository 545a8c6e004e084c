#include "api/http_daemon.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <stdexcept>

#include "api/access_rules.h"
#include "api/http_call.h"
#include "api/http_errors.h"
#include "callsheet/errors.h"
#include "callsheet/uuid.h"
#include "core/fork_generation.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// How often a stopping daemon looks after its last answers: one look resumes, one sends, the others are for new
// clients.
constexpr int lastLooks = 4;
constexpr seconds fullLoggedEvery{60};

bool isOtherUsers(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || !isPeerAllowed(peer.uid, ::geteuid());
}

}  // namespace

// What libmicrohttpd calls. No exception may pass through its frames, and none is expected but for want of memory.
struct HttpDaemon::Callbacks {
  static HttpDaemon& daemonOf(void* context) { return *static_cast<HttpDaemon*>(context); }

  static void connection(void* context, MHD_Connection* connection, void** socketContext,
                         MHD_ConnectionNotificationCode code) noexcept {
    HttpDaemon& daemon = daemonOf(context);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      auto made = std::make_unique<HttpConnection>();
      made->descriptor = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
      made->isStranger = daemon.audience_ == Audience::ownUser && isOtherUsers(made->descriptor);
      daemon.expectRequest(*made);
      ++daemon.connections_;
      daemon.noteConnections();
      *socketContext = made.release();
    } else if (*socketContext != nullptr) {
      const std::unique_ptr<HttpConnection> closed(static_cast<HttpConnection*>(*socketContext));
      *socketContext = nullptr;
      daemon.setDeadline(*closed, {});
      --daemon.connections_;
      // A full libmicrohttpd does not watch its listening socket and begins again only at its next look.
      daemon.wake();
    }
  }

  // The request's line has come. What this returns is the request's context from here on.
  static void* target(void* context, const char* target, MHD_Connection* connection) noexcept {
    HttpDaemon& daemon = daemonOf(context);
    auto& peer = *static_cast<HttpConnection*>(
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
    const auto deadline = Clock::now() + daemon.settings_->options.limits.requestTime;
    daemon.setDeadline(peer, std::min(deadline, peer.deadline));
    auto call = std::make_unique<HttpCall>(daemon, connection, peer, target);
    daemon.calls_.insert(call.get());
    return call.release();
  }

  static MHD_Result access(void*, MHD_Connection*, const char*, const char* method, const char*, const char* piece,
                           std::size_t* pieceSize, void** call) noexcept {
    return static_cast<HttpCall*>(*call)->proceed(method, piece, pieceSize) ? MHD_YES : MHD_NO;
  }

  static void completed(void* context, MHD_Connection*, void** call, MHD_RequestTerminationCode code) noexcept {
    if (*call == nullptr) return;
    HttpDaemon& daemon = daemonOf(context);
    const std::unique_ptr<HttpCall> ended(static_cast<HttpCall*>(*call));
    *call = nullptr;
    daemon.calls_.erase(ended.get());
    daemon.expectRequest(ended->peer());
    ended->finish(code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  }
};

HttpDaemon::HttpDaemon(EventLoop& loop, std::shared_ptr<const HttpDaemonSettings> settings, ListeningSocket socket,
                       Audience audience)
    : loop_(loop),
      settings_(std::move(settings)),
      audience_(audience),
      forkGeneration_(forkGeneration()),
      socket_(std::move(socket)),
      idPrefix_(Uuid::makeV4().toString().substr(0, 8) + "-") {
  try {
    start();
  } catch (...) {
    stop();
    throw;
  }
}

HttpDaemon::~HttpDaemon() {
  stop();
}

void HttpDaemon::start() {
  const HttpLimits& limits = settings_->options.limits;
  // A copy, which libmicrohttpd closes at its end; ours stays ours whatever happens.
  const int listener = ::fcntl(socket_.number(), F_DUPFD_CLOEXEC, 0);
  if (listener < 0) throw systemError("cannot start the HTTP server", errno);
  const auto idle = static_cast<unsigned>(std::max(ceil<seconds>(limits.idle), seconds{1}).count());
  daemon_ = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &Callbacks::access, this,
                             MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::connection,
                             this, MHD_OPTION_URI_LOG_CALLBACK, &Callbacks::target, this, MHD_OPTION_NOTIFY_COMPLETED,
                             &Callbacks::completed, this, MHD_OPTION_CONNECTION_LIMIT, limits.connections,
                             MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                             limits.connectionMemory, MHD_OPTION_END);
  if (daemon_ == nullptr) throw systemError("cannot start the HTTP server", errno);
  timer_ = loop_.makeTimer([this] { run(); });
  watch_ = loop_.watchFd(MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, [this] { run(); });
  arm();
}

void HttpDaemon::stop() {
  // In a forked child everything that libmicrohttpd has, its epoll first, is the parent's too.
  if (daemon_ == nullptr || forkGeneration_ != forkGeneration()) return;
  if (isRunning_) throw std::logic_error("an HTTP server was stopped by one of its own handlers");
  isStopping_ = true;
  watch_ = FdWatch();
  timer_ = Timer();
  // libmicrohttpd ends the process when a connection is suspended at its end.
  const auto waiting = calls_;
  for (HttpCall* call : waiting)
    if (calls_.contains(call) && call->isWaiting()) call->cut();
  isRunning_ = true;
  for (int look = 0; look < lastLooks && !calls_.empty(); ++look) MHD_run(daemon_);
  MHD_stop_daemon(std::exchange(daemon_, nullptr));
  isRunning_ = false;
}

void HttpDaemon::run() {
  isRunning_ = true;
  isWoken_ = false;
  closeLate();
  MHD_run(daemon_);
  isRunning_ = false;
  arm();
}

// Readiness comes through the watch; this is for what libmicrohttpd has left to do at once, and for times to come.
void HttpDaemon::arm() {
  std::optional<milliseconds> delay;
  MHD_UNSIGNED_LONG_LONG timeout = 0;
  if (MHD_get_timeout(daemon_, &timeout) == MHD_YES) delay = milliseconds(timeout);
  if (!deadlines_.empty()) {
    const auto left = std::max(ceil<milliseconds>(deadlines_.begin()->first - Clock::now()), milliseconds{0});
    delay = std::min(delay.value_or(left), left);
  }
  if (isWoken_) delay = milliseconds{0};
  if (delay) {
    timer_.once(*delay);
  } else {
    timer_.cancel();
  }
}

void HttpDaemon::wake() {
  if (!std::exchange(isWoken_, true) && !isRunning_ && !isStopping_) timer_.once(milliseconds{0});
}

void HttpDaemon::closeLate() {
  const auto now = Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    HttpConnection& late = *deadlines_.begin()->second;
    setDeadline(late, {});
    if (!late.isBeingAnswered) sendRefusal(late.descriptor, HttpRefusal::tooSlow, makeRequestId());
    ::shutdown(late.descriptor, SHUT_RDWR);  // libmicrohttpd then finds the end of it
  }
}

void HttpDaemon::setDeadline(HttpConnection& connection, HttpConnection::Time deadline) {
  if (connection.deadline == deadline) return;
  if (connection.deadline != HttpConnection::Time{}) deadlines_.erase({connection.deadline, &connection});
  connection.deadline = deadline;
  if (deadline != HttpConnection::Time{}) deadlines_.emplace(deadline, &connection);
}

// Before its line is complete a request is not seen. A connection that stays silent is closed as idle; for one that
// sends its line drop by drop there is this.
void HttpDaemon::expectRequest(HttpConnection& connection) {
  const HttpLimits& limits = settings_->options.limits;
  connection.isBeingAnswered = false;
  setDeadline(connection, Clock::now() + limits.idle + limits.requestTime);
}

void HttpDaemon::expectReading(HttpConnection& connection) {
  connection.isBeingAnswered = true;
  setDeadline(connection, Clock::now() + settings_->options.limits.answerTime);
}

void HttpDaemon::noteConnections() {
  if (connections_ < settings_->options.limits.connections) return;
  const auto now = Clock::now();
  if (fullLoggedAt_ != HttpConnection::Time{} && now - fullLoggedAt_ < fullLoggedEvery) return;
  fullLoggedAt_ = now;
  log(LogLevel::warning,
      "the HTTP server has as many connections as it takes, " + std::to_string(connections_) + "; more of them wait");
}

std::string HttpDaemon::makeRequestId() {
  return idPrefix_ + std::to_string(++requests_);
}

void HttpDaemon::log(LogLevel level, const std::string& sentence) const {
  if (settings_->options.log) settings_->options.log(level, sentence);
}

}  // namespace v1
}  // namespace callsheet
