#include "api/listening_socket.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "callsheet/errors.h"
#include "callsheet/uuid.h"
#include "core/fork_generation.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr int backlog = 1024;
constexpr std::string_view temporaryPrefix = ".listen-";

// Only the loopback forms; a host name would ask a resolver.
struct Loopback {
  bool isSix = false;
  std::uint16_t port = 0;
};

std::optional<Loopback> parseLoopback(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = address.substr(0, colon);
  const std::string_view port = address.substr(colon + 1);
  Loopback loopback;
  loopback.isSix = host == "[::1]";
  if (!loopback.isSix && host != "127.0.0.1" && host != "localhost") return std::nullopt;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), loopback.port);
  if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  return loopback;
}

struct TcpName {
  union {
    sockaddr any;
    sockaddr_in four;
    sockaddr_in6 six;
  };
  socklen_t length = 0;
};

TcpName tcpNameOf(const Loopback& loopback) {
  TcpName name{};
  if (loopback.isSix) {
    name.six.sin6_family = AF_INET6;
    name.six.sin6_addr = in6addr_loopback;
    name.six.sin6_port = htons(loopback.port);
    name.length = sizeof name.six;
  } else {
    name.four.sin_family = AF_INET;
    name.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.four.sin_port = htons(loopback.port);
    name.length = sizeof name.four;
  }
  return name;
}

FileDescriptor openSocket(int family) {
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.isOpen()) throw systemError("cannot create a socket for HTTP", errno);
  return socket;
}

// Through /proc/self/fd: a store's own path may be longer than the 107 bytes that an address holds.
sockaddr_un unixNameOf(const StoreDirectory& store, std::string_view name) {
  const std::string path = store.shortPath(name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.find('/') != std::string_view::npos || path.size() >= sizeof address.sun_path)
    throw Error(ErrorKind::invalid, "'" + std::string(name) + "' cannot name a socket; use a short name without '/'");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Nothing or what a dead server left may be replaced.
void requireReplaceable(const StoreDirectory& store, const std::string& name) {
  struct stat status {};
  if (::fstatat(store.descriptor(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (!S_ISSOCK(status.st_mode))
    throw Error(ErrorKind::invalid, store.path(name) + " is there and is no socket; remove it or use another name");
  const FileDescriptor probe = openSocket(AF_UNIX);
  const sockaddr_un address = unixNameOf(store, name);
  const int result = ::connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result == 0 || errno == EAGAIN)  // EAGAIN: its queue is full, so somebody listens
    throw Error(ErrorKind::conflict, "another process listens at " + store.path(name));
  if (errno != ECONNREFUSED && errno != ENOENT)
    throw systemError("cannot replace the socket " + store.path(name), errno);
}

// What processes left that were killed between binding and naming. A minute is far more than that takes.
void removeAbandoned(const StoreDirectory& store) {
  const int opened = ::openat(store.descriptor(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(opened), ::closedir);
  if (!directory) {
    ::close(opened);
    return;
  }
  while (const dirent* entry = ::readdir(directory.get())) {
    struct stat status {};
    if (!std::string_view(entry->d_name).starts_with(temporaryPrefix)) continue;
    if (::fstatat(opened, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (status.st_mtim.tv_sec + 60 < ::time(nullptr)) ::unlinkat(opened, entry->d_name, 0);
  }
}

}  // namespace

// Bound and listening under a temporary name and then moved: a file at its final name that refuses must be a dead one.
ListeningSocket ListeningSocket::unixSocket(const StoreDirectory& store, std::string_view name) {
  const std::string path(name);
  static_cast<void>(unixNameOf(store, path));
  requireReplaceable(store, path);
  removeAbandoned(store);
  ListeningSocket made;
  made.socket_ = openSocket(AF_UNIX);
  const std::string temporary = std::string(temporaryPrefix) + Uuid::makeV4().toString();
  const sockaddr_un address = unixNameOf(store, temporary);
  if (::bind(made.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw systemError("cannot bind the socket " + store.path(name), errno);
  made.name_ = temporary;
  made.forkGeneration_ = forkGeneration();
  made.directory_ = FileDescriptor(::fcntl(store.descriptor(), F_DUPFD_CLOEXEC, 0));
  struct stat status {};
  // The mode: whatever the umask took or left.
  if (!made.directory_.isOpen() || ::fchmodat(store.descriptor(), temporary.c_str(), 0600, 0) != 0 ||
      ::fstatat(store.descriptor(), temporary.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::listen(made.number(), backlog) != 0)
    throw systemError("cannot listen at " + store.path(name), errno);
  made.inode_ = status.st_ino;
  if (::renameat(store.descriptor(), temporary.c_str(), store.descriptor(), path.c_str()) != 0)
    throw systemError("cannot put the socket at " + store.path(name), errno);
  made.name_ = path;
  return made;
}

void ListeningSocket::checkTcpAddress(const std::string& address) {
  if (!parseLoopback(address))
    throw Error(ErrorKind::usage, "'" + address +
                                      "' is no address to listen at: HTTP is for this machine alone, so use "
                                      "127.0.0.1:PORT, localhost:PORT or [::1]:PORT");
}

ListeningSocket ListeningSocket::tcpSocket(const std::string& address) {
  checkTcpAddress(address);
  const auto loopback = parseLoopback(address);
  ListeningSocket made;
  made.socket_ = openSocket(loopback->isSix ? AF_INET6 : AF_INET);
  const int yes = 1;  // else the port would stay taken for a minute after each stop
  ::setsockopt(made.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  TcpName name = tcpNameOf(*loopback);
  // Two may bind with SO_REUSEADDR before either listens, and then listen() refuses.
  if (::bind(made.number(), &name.any, name.length) != 0 || ::listen(made.number(), backlog) != 0) {
    if (errno == EADDRINUSE)
      throw Error(ErrorKind::conflict, "another process listens at " + address + "; stop it or use another port");
    throw systemError("cannot listen at " + address, errno);
  }
  if (::getsockname(made.number(), &name.any, &name.length) != 0)
    throw systemError("cannot ask for the port of " + address, errno);
  made.address_ = loopback->isSix ? "[::1]:" + std::to_string(ntohs(name.six.sin6_port))
                                  : "127.0.0.1:" + std::to_string(ntohs(name.four.sin_port));
  return made;
}

ListeningSocket::~ListeningSocket() {
  struct stat status {};
  if (!directory_.isOpen() || forkGeneration_ != forkGeneration()) return;
  if (::fstatat(directory_.number(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (inode_ == 0 || status.st_ino == inode_) ::unlinkat(directory_.number(), name_.c_str(), 0);
}

}  // namespace v1
}  // namespace callsheet
