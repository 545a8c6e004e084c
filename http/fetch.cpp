#include "http/fetch.h"

#include "callsheet/errors.h"
#include "http/http_request.h"

namespace callsheet {
inline namespace v1 {

namespace {
[[noreturn]] void fail(const std::string& why) {
  throw Error(ErrorKind::unavailable, why);
}
}  // namespace

bool isHttpUrl(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string fetchText(const std::string& url, const FetchLimits& limits) {
  HttpRequestOut request;
  request.url = url;
  request.connectMillis = limits.connect.count();
  request.totalMillis = limits.total.count();
  HttpText reader(limits.bytesMax);
  const HttpEnd end = exchange(request, reader, {});
  if (end.why == HttpEnd::Why::rejected) fail("it has more than " + std::to_string(limits.bytesMax) + " bytes");
  if (end.why != HttpEnd::Why::answered) fail(end.sentence);
  if (end.status != 200) fail("the answer was " + std::to_string(end.status));
  return std::move(reader.text);
}

}  // namespace v1
}  // namespace callsheet
