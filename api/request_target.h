#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// What stands between a request's method and its version, taken apart and percent-decoded.
struct RequestTarget {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  ///< in order; '+' is a space, a name alone has no value
};

/// Nothing unless it begins with '/' and all its percent signs are followed by two hex digits, none of them a zero
/// byte.
[[nodiscard]] std::optional<RequestTarget> parseTarget(std::string_view target);

/// The path as it came, without its query, with what a log line could not bear replaced, cut when it is long.
[[nodiscard]] std::string loggablePath(std::string_view target);

}  // namespace v1
}  // namespace callsheet
