#include "api/router.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "api/body_format.h"
#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr const char* routeNotFound = "http/not-found";
constexpr const char* methodNotAllowed = "http/method-not-allowed";
constexpr const char* unsupportedType = "http/unsupported-media-type";
constexpr const char* notAcceptable = "http/not-acceptable";

std::vector<std::string_view> partsOf(std::string_view path) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return parts;
}

bool isVariable(std::string_view part) {
  return part.starts_with('{') && part.ends_with('}');
}

/// The variable parts, when the path fits.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  const auto wanted = partsOf(pattern);
  const auto given = partsOf(path);
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i >= given.size()) return std::nullopt;
    if (wanted[i].ends_with("+}")) {
      const auto rest = path.substr(static_cast<std::size_t>(given[i].data() - path.data()));
      if (rest.empty()) return std::nullopt;
      parts.emplace_back(rest);
      return parts;
    }
    if (isVariable(wanted[i]) ? given[i].empty() : wanted[i] != given[i]) return std::nullopt;
    if (isVariable(wanted[i])) parts.emplace_back(given[i]);
  }
  return wanted.size() == given.size() ? std::optional(std::move(parts)) : std::nullopt;
}

/// In which an answer goes out: JSON where the request names a format that is none of ours.
BodyFormat answerFormat(const HttpRequest& request) {
  const BodyFormat own = formatOfContentType(request.contentType).value_or(BodyFormat::json);
  return formatOfAccept(request.accept, own).value_or(BodyFormat::json);
}
}  // namespace

Json RouteCall::body() const {
  const auto format = formatOfContentType(request().contentType);
  if (!format) throw ApiError(415, unsupportedType, "a body is application/json or text/yaml, in UTF-8");
  try {
    return parseBody(*format, request().body);
  } catch (const Error& error) {
    throw ApiError(400, errorTypes::invalidBody, std::string("the body cannot be read: ") + error.what());
  }
}

void RouteCall::answer(int status, const Json& body, std::function<void()> undelivered) const {
  const BodyFormat format = answerFormat(request());
  HttpResponse response;
  response.status = status;
  response.contentType = contentTypeOf(format);
  response.body = printBody(format, body);
  if (!response.body.ends_with('\n')) response.body += '\n';
  exchange_->answer(std::move(response), [undelivered = std::move(undelivered)](bool wasSent) {
    if (!wasSent && undelivered) undelivered();
  });
}

void RouteCall::answer(const ApiError& error) const {
  Json body = error.toJson();
  if (errorForm_ == ErrorForm::detail) body = {{"detail", error.what()}};
  if (errorForm_ == ErrorForm::coded) body = {{"code", error.status()}, {"message", error.what()}};
  answer(error.status(), body);
}

void RouteCall::answerText(std::string contentType, std::string body) const {
  HttpResponse response;
  response.contentType = std::move(contentType);
  response.body = std::move(body);
  exchange_->answer(std::move(response));
}

void RouteCall::answer(HttpResponse response) const {
  exchange_->answer(std::move(response));
}

void RouteCall::guard(const std::function<void()>& work) const {
  try {
    work();
  } catch (const ApiError& error) {
    answer(error);
  } catch (const Error& error) {
    answer(errorOf(error));
  }
}

void Router::operator()(std::shared_ptr<HttpExchange> exchange) const {
  const HttpRequest& request = exchange->request();
  std::string allowed;
  for (const Route& route : routes_) {
    auto parts = match(route.pattern, request.path);
    if (!parts) continue;
    if (route.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    const auto call = std::make_shared<RouteCall>(std::move(exchange), std::move(*parts), route.errorForm);
    return call->guard([&] {
      // Before anything is done for whoever could not read the answer.
      if (route.isInOurFormats && !formatOfAccept(call->request().accept, BodyFormat::json))
        throw ApiError(406, notAcceptable, "answers are application/json or text/yaml");
      route.handle(call);
    });
  }
  HttpResponse response;
  const bool isKnown = !allowed.empty();
  const ApiError error = isKnown ? ApiError(405, methodNotAllowed, "this path takes " + allowed)
                                 : ApiError(404, routeNotFound, "there is nothing here; /openapi.json lists what is");
  response.status = error.status();
  response.body = error.toJson().dump() + "\n";
  if (isKnown) response.headers.emplace_back("Allow", allowed);
  exchange->answer(std::move(response));
}

}  // namespace v1
}  // namespace callsheet
