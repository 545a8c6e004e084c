#include "http/http_request.h"

#include "http/exchange.h"

namespace callsheet {
inline namespace v1 {

namespace {
struct Watched {
  const Exchange& exchange;
  const std::stop_token& stop;
};

/// Called once a second at least, also while nothing comes. Not 0: it is to be left.
int look(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& watched = *static_cast<const Watched*>(user);
  return watched.stop.stop_requested() || watched.exchange.isIdle() ? 1 : 0;
}
}  // namespace

bool HttpText::take(std::string_view bytes) {
  const bool isGood = head.status >= 200 && head.status < 300;
  if (isGood && text.size() + bytes.size() > bytesMax_) return false;
  text += bytes.substr(0, bytesMax_ - text.size());
  return true;
}

HttpEnd exchange(const HttpRequestOut& request, HttpAnswerReader& reader, const std::stop_token& stop) {
  Exchange exchange(request, reader);
  Watched watched{exchange, stop};
  curl_easy_setopt(exchange.handle(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(exchange.handle(), CURLOPT_XFERINFOFUNCTION, look);
  curl_easy_setopt(exchange.handle(), CURLOPT_XFERINFODATA, &watched);
  const CURLcode code = curl_easy_perform(exchange.handle());
  if (code != CURLE_ABORTED_BY_CALLBACK) return exchange.end(code);
  if (!stop.stop_requested()) return exchange.idleEnd();
  HttpEnd end;
  end.why = HttpEnd::Why::canceled;
  return end;
}

}  // namespace v1
}  // namespace callsheet
