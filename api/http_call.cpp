#include "api/http_call.h"

#include <microhttpd.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <string_view>
#include <utility>

#include "api/request_target.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t chunkBytes = 16u << 10;
}

struct HttpCall::Headers {
  AccessHeaders access;
  std::vector<std::string> length;
  std::vector<std::string> coding;
  std::string contentType;
  std::string accept;
  bool asksFirst = false;  // Expect: 100-continue: the body is not on its way
};

HeldExchange::~HeldExchange() {
  if (call_ != nullptr) call_->drop();
}

void HeldExchange::answer(HttpResponse response, std::function<void(bool wasSent)> sent) {
  if (call_ != nullptr && !call_->isAnswered()) {
    call_->answer(std::move(response), std::move(sent));
  } else if (sent) {
    sent(false);
  }
}

bool HeldExchange::isHungUp() const {
  return call_ == nullptr || call_->isHungUp();
}

HttpCall::HttpCall(HttpDaemon& daemon, MHD_Connection* connection, HttpConnection& peer, std::string target)
    : daemon_(daemon), connection_(connection), peer_(peer), target_(std::move(target)), id_(daemon.makeRequestId()) {}

void HttpCall::drop() {
  exchange_ = nullptr;
  if (isAnswered()) return;
  daemon_.log(LogLevel::error, "request " + id_ + " was dropped by its handler unanswered");
  answer(responseOf(HttpRefusal::internal), {});
}

HttpCall::~HttpCall() {
  if (exchange_ != nullptr) exchange_->call_ = nullptr;
}

bool HttpCall::proceed(const char* method, const char* piece, std::size_t* pieceSize) {
  if (isAbandoned_) return false;
  if (!hasHeaders_) {
    hasHeaders_ = true;
    method_ = method;
    const auto refusal = readHeaders(method);
    if (!refusal) return true;
    if (hasBodyUnderWay_) {
      refuseNow(*refusal);
      return true;
    }
    answer(responseOf(*refusal), {});
    return queue();
  }
  if (*pieceSize > 0) {
    takePiece(piece, std::exchange(*pieceSize, 0));
    return true;
  }
  if (isRefused_) return false;
  return isHandedOver_ || handOver() ? queue() : true;
}

std::optional<HttpRefusal> HttpCall::readHeaders(const char* method) {
  Headers headers;
  MHD_get_connection_values(
      connection_, MHD_HEADER_KIND,
      [](void* context, MHD_ValueKind, const char* name, const char* value) noexcept {
        auto& into = *static_cast<Headers*>(context);
        const auto is = [&](const char* other) { return ::strcasecmp(name, other) == 0; };
        const std::string text = value == nullptr ? "" : value;
        if (is("Host")) into.access.host.push_back(text);
        if (is("Origin")) into.access.origin.push_back(text);
        if (is("Authorization")) into.access.authorization.push_back(text);
        if (is("Content-Length")) into.length.push_back(text);
        if (is("Transfer-Encoding")) into.coding.push_back(text);
        if (is("Expect")) into.asksFirst = true;
        if (is("Content-Type")) into.contentType = text;
        if (is("Accept")) into.accept += (into.accept.empty() ? "" : ", ") + text;
        return MHD_YES;
      },
      &headers);
  const bool hasBody = !headers.coding.empty() || (!headers.length.empty() && headers.length.front() != "0");
  hasBodyUnderWay_ = hasBody && !headers.asksFirst;
  if (peer_.isStranger) return HttpRefusal::forbiddenPeer;
  const HttpServerOptions& options = daemon_.settings().options;
  const bool isPublic = !options.publicPrefix.empty() && method_ == "GET" && target_.starts_with(options.publicPrefix);
  if (daemon_.audience() == HttpDaemon::Audience::tokenBearer)
    if (auto refusal = tcpRefusal(headers.access, isPublic ? std::string() : options.token)) return refusal;
  // Two readers could disagree about where such a request ends.
  if (headers.length.size() + headers.coding.size() > 1) return HttpRefusal::badRequest;
  if (!headers.coding.empty() && ::strcasecmp(headers.coding.front().c_str(), "chunked") != 0)
    return HttpRefusal::badRequest;
  if (!headers.length.empty()) {
    const std::string& text = headers.length.front();
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error == std::errc::result_out_of_range || length > daemon_.settings().options.limits.bodyBytes)
      return HttpRefusal::tooLarge;
    if (error != std::errc() || end != text.data() + text.size()) return HttpRefusal::badRequest;
  }
  auto parsed = parseTarget(target_);
  if (!parsed) return HttpRefusal::badRequest;
  const std::string_view name = method;
  request_ = HttpRequest{id_,
                         name == "HEAD" ? "GET" : std::string(name),
                         std::move(parsed->path),
                         std::move(parsed->query),
                         std::move(headers.contentType),
                         std::move(headers.accept),
                         {}};
  return std::nullopt;
}

void HttpCall::takePiece(const char* piece, std::size_t size) {
  if (isRefused_) return;
  if (size > daemon_.settings().options.limits.bodyBytes - request_.body.size()) {
    refuseNow(HttpRefusal::tooLarge);
  } else {
    request_.body.append(piece, size);
  }
}

// A connection that is closed with bytes unread is reset, and a client that still sends may never see its answer. So
// the answer goes first, and what still arrives is read and dropped until it ends or the answer's time is over.
void HttpCall::refuseNow(HttpRefusal refusal) {
  isRefused_ = true;
  request_.body = {};
  response_ = responseOf(refusal);  // for the log
  daemon_.expectReading(peer_);
  sendRefusal(peer_.descriptor, refusal, id_);
  ::shutdown(peer_.descriptor, SHUT_WR);
}

