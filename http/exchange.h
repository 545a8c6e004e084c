#pragma once
#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "http/http_request.h"

// Of this folder's own: includes the HTTP library.
namespace callsheet {
inline namespace v1 {

/// One exchange as the library carries it out. Single-threaded.
class Exchange {
 public:
  /// Request and reader stay the caller's. Throws Error(unavailable) when the library does not begin.
  Exchange(const HttpRequestOut& request, HttpAnswerReader& reader);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Ready to be performed.
  [[nodiscard]] CURL* handle() const { return curl_.get(); }
  /// Whether nothing has come or gone for longer than the request allows.
  [[nodiscard]] bool isIdle() const;
  /// Once it was performed, with this code.
  [[nodiscard]] HttpEnd end(CURLcode code);
  /// Of one that was left because it is idle.
  [[nodiscard]] HttpEnd idleEnd() const;

 private:
  using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;
  using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;
  [[nodiscard]] static Headers headersOf(const HttpRequestOut& request);
  [[nodiscard]] std::string header(const char* name) const;
  [[nodiscard]] int status() const;
  void begin();
  void giveBody();

  // What the library calls.
  static std::size_t takeBody(char* bytes, std::size_t size, std::size_t count, void* user);
  static std::size_t takeHeader(char* bytes, std::size_t size, std::size_t count, void* user);
  static std::size_t giveFile(char* bytes, std::size_t size, std::size_t count, void* user);
  static int seekFile(void* user, curl_off_t offset, int origin);

  const HttpRequestOut& request_;
  HttpAnswerReader& reader_;
  const Handle curl_;
  const Headers headers_;
  char said_[CURL_ERROR_SIZE] = "";
  std::chrono::steady_clock::time_point lastByte_ = std::chrono::steady_clock::now();
  bool hasBegun_ = false;
  bool isRejected_ = false;
  std::uint64_t sent_ = 0;  // of the file
  int fileErrno_ = 0;
};

}  // namespace v1
}  // namespace callsheet
