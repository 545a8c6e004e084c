#pragma once
#include <string_view>

#include "api/http_message.h"

namespace callsheet {
inline namespace v1 {

/// What the server itself answers, before or instead of a handler: `{"error":{"type":"...","message":"..."}}`.
/// libmicrohttpd answers what it cannot parse by itself, with its own text: 400, 413 or 414, 431, 505.
enum class HttpRefusal {
  badRequest,       ///< 400 http/bad-request: a target or framing that is not understood
  unauthorized,     ///< 401 http/unauthorized: no or another token
  forbiddenHost,    ///< 403 http/forbidden-host: Host names no loopback address
  forbiddenOrigin,  ///< 403 http/forbidden-origin: a web page asks
  forbiddenPeer,    ///< 403 http/forbidden-peer: another user's process on the Unix socket
  tooSlow,          ///< 408 http/too-slow: the request took too long to arrive; the connection is closed
  tooLarge,         ///< 413 http/too-large: the body; the connection is closed
  internal,         ///< 500 http/internal: a defect; the log says more under the request's id
  stopping,         ///< 503 http/stopping: the server ends; repeat
};

[[nodiscard]] HttpResponse responseOf(HttpRefusal refusal);
[[nodiscard]] HttpResponse httpError(int status, std::string_view type, std::string_view message);

/// Whether it may be sent: a known status, headers that are tokens and whose values cannot end a line.
[[nodiscard]] bool isSendable(const HttpResponse& response);

}  // namespace v1
}  // namespace callsheet