// True when there is an answer at once; otherwise the connection sleeps until there is one.
bool HttpCall::handOver() {
  isHandedOver_ = true;
  daemon_.setDeadline(peer_, {});
  if (daemon_.isStopping()) {
    answer(responseOf(HttpRefusal::stopping), {});
    return true;
  }
  auto exchange = std::make_shared<HeldExchange>(std::move(request_), *this);
  exchange_ = exchange.get();
  try {
    daemon_.settings().handler(std::move(exchange));
  } catch (const std::exception& error) {
    daemon_.log(LogLevel::error, "the handler of request " + id_ + " failed: " + error.what());
    if (!isAnswered()) answer(responseOf(HttpRefusal::internal), {});
  }
  if (isAnswered()) return true;
  suspend();
  return false;
}

void HttpCall::suspend() {
  MHD_suspend_connection(connection_);
  isSuspended_ = true;
}

void HttpCall::resume() {
  if (!std::exchange(isSuspended_, false)) return;
  MHD_resume_connection(connection_);
  daemon_.wake();
}

void HttpCall::answer(HttpResponse response, std::function<void(bool wasSent)> sent) {
  sent_ = std::move(sent);
  if (!isSendable(response)) {
    daemon_.log(LogLevel::error, "the answer to request " + id_ + " has a status or a header that cannot be sent");
    response = responseOf(HttpRefusal::internal);
  }
  response_ = std::move(response);
  if (!isSuspended_) return;
  isAbandoned_ = isHungUp();
  resume();
}

void HttpCall::cut() {
  if (!isAnswered()) return answer(responseOf(HttpRefusal::stopping), {});
  isCut_ = true;
  resume();
}

// The body, or its source, stays in this object, which lives until the answer is completed.
MHD_Response* HttpCall::makeResponse() {
  if (!response_->source)
    return MHD_create_response_from_buffer(response_->body.size(), response_->body.data(), MHD_RESPMEM_PERSISTENT);
  return MHD_create_response_from_callback(
      MHD_SIZE_UNKNOWN, chunkBytes,
      [](void* call, std::uint64_t, char* chunk, std::size_t size) noexcept -> ssize_t {
        return static_cast<HttpCall*>(call)->produce(chunk, size);
      },
      this, nullptr);
}

long HttpCall::produce(char* chunk, std::size_t size) {
  // Nobody looked at the connection while it slept until there is more.
  if (isCut_ || (std::exchange(hasSlept_, false) && isHungUp())) return MHD_CONTENT_READER_END_WITH_ERROR;
  try {
    const auto piece = response_->source->read(size, [this] { resume(); });
    if (!piece) return MHD_CONTENT_READER_END_OF_STREAM;
    if (piece->empty()) {
      daemon_.setDeadline(peer_, {});
      hasSlept_ = true;
      suspend();
      return 0;
    }
    // As long as the client goes on reading, the answer may take.
    daemon_.expectReading(peer_);
    std::copy(piece->begin(), piece->end(), chunk);
    return static_cast<long>(piece->size());
  } catch (const std::exception& error) {
    daemon_.log(LogLevel::error, "the answer to request " + id_ + " is cut off: " + error.what());
    return MHD_CONTENT_READER_END_WITH_ERROR;
  }
}

bool HttpCall::queue() {
  daemon_.expectReading(peer_);
  MHD_Response* response = makeResponse();
  if (response == nullptr) return false;
  bool isGood = MHD_add_response_header(response, "X-Request-Id", id_.c_str()) == MHD_YES;
  const auto add = [&](const std::string& name, const std::string& value) {
    // libmicrohttpd takes no empty value, and one that is empty says nothing.
    if (!value.empty()) isGood = MHD_add_response_header(response, name.c_str(), value.c_str()) == MHD_YES && isGood;
  };
  add("Content-Type", response_->contentType);
  for (const auto& [name, value] : response_->headers) add(name, value);
  if (daemon_.isStopping()) add("Connection", "close");
  isQueued_ = isGood && MHD_queue_response(connection_, static_cast<unsigned>(response_->status), response) == MHD_YES;
  MHD_destroy_response(response);
  if (!isQueued_) daemon_.log(LogLevel::error, "the answer to request " + id_ + " could not be sent");
  return isQueued_;
}

bool HttpCall::isHungUp() const {
  // Of a closed peer the kernel tells even when there are bytes to be read before the end.
  pollfd asked{peer_.descriptor, POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void HttpCall::finish(bool isCompleted) {
  if (daemon_.settings().options.log) {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun_);
    const bool isSent = isCompleted && isQueued_;
    daemon_.log(LogLevel::debug, "request " + id_ + " " + loggablePath(method_) + " " + loggablePath(target_) + " " +
                                     (response_ ? std::to_string(response_->status) : std::string("unanswered")) + " " +
                                     std::to_string(elapsed.count()) + " ms" +
                                     (isSent || isRefused_ ? "" : ", cut off"));
  }
  if (exchange_ != nullptr) std::exchange(exchange_, nullptr)->call_ = nullptr;
  if (auto sent = std::move(sent_)) sent(isCompleted && isQueued_);
}

void sendRefusal(int descriptor, HttpRefusal refusal, const std::string& id) {
  const HttpResponse response = responseOf(refusal);
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " " +
                     MHD_get_reason_phrase_for(static_cast<unsigned>(response.status)) +
                     "\r\nConnection: close\r\nContent-Type: " + response.contentType + "\r\nX-Request-Id: " + id +
                     "\r\nContent-Length: " + std::to_string(response.body.size());
  for (const auto& [name, value] : response.headers) text.append("\r\n").append(name).append(": ").append(value);
  text += "\r\n\r\n" + response.body;
  // A client that does not even read gets none of it.
  static_cast<void>(::send(descriptor, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace v1
}  // namespace callsheet
