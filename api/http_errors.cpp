#include "api/http_errors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace callsheet {
inline namespace v1 {

namespace {

bool isToken(std::string_view text) {
  constexpr std::string_view signs = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           signs.find(c) != std::string_view::npos;
  });
}

bool isHeaderValue(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace

HttpResponse httpError(int status, std::string_view type, std::string_view message) {
  const nlohmann::json body = {{"error", {{"type", type}, {"message", message}}}};
  HttpResponse response;
  response.status = status;
  response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

HttpResponse responseOf(HttpRefusal refusal) {
  switch (refusal) {
    case HttpRefusal::badRequest:
      return httpError(400, "http/bad-request", "the request's target or framing is not understood");
    case HttpRefusal::unauthorized: {
      auto response = httpError(401, "http/unauthorized", "send the header Authorization: Bearer TOKEN");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      return response;
    }
    case HttpRefusal::forbiddenHost:
      return httpError(403, "http/forbidden-host", "Host must be localhost, 127.0.0.1 or [::1]");
    case HttpRefusal::forbiddenOrigin:
      return httpError(403, "http/forbidden-origin", "web pages may not use this server: send no Origin");
    case HttpRefusal::forbiddenPeer:
      return httpError(403, "http/forbidden-peer", "this socket is for the store's own user");
    case HttpRefusal::tooSlow:
      return httpError(408, "http/too-slow", "the request took too long to arrive");
    case HttpRefusal::tooLarge:
      return httpError(413, "http/too-large", "the request's body is larger than this server takes");
    case HttpRefusal::stopping:
      return httpError(503, "http/stopping", "the server is ending; repeat the request");
    case HttpRefusal::internal:
      break;
  }
  return httpError(500, "http/internal", "the server failed; its log says more under this answer's X-Request-Id");
}

bool isSendable(const HttpResponse& response) {
  return response.status >= 200 && response.status <= 599 && isHeaderValue(response.contentType) &&
         std::all_of(response.headers.begin(), response.headers.end(),
                     [](const auto& header) { return isToken(header.first) && isHeaderValue(header.second); });
}

}  // namespace v1
}  // namespace callsheet
