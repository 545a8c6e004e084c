#include "http/fetch.h"

#include <curl/curl.h>

#include <memory>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr long redirectsMax = 5;

struct Body {
  std::string text;
  std::size_t bytesMax;
  bool isTooLong = false;
};

std::size_t take(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& body = *static_cast<Body*>(user);
  body.isTooLong = body.text.size() + size * count > body.bytesMax;
  if (body.isTooLong) return 0;  // ends the transfer
  body.text.append(bytes, size * count);
  return size * count;
}

[[noreturn]] void fail(const std::string& why) {
  throw Error(ErrorKind::unavailable, why);
}
}  // namespace

bool isHttpUrl(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string fetchText(const std::string& url, const FetchLimits& limits) {
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) fail("the HTTP library does not begin");
  Body body{{}, limits.bytesMax};
  char why[CURL_ERROR_SIZE] = "";
  CURL* const curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, redirectsMax);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(curl);
  if (body.isTooLong) fail("it has more than " + std::to_string(limits.bytesMax) + " bytes");
  if (code != CURLE_OK) fail(why[0] != '\0' ? why : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) fail("the answer was " + std::to_string(status));
  return std::move(body.text);
}

}  // namespace v1
}  // namespace callsheet
