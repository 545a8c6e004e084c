#pragma once
#include <poll.h>
#include <sys/socket.h>

#include <map>
#include <string>
#include <string_view>

#include "ipc/file_descriptor.h"
#include "ipc/store_paths.h"

namespace callsheet::tests {

/// An answer as it came; header names in lower case. status 0: none came.
struct HttpReply {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string("(none)") : found->second;
  }
};

/// A socket to a server, for tests that say byte for byte what is sent. Waits for at most 20 s.
class HttpClient {
 public:
  [[nodiscard]] static HttpClient toUnix(const StoreDirectory& store, const std::string& name);
  /// "127.0.0.1:PORT" or "[::1]:PORT".
  [[nodiscard]] static HttpClient toTcp(const std::string& address);

  [[nodiscard]] bool isConnected() const { return socket_.isOpen(); }
  /// False when the server closed it.
  bool send(std::string_view bytes);
  /// The next answer; `hasBody` false for an answer to HEAD.
  [[nodiscard]] HttpReply read(bool hasBody = true);
  /// Takes what comes until that has; false when it does not. For answers in chunks.
  [[nodiscard]] bool readText(std::string_view text);
  /// `send` and `read` of a request with Host and Content-Length.
  [[nodiscard]] HttpReply ask(const std::string& method, const std::string& target, const std::string& body = {},
                              const std::string& headers = {});
  /// Waits for the server's end of it; false when more bytes come or nothing does.
  [[nodiscard]] bool isClosedByServer();
  /// Takes up to so many bytes of an answer and forgets them; returns how many, 0 when the server closed it.
  std::size_t skip(std::size_t bytes);
  void hangUp() { socket_.close(); }
  [[nodiscard]] bool hasBytes(int milliseconds) const {
    pollfd asked{socket_.number(), POLLIN, 0};
    return ::poll(&asked, 1, milliseconds) > 0;
  }

 private:
  [[nodiscard]] bool receive();
  FileDescriptor socket_;
  std::string received_;
};

/// METHOD TARGET HTTP/1.1 with Host, Content-Length when there is a body, and more headers, each ended by CR LF.
[[nodiscard]] std::string requestText(const std::string& method, const std::string& target,
                                      const std::string& body = {}, const std::string& headers = {});

}  // namespace callsheet::tests
