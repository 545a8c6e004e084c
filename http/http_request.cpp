#include "http/http_request.h"

#include <curl/curl.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr long redirectsMax = 5;

/// One exchange on its way; libcurl calls it back.
struct Exchange {
  CURL* curl;
  const HttpRequestOut& request;
  HttpAnswerReader& reader;
  const std::stop_token& stop;
  SteadyClock::time_point lastByte = SteadyClock::now();
  bool hasBegun = false;
  bool isRejected = false;
  bool isIdle = false;
  std::uint64_t sent = 0;  // of the file
  int fileErrno = 0;

  [[nodiscard]] std::string header(const char* name) const {
    curl_header* found = nullptr;
    const bool isThere = curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
    return isThere ? found->value : "";
  }
  [[nodiscard]] int status() const {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }
  void begin() {
    if (hasBegun) return;
    hasBegun = true;
    HttpHead head{status(), header("Content-Type"), header("ETag"), header("Content-Range"), {}};
    curl_off_t length = -1;
    if (curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK && length >= 0)
      head.length = static_cast<std::uint64_t>(length);
    reader.begin(head);
  }
};

std::size_t takeBody(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.lastByte = SteadyClock::now();
  exchange.begin();
  exchange.isRejected = !exchange.reader.take({bytes, size * count});
  return exchange.isRejected ? CURL_WRITEFUNC_ERROR : size * count;
}

std::size_t takeHeader(char*, std::size_t size, std::size_t count, void* user) {
  static_cast<Exchange*>(user)->lastByte = SteadyClock::now();
  return size * count;
}

std::size_t giveFile(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const HttpFileBody& file = *exchange.request.file;
  exchange.lastByte = SteadyClock::now();
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size * count, file.bytes - exchange.sent));
  ssize_t given = 0;
  do given = ::pread(file.descriptor, bytes, wanted, static_cast<off_t>(file.offset + exchange.sent));
  while (given < 0 && errno == EINTR);
  // A file that has become shorter is none that could be sent.
  if (given < 0 || (given == 0 && wanted > 0)) {
    exchange.fileErrno = given < 0 ? errno : ENODATA;
    return CURL_READFUNC_ABORT;
  }
  exchange.sent += static_cast<std::uint64_t>(given);
  if (file.sent) file.sent(exchange.sent);
  return static_cast<std::size_t>(given);
}

/// For a request that has to be sent again, to where it was redirected.
int seekFile(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Exchange*>(user)->sent = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

/// Called once a second at least, also while nothing comes.
int look(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.stop.stop_requested()) return 1;
  const auto idle = std::chrono::milliseconds(exchange.request.idleMillis);
  exchange.isIdle = idle.count() > 0 && SteadyClock::now() - exchange.lastByte > idle;
  return exchange.isIdle ? 1 : 0;
}

using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;
using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

Headers headersOf(const HttpRequestOut& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) {
    // A header without a value is written with a semicolon; with a colon it would be left out.
    list = curl_slist_append(list, std::string(name).append(value.empty() ? ";" : ": ").append(value).c_str());
  }
  // Who does not know that it waits would cost a second.
  list = curl_slist_append(list, "Expect:");
  return {list, curl_slist_free_all};
}

bool isOfRequest(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_READ_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      return true;
    default:
      return false;
  }
}

HttpEnd endOf(const Exchange& exchange, CURLcode code, const char* said) {
  HttpEnd end;
  end.status = exchange.status();
  end.range = exchange.header("Range");
  curl_off_t seconds = 0;
  if (curl_easy_getinfo(exchange.curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
    end.retryAfterMillis = static_cast<std::int64_t>(seconds) * 1000;
  if (code == CURLE_OK) {
    end.why = HttpEnd::Why::answered;
    return end;
  }
  end.sentence = said[0] != '\0' ? said : curl_easy_strerror(code);
  if (exchange.isRejected) {
    end.why = HttpEnd::Why::rejected;
  } else if (exchange.fileErrno != 0) {
    end.why = HttpEnd::Why::refused;
    end.sentence = std::string("the file cannot be read to its end: ") + std::strerror(exchange.fileErrno);
  } else if (exchange.isIdle) {
    end.sentence = "nothing came for " + std::to_string(exchange.request.idleMillis) + " ms";
  } else if (code == CURLE_ABORTED_BY_CALLBACK) {
    end.why = HttpEnd::Why::canceled;
  } else if (isOfRequest(code)) {
    end.why = HttpEnd::Why::refused;
  }
  return end;
}

/// The method, and what is sent. GET, POST and a PUT of a file are what the library does by itself; then it knows what
/// becomes of a POST that is redirected.
void giveBody(Exchange& exchange) {
  CURL* const curl = exchange.curl;
  const HttpRequestOut& request = exchange.request;
  if (request.file) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.file->bytes));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, giveFile);
    curl_easy_setopt(curl, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, seekFile);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &exchange);
  } else if (request.body || request.method == "POST") {
    static const std::string nothing;
    const std::string& sent = request.body ? *request.body : nothing;
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(sent.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent.data());
  }
  if (request.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  const std::string usual = request.file ? "PUT" : request.body || request.method == "POST" ? "POST" : "GET";
  if (request.method != usual) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

}  // namespace

bool HttpText::take(std::string_view bytes) {
  const bool isGood = head.status >= 200 && head.status < 300;
  if (isGood && text.size() + bytes.size() > bytesMax_) return false;
  text += bytes.substr(0, bytesMax_ - text.size());
  return true;
}

HttpEnd exchange(const HttpRequestOut& request, HttpAnswerReader& reader, const std::stop_token& stop) {
  const Handle handle(curl_easy_init(), curl_easy_cleanup);
  if (!handle) throw Error(ErrorKind::unavailable, "the HTTP library does not begin");
  CURL* const curl = handle.get();
  Exchange exchange{curl, request, reader, stop};
  const Headers headers = headersOf(request);
  char said[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, redirectsMax);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connectMillis));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.totalMillis));
  if (request.takesEncoded) curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, takeBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, takeHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  giveBody(exchange);
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_OK) exchange.begin();  // of an answer without a body
  return endOf(exchange, code, said);
}

}  // namespace v1
}  // namespace callsheet
