#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/access_rules.h"
#include "api/http_daemon.h"
#include "api/http_message.h"

namespace callsheet {
inline namespace v1 {

class HttpCall;

/// What a handler holds of a request. Outlives the request when the handler keeps it for longer.
class HeldExchange final : public HttpExchange {
 public:
  HeldExchange(HttpRequest request, HttpCall& call) : request_(std::move(request)), call_(&call) {}
  HeldExchange(const HeldExchange&) = delete;
  HeldExchange& operator=(const HeldExchange&) = delete;
  ~HeldExchange() override;

  [[nodiscard]] const HttpRequest& request() const override { return request_; }
  void answer(HttpResponse response, std::function<void(bool wasSent)> sent) override;
  [[nodiscard]] bool isHungUp() const override;

 private:
  friend class HttpCall;
  HttpRequest request_;
  HttpCall* call_;  // null when the request is over
};

/// One request as libmicrohttpd sees it: its line, its headers, its body in pieces, perhaps a wait, and its answer.
class HttpCall {
 public:
  HttpCall(HttpDaemon& daemon, MHD_Connection* connection, HttpConnection& peer, std::string target);
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;
  ~HttpCall();

  /// libmicrohttpd's access handler: called for the headers, each piece of the body, the end, and after a wait.
  /// False closes the connection.
  [[nodiscard]] bool proceed(const char* method, const char* piece, std::size_t* pieceSize);
  void answer(HttpResponse response, std::function<void(bool wasSent)> sent);
  /// The handler let go of its exchange.
  void drop();
  [[nodiscard]] bool isHungUp() const;
  [[nodiscard]] bool isAnswered() const { return response_.has_value(); }
  [[nodiscard]] HttpConnection& peer() const { return peer_; }
  [[nodiscard]] bool isWaiting() const { return isSuspended_; }
  /// Answers that the server is ending; what is being sent is cut off.
  void cut();
  /// The request is over. Tells `sent`, which may do anything but stop the server.
  void finish(bool isCompleted);

 private:
  struct Headers;
  [[nodiscard]] std::optional<HttpRefusal> readHeaders(const char* method);
  void takePiece(const char* piece, std::size_t size);
  void refuseNow(HttpRefusal refusal);
  [[nodiscard]] bool handOver();
  [[nodiscard]] bool queue();
  [[nodiscard]] MHD_Response* makeResponse();
  /// Fills a chunk from the answer's source: its size, or what libmicrohttpd shall do instead.
  [[nodiscard]] long produce(char* chunk, std::size_t size);
  void suspend();
  void resume();

  HttpDaemon& daemon_;
  MHD_Connection* connection_;
  HttpConnection& peer_;
  std::string target_;
  std::string id_;
  std::string method_;
  HttpRequest request_;  // until it is handed over
  HeldExchange* exchange_ = nullptr;
  std::optional<HttpResponse> response_;
  std::function<void(bool)> sent_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool hasHeaders_ = false;
  bool hasBodyUnderWay_ = false;  // it comes whatever the answer to the headers is
  bool isRefused_ = false;        // the rest of the body is read and dropped
  bool isHandedOver_ = false;
  bool isSuspended_ = false;
  bool isAbandoned_ = false;  // the client hung up while it waited
  bool isQueued_ = false;
  bool hasSlept_ = false;  // between two pieces of the answer
  bool isCut_ = false;     // the server ends
};

/// Answers past libmicrohttpd, which cannot while a request is still arriving. The connection must be closed then.
void sendRefusal(int descriptor, HttpRefusal refusal, const std::string& id);

}  // namespace v1
}  // namespace callsheet
