#include "http/request_parameters.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/job_context.h"
#include "http/fetch.h"
#include "http/secret_text.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Json = nlohmann::ordered_json;  // a body keeps the order in which it was written

bool isToken(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::int64_t millisOf(const Json& parameters, const char* name, std::int64_t otherwise) {
  const auto found = parameters.find(name);
  if (found == parameters.end() || found->is_null()) return otherwise;
  if (!found->is_number() || found->get<double>() < 0 || found->get<double>() > 864e5 * 365)
    refuseParameters(std::string(name) + " must be a number of milliseconds");
  return static_cast<std::int64_t>(found->get<double>());
}

void addHeaders(HttpRequestOut& request, const Json& parameters) {
  const auto headers = parameters.find("headers");
  if (headers == parameters.end()) return;
  if (!headers->is_object()) refuseParameters("headers must be an object");
  for (const auto& [name, value] : headers->items()) {
    if (!isToken(name)) refuseParameters("'" + name.substr(0, 64) + "' is no header's name");
    if (!value.is_string()) refuseParameters("the header " + name + " must be a text");
    const std::string text = resolved(value.get<std::string>());
    if (text.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
      refuseParameters("the header " + name + " holds a line break");
    request.headers.emplace_back(name, text);
  }
}
}  // namespace

void refuseParameters(const std::string& sentence) {
  throw JobError("payload", sentence, false);
}

Json requestParameters(const std::string& text, std::initializer_list<std::string_view> others) {
  Json parameters = Json::parse(text, nullptr, false);
  if (!parameters.is_object()) refuseParameters("the parameters must be an object with a url");
  for (const auto& [name, value] : parameters.items()) {
    constexpr std::string_view known[] = {"url", "method", "headers", "connectTimeout", "idleTimeout", "totalTimeout"};
    const auto among = [&, &one = name](const auto& names) {
      return std::find(std::begin(names), std::end(names), one) != std::end(names);
    };
    if (!among(known) && !among(others)) refuseParameters("there is no parameter '" + name.substr(0, 64) + "'");
  }
  return parameters;
}

std::string textAmong(const Json& parameters, const char* name, const std::string& otherwise) {
  const auto found = parameters.find(name);
  if (found == parameters.end() || found->is_null()) return otherwise;
  if (!found->is_string()) refuseParameters(std::string(name) + " must be a text");
  return found->get<std::string>();
}

std::uint64_t numberAmong(const Json& parameters, const char* name, std::uint64_t otherwise) {
  const auto found = parameters.find(name);
  if (found == parameters.end() || found->is_null()) return otherwise;
  if (!found->is_number_unsigned()) refuseParameters(std::string(name) + " must be a whole number from 0 on");
  return found->get<std::uint64_t>();
}

HttpRequestOut requestOf(const Json& parameters, const std::string& method, const std::string& id) {
  HttpRequestOut request;
  request.url = textAmong(parameters, "url", "");
  if (request.url.empty()) refuseParameters("url is missing");
  request.url = resolved(request.url);
  if (!isHttpUrl(request.url)) refuseParameters("url must begin with http:// or https://");
  request.method = textAmong(parameters, "method", method);
  if (!isToken(request.method)) refuseParameters("method is none of HTTP");
  addHeaders(request, parameters);
  request.connectMillis = millisOf(parameters, "connectTimeout", request.connectMillis);
  request.idleMillis = millisOf(parameters, "idleTimeout", request.idleMillis);
  request.totalMillis = millisOf(parameters, "totalTimeout", request.totalMillis);
  if (!hasHeader(request, "Idempotency-Key")) request.headers.emplace_back("Idempotency-Key", id);
  if (!hasHeader(request, "User-Agent")) request.headers.emplace_back("User-Agent", "callsheet");
  return request;
}

bool hasHeader(const HttpRequestOut& request, std::string_view name) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return std::equal(header.first.begin(), header.first.end(), name.begin(), name.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    });
  });
}

std::string resolved(const std::string& text) {
  try {
    return withSecrets(text);
  } catch (const Error& error) {
    throw JobError("http", error.what(), false);  // no secret of that name: nobody is asked at all
  }
}

Json withSecretsIn(Json value) {
  if (value.is_string()) return resolved(value.get<std::string>());
  if (value.is_structured())
    for (Json& one : value) one = withSecretsIn(std::move(one));
  return value;
}

}  // namespace v1
}  // namespace callsheet
