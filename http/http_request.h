#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// A request as it goes out.
struct HttpRequestOut {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> body;
  std::int64_t connectMillis = 10'000;
  std::int64_t idleMillis = 60'000;  ///< without a byte from the far side; 0: no limit
  std::int64_t totalMillis = 0;      ///< 0: no limit
};

/// The end of an exchange.
struct HttpEnd {
  enum class Why : std::uint8_t {
    answered,  ///< `status` and all of the body have come
    trouble,   ///< of the connection, or a time-out: another try may do better
    refused,   ///< the request itself: a bad address, too many redirects
    rejected,  ///< whoever takes the body wanted no more of it
    canceled,  ///< the stop token
  };
  Why why = Why::trouble;
  int status = 0;
  std::string sentence;                          ///< why, where it was not answered
  std::optional<std::int64_t> retryAfterMillis;  ///< what the answer says of it
};

/// What comes of an answer, as it comes.
class HttpAnswerReader {
 public:
  virtual ~HttpAnswerReader() = default;
  /// Before the first byte of the body of the answer that counts, which is none that only redirects.
  virtual void begin(int status, const std::string& contentType) = 0;
  /// False ends the exchange.
  [[nodiscard]] virtual bool take(std::string_view bytes) = 0;
};

/// Sends a request and reads its answer, on the caller's thread. http and https only, redirects followed, five at most.
/// About once a second it sees whether it is to stop or has waited for too long.
[[nodiscard]] HttpEnd exchange(const HttpRequestOut& request, HttpAnswerReader& reader, const std::stop_token& stop);

}  // namespace v1
}  // namespace callsheet
