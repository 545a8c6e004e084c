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

/// A body that is read from a file while it is sent.
struct HttpFileBody {
  int descriptor = -1;                              ///< stays the caller's; its position does not matter
  std::uint64_t offset = 0;                         ///< of the first byte that is sent
  std::uint64_t bytes = 0;                          ///< so many
  std::function<void(std::uint64_t bytes)> sent{};  ///< how many have been handed to the network; may be empty
};

/// A request as it goes out.
struct HttpRequestOut {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> body;
  std::optional<HttpFileBody> file;  ///< in place of `body`
  bool takesEncoded = true;          ///< the answer may be compressed on its way
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
  std::string range;                             ///< what a Range header of the answer says
  std::string sentence;                          ///< why, where it was not answered
  std::optional<std::int64_t> retryAfterMillis;  ///< what the answer says of it
};

/// The beginning of an answer; a header that it has not is empty.
struct HttpHead {
  int status = 0;
  std::string contentType;
  std::string etag;
  std::string contentRange;
  std::optional<std::uint64_t> length;  ///< of the body, where it was said
};

/// What comes of an answer, as it comes.
class HttpAnswerReader {
 public:
  virtual ~HttpAnswerReader() = default;
  /// Before the first byte of the body of the answer that counts, which is none that only redirects.
  virtual void begin(const HttpHead& head) = 0;
  /// False ends the exchange.
  [[nodiscard]] virtual bool take(std::string_view bytes) = 0;
};

/// Keeps an answer as a whole.
class HttpText final : public HttpAnswerReader {
 public:
  explicit HttpText(std::size_t bytesMax) : bytesMax_(bytesMax) {}
  void begin(const HttpHead& head) override { this->head = head; }
  /// False over the limit, unless it is no success: of that the beginning will do.
  [[nodiscard]] bool take(std::string_view bytes) override;
  HttpHead head;
  std::string text;

 private:
  const std::size_t bytesMax_;
};

/// Sends a request and reads its answer, on the caller's thread. http and https only, redirects followed, five at most.
/// About once a second it sees whether it is to stop or has waited for too long.
[[nodiscard]] HttpEnd exchange(const HttpRequestOut& request, HttpAnswerReader& reader, const std::stop_token& stop);

}  // namespace v1
}  // namespace callsheet
