#include "http/exchange.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
using SteadyClock = std::chrono::steady_clock;
constexpr long redirectsMax = 5;

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

}  // namespace

Exchange::Exchange(const HttpRequestOut& request, HttpAnswerReader& reader)
    : request_(request), reader_(reader), curl_(curl_easy_init(), curl_easy_cleanup), headers_(headersOf(request)) {
  if (!curl_) throw Error(ErrorKind::unavailable, "the HTTP library does not begin");
  CURL* const curl = curl_.get();
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, redirectsMax);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connectMillis));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.totalMillis));
  // On a connection of before, a far side that goes away in that moment would have it sent twice.
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  if (request.takesEncoded) curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said_);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, takeBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, takeHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  giveBody();
}

Exchange::Headers Exchange::headersOf(const HttpRequestOut& request) {
  curl_slist* list = nullptr;
  for (const auto& [name, value] : request.headers) {
    // A header without a value is written with a semicolon; with a colon it would be left out.
    list = curl_slist_append(list, std::string(name).append(value.empty() ? ";" : ": ").append(value).c_str());
  }
  // Who does not know that it waits would cost a second.
  list = curl_slist_append(list, "Expect:");
  return {list, curl_slist_free_all};
}

/// The method, and what is sent. GET, POST and a PUT of a file are what the library does by itself; then it knows what
/// becomes of a POST that is redirected.
void Exchange::giveBody() {
  CURL* const curl = curl_.get();
  if (request_.file) {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.file->bytes));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, giveFile);
    curl_easy_setopt(curl, CURLOPT_READDATA, this);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, seekFile);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, this);
  } else if (request_.body || request_.method == "POST") {
    static const std::string nothing;
    const std::string& sent = request_.body ? *request_.body : nothing;
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(sent.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent.data());
  }
  if (request_.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  const std::string usual = request_.file ? "PUT" : request_.body || request_.method == "POST" ? "POST" : "GET";
  if (request_.method != usual) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

std::string Exchange::header(const char* name) const {
  curl_header* found = nullptr;
  const bool isThere = curl_easy_header(curl_.get(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
  return isThere ? found->value : "";
}

int Exchange::status() const {
  long status = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

void Exchange::begin() {
  if (hasBegun_) return;
  hasBegun_ = true;
  HttpHead head{status(), header("Content-Type"), header("ETag"), header("Content-Range"), {}};
  curl_off_t length = -1;
  if (curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK && length >= 0)
    head.length = static_cast<std::uint64_t>(length);
  reader_.begin(head);
}

std::size_t Exchange::takeBody(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.lastByte_ = SteadyClock::now();
  exchange.begin();
  exchange.isRejected_ = !exchange.reader_.take({bytes, size * count});
  return exchange.isRejected_ ? CURL_WRITEFUNC_ERROR : size * count;
}

std::size_t Exchange::takeHeader(char*, std::size_t size, std::size_t count, void* user) {
  static_cast<Exchange*>(user)->lastByte_ = SteadyClock::now();
  return size * count;
}

std::size_t Exchange::giveFile(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const HttpFileBody& file = *exchange.request_.file;
  exchange.lastByte_ = SteadyClock::now();
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size * count, file.bytes - exchange.sent_));
  ssize_t given = 0;
  do given = ::pread(file.descriptor, bytes, wanted, static_cast<off_t>(file.offset + exchange.sent_));
  while (given < 0 && errno == EINTR);
  // A file that has become shorter is none that could be sent.
  if (given < 0 || (given == 0 && wanted > 0)) {
    exchange.fileErrno_ = given < 0 ? errno : ENODATA;
    return CURL_READFUNC_ABORT;
  }
  exchange.sent_ += static_cast<std::uint64_t>(given);
  if (file.sent) file.sent(exchange.sent_);
  return static_cast<std::size_t>(given);
}

/// For a request that has to be sent again, to where it was redirected.
int Exchange::seekFile(void* user, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Exchange*>(user)->sent_ = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

bool Exchange::isIdle() const {
  const auto idle = std::chrono::milliseconds(request_.idleMillis);
  return idle.count() > 0 && SteadyClock::now() - lastByte_ > idle;
}

HttpEnd Exchange::idleEnd() const {
  HttpEnd end;
  end.status = status();
  end.sentence = "nothing came for " + std::to_string(request_.idleMillis) + " ms";
  return end;
}

HttpEnd Exchange::end(CURLcode code) {
  if (code == CURLE_OK) begin();  // of an answer without a body
  HttpEnd end;
  end.status = status();
  end.range = header("Range");
  curl_off_t seconds = 0;
  if (curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
    end.retryAfterMillis = static_cast<std::int64_t>(seconds) * 1000;
  if (code == CURLE_OK) {
    end.why = HttpEnd::Why::answered;
    return end;
  }
  end.sentence = said_[0] != '\0' ? said_ : curl_easy_strerror(code);
  if (isRejected_) {
    end.why = HttpEnd::Why::rejected;
  } else if (fileErrno_ != 0) {
    end.why = HttpEnd::Why::refused;
    end.sentence = std::string("the file cannot be read to its end: ") + std::strerror(fileErrno_);
  } else if (isOfRequest(code)) {
    end.why = HttpEnd::Why::refused;
  }
  return end;
}

}  // namespace v1
}  // namespace callsheet
