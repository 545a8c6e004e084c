#include "ipc/doorbell.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "callsheet/errors.h"
#include "core/crash_point.h"
#include "ipc/boot_clock.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view suffix = ".bell";
constexpr std::string_view observerPrefix = "w-";
constexpr std::string_view executorPrefix = "x-";
constexpr std::string_view temporaryPrefix = ".new-";
constexpr std::string_view principalName = "principal.bell";
constexpr std::int64_t namesKeptNanos = 1'000'000'000;
constexpr std::size_t keptMax = 64;  // descriptors

std::string bellOf(const std::string& name) {
  return name + std::string(suffix);
}
std::string below(std::string_view name) {
  return std::string(StoreDirectory::bells) + "/" + std::string(name);
}
std::string executorsBellOf(IncarnationID incarnation) {
  return bellOf(std::string(executorPrefix) + incarnation.toString());
}

struct Address {
  sockaddr_un name{};
  socklen_t length = 0;
};

// Through /proc/self/fd: a store's own path may be longer than the 107 bytes that an address holds.
Address addressOf(const StoreDirectory& store, const std::string& name) {
  const std::string path = store.shortPath(below(name));
  Address address;
  address.name.sun_family = AF_UNIX;
  // Our own names all fit; what stands in the directory besides may not.
  if (path.size() >= sizeof address.name.sun_path) return address;
  std::memcpy(address.name.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

int openSocket() {
  return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

// EAGAIN: its queue is full of rings that it has not drained yet, so it will look.
bool isHeard(int connected) {
  return ::send(connected, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 || errno == EAGAIN;
}

std::vector<std::string> listNames(const StoreDirectory& store) {
  std::vector<std::string> names;
  const int opened =
      ::openat(store.descriptor(), StoreDirectory::bells, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(opened), ::closedir);
  if (!directory) {
    ::close(opened);
    return names;
  }
  while (const dirent* entry = ::readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

// Of what lies in the directory, only bells.
std::vector<std::string> listBells(const StoreDirectory& store) {
  auto names = listNames(store);
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(suffix) || name.front() == '.'; });
  return names;
}

// What processes left that were killed between binding and naming. A minute is far more than that takes.
void removeAbandoned(const StoreDirectory& store) {
  for (const std::string& name : listNames(store)) {
    struct stat status {};
    if (!name.starts_with(temporaryPrefix)) continue;
    if (::fstatat(store.descriptor(), below(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (status.st_mtim.tv_sec + 60 < ::time(nullptr)) ::unlinkat(store.descriptor(), below(name).c_str(), 0);
  }
}

// 0, or an errno. Incarnations are used once, so a filesystem that cannot refuse to replace does no harm.
int rename(const StoreDirectory& store, const std::string& from, const std::string& to, bool replace) {
  const int parent = store.descriptor();
  if (!replace && ::renameat2(parent, from.c_str(), parent, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (!replace && errno != EINVAL) return errno;
  return ::renameat(parent, from.c_str(), parent, to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

DoorbellSocket DoorbellSocket::bind(const StoreDirectory& store, IncarnationID incarnation) {
  return bindAt(store, bellOf(incarnation.toString()), false);
}

DoorbellSocket DoorbellSocket::bindExecutor(const StoreDirectory& store, IncarnationID incarnation) {
  DoorbellSocket bell = bind(store, incarnation);
  const std::string second = below(executorsBellOf(incarnation));
  const int parent = store.descriptor();
  if (::linkat(parent, bell.path_.c_str(), parent, second.c_str(), 0) != 0)
    throw systemError("cannot put a doorbell at " + store.path(second), errno);
  bell.secondPath_ = second;
  return bell;
}

DoorbellSocket DoorbellSocket::bindPrincipal(const StoreDirectory& store, const PrincipalLock&) {
  removeAbandoned(store);
  return bindAt(store, std::string(principalName), true);
}

DoorbellSocket DoorbellSocket::bindObserver(const StoreDirectory& store) {
  return bindAt(store, bellOf(std::string(observerPrefix) + Uuid::makeV4().toString()), false);
}

// Bound under a temporary name and then moved: between the making of a socket's file and its binding the kernel refuses
// senders, and a file at its final name that refuses must be a dead one.
DoorbellSocket DoorbellSocket::bindAt(const StoreDirectory& store, const std::string& name, bool replace) {
  DoorbellSocket bell(store);
  bell.socket_ = ForkGuardedDescriptor::open(openSocket);
  if (!bell.socket_.isOpen()) throw systemError("cannot create a socket for a doorbell", errno);
  const std::string temporary = std::string(temporaryPrefix) + Uuid::makeV4().toString();
  const Address address = addressOf(store, temporary);
  if (::bind(bell.socket_.number(), reinterpret_cast<const sockaddr*>(&address.name), address.length) != 0)
    throw systemError("cannot bind a doorbell in " + store.path(StoreDirectory::bells), errno);
  crashPoint("bell.bound");
  struct stat status {};
  ::fchmodat(store.descriptor(), below(temporary).c_str(), 0600, 0);  // whatever the umask took
  ::fstatat(store.descriptor(), below(temporary).c_str(), &status, AT_SYMLINK_NOFOLLOW);
  const std::string path = below(name);
  if (const int error = rename(store, below(temporary), path, replace); error != 0) {
    ::unlinkat(store.descriptor(), below(temporary).c_str(), 0);
    if (error == EEXIST)
      throw Error(ErrorKind::conflict, "there is a bell " + name + " already; make a new incarnation");
    throw systemError("cannot put a doorbell at " + store.path(path), error);
  }
  bell.path_ = path;
  bell.inode_ = status.st_ino;
  return bell;
}

DoorbellSocket& DoorbellSocket::operator=(DoorbellSocket&& other) noexcept {
  if (this != &other) {
    close();
    store_ = other.store_;
    forkGeneration_ = other.forkGeneration_;
    socket_ = std::move(other.socket_);
    path_ = std::move(other.path_);
    secondPath_ = std::move(other.secondPath_);
    inode_ = other.inode_;
  }
  return *this;
}

bool DoorbellSocket::drain() {
  bool rung = false;
  // The kernel queues about ten; the bound is for somebody who rings without end. What is left makes it readable again.
  for (int ring = 0; ring < 256; ++ring) {
    char sign = 0;
    if (::recv(socket_.number(), &sign, 1, MSG_DONTWAIT) < 0 && errno != EINTR) break;
    rung = true;
  }
  return rung;
}

void DoorbellSocket::close() noexcept {
  if (!socket_.isOpen()) return;
  struct stat status {};
  for (const std::string* path : {&path_, &secondPath_})
    if (!path->empty() && forkGeneration_ == forkGeneration() &&
        ::fstatat(store_->descriptor(), path->c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_ino == inode_)
      ::unlinkat(store_->descriptor(), path->c_str(), 0);
  socket_.close();
}

std::string principalBell() {
  return below(principalName);
}

void removeBell(const StoreDirectory& store, IncarnationID dead) {
  ::unlinkat(store.descriptor(), below(bellOf(dead.toString())).c_str(), 0);
  ::unlinkat(store.descriptor(), below(executorsBellOf(dead)).c_str(), 0);
}

void SocketDoorbell::ring(IncarnationID incarnation) noexcept {
  if (!incarnation.isNil()) {
    send(bellOf(incarnation.toString()));
    return;
  }
  // The principal's queue is the executors' too.
  ringPrincipal();
  ringListed([](const std::string& name) { return name.starts_with(executorPrefix); });
}

void SocketDoorbell::ringPrincipal() noexcept {
  send(std::string(principalName));
}

void SocketDoorbell::ringAll() noexcept {
  ringListed([](const std::string&) { return true; });
}

void SocketDoorbell::ringObservers() noexcept {
  ringListed([](const std::string& name) { return name.starts_with(observerPrefix); });
}

SocketDoorbell::Heard SocketDoorbell::send(const std::string& name) {
  const Heard heard = sendThroughKept(name);
  return heard == Heard::unknown ? connectAndSend(name) : heard;
}

// Unknown when none is kept or the one that is kept leads to nobody any more: a bell of that name may be another now.
SocketDoorbell::Heard SocketDoorbell::sendThroughKept(const std::string& name) {
  const std::lock_guard lock(keptMutex_);
  const auto kept = kept_.find(name);
  if (kept == kept_.end()) return Heard::unknown;
  if (isHeard(kept->second.number())) return Heard::yes;
  kept_.erase(kept);
  return Heard::unknown;
}

SocketDoorbell::Heard SocketDoorbell::connectAndSend(const std::string& name) {
  const Address address = addressOf(store_, name);
  if (address.length == 0) return Heard::unknown;
  FileDescriptor socket(openSocket());
  const auto* to = reinterpret_cast<const sockaddr*>(&address.name);
  if (!socket.isOpen() || ::connect(socket.number(), to, address.length) != 0 || !isHeard(socket.number()))
    return errno == ECONNREFUSED ? Heard::nobody : Heard::unknown;
  const std::lock_guard lock(keptMutex_);
  if (kept_.size() >= keptMax) kept_.clear();
  kept_.insert_or_assign(name, std::move(socket));
  return Heard::yes;
}

void SocketDoorbell::ringListed(const std::function<bool(const std::string&)>& wanted) {
  const auto all = names();
  for (const std::string& name : *all) {
    if (!wanted(name) || send(name) != Heard::nobody) continue;
    // An incarnation's or observer's name is used once, so who refuses is dead for ever. The principal's is not: its
    // bell is replaced by the next holder of principal.lock alone.
    if (name != principalName) ::unlinkat(store_.descriptor(), below(name).c_str(), 0);
  }
}

std::shared_ptr<const SocketDoorbell::Names> SocketDoorbell::names() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = nowNanos();
  if (names_ == nullptr || now - namesReadAt_ >= namesKeptNanos) {
    names_ = std::make_shared<const Names>(listBells(store_));
    namesReadAt_ = now;
  }
  return names_;
}

}  // namespace v1
}  // namespace callsheet
