#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_errors.h"

namespace callsheet {
inline namespace v1 {

/// A request's headers that decide who may ask; every value that came, in order.
struct AccessHeaders {
  std::vector<std::string> host;
  std::vector<std::string> origin;
  std::vector<std::string> authorization;
};

/// For a loopback TCP socket, which any local user and any web page can reach: Host must name loopback (else a name
/// that an attacker points at 127.0.0.1 would do), no Origin may be there, and the bearer token must be the right one.
/// An empty token asks for none. Nothing when it may go on.
[[nodiscard]] std::optional<HttpRefusal> tcpRefusal(const AccessHeaders& headers, std::string_view token);

/// "localhost" in any case, "127.0.0.1" or "[::1]", each with or without a port.
[[nodiscard]] bool isLoopbackHost(std::string_view host);

/// Whether an `Authorization` value carries that token. Its time tells nothing but the token's length.
[[nodiscard]] bool isBearer(std::string_view authorization, std::string_view token);

/// Whether a process of `peer` may use a Unix socket of `own`: the same user, or root.
[[nodiscard]] bool isPeerAllowed(uid_t peer, uid_t own);

}  // namespace v1
}  // namespace callsheet
