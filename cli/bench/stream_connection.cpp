#include "cli/bench/stream_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "callsheet/errors.h"
#include "cli/bench/bench_child.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr int patienceMillis = 60'000;
constexpr std::size_t pieceBytes = std::size_t{64} << 10;
}  // namespace

StreamConnection::StreamConnection(const std::string& socketPath)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (!socket_.isOpen()) throw systemError("a socket cannot be made", errno);
  // Through /proc/self/fd: the path may be longer than the 107 bytes that an address holds.
  const std::filesystem::path path(socketPath);
  const FileDescriptor directory(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.isOpen()) throw systemError("there is no " + path.parent_path().string(), errno);
  const std::string name = "/proc/self/fd/" + std::to_string(directory.number()) + "/" + path.filename().string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path) throw Error(ErrorKind::usage, name + " is too long for a socket");
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  if (::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw systemError("nobody answers at " + socketPath, errno);
  ::fcntl(socket_.number(), F_SETFL, O_NONBLOCK);
}

void StreamConnection::send(std::string_view text) {
  unsent_.append(text);
  flush();
}

void StreamConnection::flush() {
  while (hasUnsent()) {
    const ssize_t count =
        ::send(socket_.number(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      throw BenchFailure(std::string("a server of the bench hung up: ") + std::strerror(errno));
    }
  }
  unsent_.clear();
  sent_ = 0;
}

short StreamConnection::interest() const {
  return static_cast<short>(POLLIN | (hasUnsent() ? POLLOUT : 0));
}

void StreamConnection::receive() {
  std::array<char, pieceBytes> piece;
  for (;;) {
    const ssize_t count = ::recv(socket_.number(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (count > 0) {
      received_.append(piece.data(), static_cast<std::size_t>(count));
      if (static_cast<std::size_t>(count) < piece.size()) return;
    } else if (count == 0) {
      throw BenchFailure("a server of the bench hung up");
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      throw BenchFailure(std::string("a server of the bench hung up: ") + std::strerror(errno));
    }
  }
}

void StreamConnection::take(std::size_t bytes) {
  taken_ += bytes;
  if (taken_ < received_.size()) return;
  received_.clear();
  taken_ = 0;
}

void StreamConnection::awaitMore() {
  pollfd watched{descriptor(), interest(), 0};
  const int ready = ::poll(&watched, 1, patienceMillis);
  throwIfInterrupted();
  if (ready == 0) throw BenchFailure("a server of the bench did not answer in time");
  if ((watched.revents & POLLOUT) != 0) flush();
  if ((watched.revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive();
}

}  // namespace v1
}  // namespace callsheet
