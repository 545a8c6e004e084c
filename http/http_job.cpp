#include "http/http_job.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/names.h"
#include "http/answer_body.h"
#include "http/fetch.h"
#include "http/http_request.h"
#include "http/secret_text.h"
#include "jobs/job_output.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Json = nlohmann::ordered_json;  // a body keeps the order in which it was written

// Who asks for more than that is asked sooner.
constexpr std::chrono::hours retryAfterMax{1};

[[noreturn]] void refuse(const std::string& sentence) {
  throw JobError("payload", sentence, false);
}

/// All texts in it, but the names of its members.
Json withSecretsIn(Json value) {
  if (value.is_string()) return withSecrets(value.get<std::string>());
  if (value.is_structured())
    for (Json& one : value) one = withSecretsIn(std::move(one));
  return value;
}

bool isToken(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool hasHeader(const HttpRequestOut& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return std::equal(header.first.begin(), header.first.end(), name.begin(), name.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    });
  });
}

std::int64_t millisOf(const Json& parameters, const char* name, std::int64_t otherwise) {
  const auto found = parameters.find(name);
  if (found == parameters.end() || found->is_null()) return otherwise;
  if (!found->is_number() || found->get<double>() < 0 || found->get<double>() > 864e5 * 365)
    refuse(std::string(name) + " must be a number of milliseconds");
  return static_cast<std::int64_t>(found->get<double>());
}

void addHeaders(HttpRequestOut& request, const Json& parameters) {
  const auto headers = parameters.find("headers");
  if (headers == parameters.end()) return;
  if (!headers->is_object()) refuse("headers must be an object");
  for (const auto& [name, value] : headers->items()) {
    if (!isToken(name)) refuse("'" + name.substr(0, 64) + "' is no header's name");
    if (!value.is_string()) refuse("the header " + name + " must be a text");
    const std::string text = withSecrets(value.get<std::string>());
    if (text.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
      refuse("the header " + name + " holds a line break");
    request.headers.emplace_back(name, text);
  }
}

HttpRequestOut requestFrom(const std::string& text, const JobContext& context) {
  const Json parameters = Json::parse(text, nullptr, false);
  if (!parameters.is_object()) refuse("the parameters must be an object with a url");
  for (const auto& [name, value] : parameters.items()) {
    constexpr std::string_view known[] = {"url",  "method",         "headers",     "body",
                                          "text", "connectTimeout", "idleTimeout", "totalTimeout"};
    if (std::find(std::begin(known), std::end(known), name) == std::end(known))
      refuse("there is no parameter '" + name.substr(0, 64) + "'");
  }
  HttpRequestOut request;
  const auto url = parameters.find("url");
  if (url == parameters.end() || !url->is_string()) refuse("url is missing");
  request.url = withSecrets(url->get<std::string>());
  if (!isHttpUrl(request.url)) refuse("url must begin with http:// or https://");
  addHeaders(request, parameters);
  const auto body = parameters.find("body");
  const auto plain = parameters.find("text");
  if (body != parameters.end() && plain != parameters.end()) refuse("body and text exclude each other");
  if (body != parameters.end()) {
    request.body = withSecretsIn(*body).dump();
    if (!hasHeader(request, "Content-Type")) request.headers.emplace_back("Content-Type", "application/json");
  } else if (plain != parameters.end()) {
    if (!plain->is_string()) refuse("text must be a text");
    request.body = withSecrets(plain->get<std::string>());
  }
  request.method = parameters.value("method", request.body ? "POST" : "GET");
  if (!isToken(request.method)) refuse("method is none of HTTP");
  request.connectMillis = millisOf(parameters, "connectTimeout", request.connectMillis);
  request.idleMillis = millisOf(parameters, "idleTimeout", request.idleMillis);
  request.totalMillis = millisOf(parameters, "totalTimeout", request.totalMillis);
  // The same in each attempt, so that the far side can take them for one.
  if (!hasHeader(request, "Idempotency-Key")) request.headers.emplace_back("Idempotency-Key", context.id().toString());
  if (!hasHeader(request, "User-Agent")) request.headers.emplace_back("User-Agent", "callsheet");
  return request;
}

[[noreturn]] void failFor(const HttpEnd& end, const AnswerBody& body) {
  constexpr int tooManyRequests = 429;
  const bool isTransient = end.status == tooManyRequests || end.status >= 500;
  const std::string excerpt = body.excerpt();
  const JobError error("http", "the answer was " + std::to_string(end.status) + (excerpt.empty() ? "" : ": " + excerpt),
                       isTransient, Json{{"status", end.status}, {"body", excerpt}}.dump());
  throw error.after(
      std::min<std::chrono::microseconds>(std::chrono::milliseconds(end.retryAfterMillis.value_or(0)), retryAfterMax));
}

std::string run(const std::string& parameters, JobContext& context, const StoreDirectory& store) {
  HttpRequestOut request;
  try {
    request = requestFrom(parameters, context);
  } catch (const Error& error) {
    throw JobError("http", error.what(), false);  // no secret of that name: it is not asked at all
  }
  JobOutput output(store, context.id(), context.attempt());
  AnswerBody body([&](std::string_view text) { output.write(text); });
  const HttpEnd end = exchange(request, body, context.stopToken());
  switch (end.why) {
    case HttpEnd::Why::canceled:
      throw JobCanceled{};
    case HttpEnd::Why::trouble:
      throw JobError("http", end.sentence);
    case HttpEnd::Why::refused:
      throw JobError("http", end.sentence, false);
    case HttpEnd::Why::rejected:
      throw JobError("http", body.rejection(), false);
    case HttpEnd::Why::answered:
      break;
  }
  if (end.status < 200 || end.status >= 300) failFor(end, body);
  AnswerBody::Result result = body.finish();
  if (!result.trouble.empty()) throw JobError("http", result.trouble, result.mayTryAgain);
  return std::move(result.value);
}

}  // namespace

void addHttpKind(JobTypes& types, const StoreDirectory& store) {
  types.add(httpKind, 1,
            [&store](const std::string& parameters, JobContext& context) { return run(parameters, context, store); });
}

}  // namespace v1
}  // namespace callsheet
