#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/body_source.h"

namespace callsheet {
inline namespace v1 {

/// One request, its body complete. Texts are as they came, unless it says otherwise.
struct HttpRequest {
  std::string id;                                          ///< for logs and the answer's `X-Request-Id`
  std::string method;                                      ///< "GET", "POST", …
  std::string path;                                        ///< percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  ///< percent-decoded, in order
  std::string contentType;                                 ///< empty when none was given
  std::string accept;
  std::string body;

  /// The first value of that name, or nothing.
  [[nodiscard]] const std::string* queryValue(std::string_view name) const {
    for (const auto& [key, value] : query)
      if (key == name) return &value;
    return nullptr;
  }
};

struct HttpResponse {
  int status = 200;
  std::string contentType = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< more of them, such as Allow
  std::unique_ptr<BodySource> source{};                      ///< in place of `body`: it goes out in chunks
};

/// One request and the way to answer it. Lives on the loop's thread.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  [[nodiscard]] virtual const HttpRequest& request() const = 0;
  /// Once. `sent` is told whether all of it was handed to the kernel; false when the client was gone before.
  virtual void answer(HttpResponse response, std::function<void(bool wasSent)> sent = {}) = 0;
  /// Asks the socket, so that a client that hung up while it waited is noticed before something is done for it.
  [[nodiscard]] virtual bool isHungUp() const = 0;
};

/// Called on the loop's thread when a request is complete. It may answer at once or keep the exchange and answer later;
/// an exchange that is dropped unanswered is answered 500.
using HttpHandler = std::function<void(std::shared_ptr<HttpExchange>)>;

}  // namespace v1
}  // namespace callsheet
