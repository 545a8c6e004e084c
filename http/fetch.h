#pragma once
#include <chrono>
#include <cstddef>
#include <string>

namespace callsheet {
inline namespace v1 {

struct FetchLimits {
  std::size_t bytesMax = 1u << 20;
  std::chrono::milliseconds connect = std::chrono::seconds{10};
  std::chrono::milliseconds total = std::chrono::seconds{30};
};

/// Whether a text is the address of something to be fetched: it begins with http:// or https://.
[[nodiscard]] bool isHttpUrl(const std::string& text);

/// The body of what an address answers to GET, redirects followed, five at most. Waits on the caller's thread. Throws
/// Error(unavailable) that says why there is none: no answer, another status than 200, more bytes than the limit.
[[nodiscard]] std::string fetchText(const std::string& url, const FetchLimits& limits = {});

}  // namespace v1
}  // namespace callsheet
