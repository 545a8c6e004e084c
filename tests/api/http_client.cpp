#include "tests/api/http_client.h"

#include <netinet/in.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstring>
#include <stdexcept>

namespace callsheet::tests {

namespace {
FileDescriptor connected(const sockaddr* address, socklen_t size) {
  FileDescriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{20, 0};
  ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket.number(), address, size) != 0) return {};
  return socket;
}
std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}
}  // namespace

HttpClient HttpClient::toUnix(const StoreDirectory& store, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = store.shortPath(name);
  std::memcpy(address.sun_path, path.data(), path.size());
  HttpClient client;
  client.socket_ = connected(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return client;
}

HttpClient HttpClient::toTcp(const std::string& address) {
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  HttpClient client;
  if (address.front() == '[') {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    six.sin6_port = htons(port);
    client.socket_ = connected(reinterpret_cast<const sockaddr*>(&six), sizeof six);
  } else {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    four.sin_port = htons(port);
    client.socket_ = connected(reinterpret_cast<const sockaddr*>(&four), sizeof four);
  }
  return client;
}

bool HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpClient::receive() {
  char bytes[16384];
  const ssize_t count = ::recv(socket_.number(), bytes, sizeof bytes, 0);
  if (count > 0) received_.append(bytes, static_cast<std::size_t>(count));
  return count > 0;
}

HttpReply HttpClient::read(bool hasBody) {
  HttpReply reply;
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos)
    if (!receive()) return reply;
  std::string head = received_.substr(0, end + 2);
  received_.erase(0, end + 4);
  const int status = std::stoi(head.substr(head.find(' ') + 1));
  head.erase(0, head.find("\r\n") + 2);
  while (!head.empty()) {
    const std::string line = head.substr(0, head.find("\r\n"));
    head.erase(0, line.size() + 2);
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos) reply.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
  }
  const std::size_t length =
      hasBody && reply.headers.contains("content-length") ? std::stoul(reply.headers["content-length"]) : 0;
  while (received_.size() < length)
    if (!receive()) return reply;
  reply.status = status;
  reply.body = received_.substr(0, length);
  received_.erase(0, length);
  return reply;
}

bool HttpClient::readText(std::string_view text) {
  std::size_t at = 0;
  while ((at = received_.find(text)) == std::string::npos)
    if (!receive()) return false;
  received_.erase(0, at + text.size());
  return true;
}

HttpReply HttpClient::ask(const std::string& method, const std::string& target, const std::string& body,
                          const std::string& headers) {
  send(requestText(method, target, body, headers));
  return read(method != "HEAD");
}

bool HttpClient::isClosedByServer() {
  char byte = 0;
  const ssize_t count = ::recv(socket_.number(), &byte, 1, 0);
  return received_.empty() && (count == 0 || (count < 0 && errno == ECONNRESET));
}

std::size_t HttpClient::skip(std::size_t bytes) {
  std::string some(bytes, '\0');
  const ssize_t count = ::recv(socket_.number(), some.data(), bytes, 0);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::string requestText(const std::string& method, const std::string& target, const std::string& body,
                        const std::string& headers) {
  return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body;
}

}  // namespace callsheet::tests
