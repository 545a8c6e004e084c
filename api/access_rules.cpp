#include "api/access_rules.h"

#include <algorithm>
#include <charconv>

namespace callsheet {
inline namespace v1 {

namespace {

bool isEqualIgnoringCase(std::string_view text, std::string_view lowercase) {
  return std::equal(text.begin(), text.end(), lowercase.begin(), lowercase.end(), [](char one, char other) {
    return (one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one) == other;
  });
}

bool isPort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && text.size() <= 5 && port >= 1 && port <= 65535;
}

// Looks at every byte whatever differs first.
bool isEqualInConstantTime(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i])));
  return difference == 0;
}

}  // namespace

bool isLoopbackHost(std::string_view host) {
  std::string_view name = host;
  const std::size_t colon = host.rfind(':');
  // A colon within brackets is the address's own.
  if (colon != std::string_view::npos && (host.front() != '[' || (colon > 0 && host[colon - 1] == ']'))) {
    if (!isPort(host.substr(colon + 1))) return false;
    name = host.substr(0, colon);
  }
  return isEqualIgnoringCase(name, "localhost") || name == "127.0.0.1" || name == "[::1]";
}

bool isBearer(std::string_view authorization, std::string_view token) {
  constexpr std::string_view scheme = "bearer ";
  if (!isEqualIgnoringCase(authorization.substr(0, scheme.size()), scheme)) return false;
  authorization.remove_prefix(scheme.size());
  while (!authorization.empty() && authorization.front() == ' ') authorization.remove_prefix(1);
  return isEqualInConstantTime(authorization, token);
}

std::optional<HttpRefusal> tcpRefusal(const AccessHeaders& headers, std::string_view token) {
  if (headers.host.size() != 1 || !isLoopbackHost(headers.host.front())) return HttpRefusal::forbiddenHost;
  if (!headers.origin.empty()) return HttpRefusal::forbiddenOrigin;
  if (token.empty()) return std::nullopt;
  if (headers.authorization.size() != 1 || !isBearer(headers.authorization.front(), token))
    return HttpRefusal::unauthorized;
  return std::nullopt;
}

bool isPeerAllowed(uid_t peer, uid_t own) {
  return peer == own || peer == 0;
}

}  // namespace v1
}  // namespace callsheet
