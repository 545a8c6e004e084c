#include "ipc/ofd_lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct flock wholeFile(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

[[noreturn]] void throwCannotLock(int errnoValue) {
  throw systemError("the kernel refused a lock; the store must be on a local filesystem of Linux 3.15 or newer",
                    errnoValue);
}

}  // namespace

OfdLock OfdLock::open(int directory, const std::string& path) {
  auto file = ForkGuardedDescriptor::open(
      [&] { return ::openat(directory, path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600); });
  if (!file.isOpen()) throw systemError("cannot open the lock file " + path, errno);
  return OfdLock(std::move(file));
}

OfdLock& OfdLock::operator=(OfdLock&& other) noexcept {
  if (this != &other) {
    unlock();
    file_ = std::move(other.file_);
    held_ = std::exchange(other.held_, false);
  }
  return *this;
}

bool OfdLock::tryLock() {
  if (held_) return true;
  struct flock range = wholeFile(F_WRLCK);
  if (::fcntl(file_.number(), F_OFD_SETLK, &range) == 0) return held_ = true;
  if (errno != EAGAIN && errno != EACCES) throwCannotLock(errno);
  return false;
}

bool OfdLock::lockWithin(std::chrono::nanoseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (unsigned attempt = 0;; ++attempt) {
    const auto left = until - std::chrono::steady_clock::now();
    const auto delay = std::min<std::chrono::nanoseconds>(retryDelay(attempt), left);
    if (delay > delay.zero()) std::this_thread::sleep_for(delay);
    if (tryLock()) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
  }
}

void OfdLock::lock() {
  while (!held_) {
    struct flock range = wholeFile(F_WRLCK);
    if (::fcntl(file_.number(), F_OFD_SETLKW, &range) == 0)
      held_ = true;
    else if (errno != EINTR)
      throwCannotLock(errno);
  }
}

void OfdLock::unlock() noexcept {
  if (!std::exchange(held_, false)) return;
  // Closing alone would leave the lock to a child that stands between vfork and exec.
  struct flock range = wholeFile(F_UNLCK);
  ::fcntl(file_.number(), F_OFD_SETLK, &range);
}

bool OfdLock::isAt(const std::string& path) const {
  struct stat ours {};
  struct stat named {};
  return ::fstat(file_.number(), &ours) == 0 && ::lstat(path.c_str(), &named) == 0 && named.st_ino == ours.st_ino &&
         named.st_dev == ours.st_dev;
}

bool OfdLock::isLockedByOther(int descriptor) {
  struct flock range = wholeFile(F_WRLCK);
  if (::fcntl(descriptor, F_OFD_GETLK, &range) != 0) throwCannotLock(errno);
  return range.l_type != F_UNLCK;
}

std::chrono::milliseconds retryDelay(unsigned attempt) {
  static constexpr std::array<int, 6> delays{0, 1, 2, 5, 10, 20};
  return std::chrono::milliseconds(delays[std::min<std::size_t>(attempt, delays.size() - 1)]);
}

}  // namespace v1
}  // namespace callsheet
