#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_error.h"
#include "api/http_message.h"

namespace callsheet {
inline namespace v1 {

/// How a route's errors read: `{"error":{"type","message"}}`, or as the clients of others know them: `{"detail"}` of
/// the task runner, `{"code","message"}` of the director of scripts.
enum class ErrorForm { typed, detail, coded };

/// One request on its way: the route's variable parts, and the ways to answer it. Kept alive by whoever answers later.
class RouteCall {
 public:
  RouteCall(std::shared_ptr<HttpExchange> exchange, std::vector<std::string> parts, ErrorForm errorForm)
      : exchange_(std::move(exchange)), parts_(std::move(parts)), errorForm_(errorForm) {}

  [[nodiscard]] const HttpRequest& request() const { return exchange_->request(); }
  /// What stood in the path where the route has `{…}`, in order.
  [[nodiscard]] const std::string& part(std::size_t index) const { return parts_.at(index); }
  [[nodiscard]] bool isClientGone() const { return exchange_->isHungUp(); }
  /// The body, in the format that its type names; ApiError 400 or 415 for what cannot be read.
  [[nodiscard]] Json body() const;

  /// Once. In the format that the client accepts, else in that of its request.
  void answer(int status, const Json& body, std::function<void()> undelivered = {}) const;
  void answer(const ApiError& error) const;
  void answerText(std::string contentType, std::string body) const;
  void answer(HttpResponse response) const;
  /// Runs it; an error that it throws is the answer.
  void guard(const std::function<void()>& work) const;

 private:
  std::shared_ptr<HttpExchange> exchange_;
  std::vector<std::string> parts_;
  ErrorForm errorForm_;
};

/// A row of the one table of routes. `{…}` in a pattern is one part of the path, `{…+}` at its end all that is left.
struct Route {
  std::string method;
  std::string pattern;
  std::function<void(const std::shared_ptr<RouteCall>&)> handle;  ///< what it throws is the answer
  bool isInOurFormats = true;  ///< JSON or YAML, as the client wants it; false: it answers what it has
  ErrorForm errorForm = ErrorForm::typed;
};

/// Finds the route of a request. 404 when no pattern fits, 405 with `Allow` when only another method does.
class Router {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}
  void operator()(std::shared_ptr<HttpExchange> exchange) const;
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace v1
}  // namespace callsheet
