#include "shim/task_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "shim/clocks.h"
#include "shim/line.h"

namespace callsheet {
inline namespace v1 {

namespace {

bool setLock(int file, LockedByte byte, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(byte);
  range.l_len = 1;
  return ::fcntl(file, F_OFD_SETLK, &range) == 0;
}

/// The number behind the word with which a line of the file begins; 0 if it does not.
std::uint32_t numberBehind(std::string_view word, int file, off_t at) {
  char line[32];
  const ssize_t size = ::pread(file, line, sizeof line - 1, at);
  if (size <= 0) return 0;
  line[size] = '\0';
  if (std::strncmp(line, word.data(), word.size()) != 0) return 0;
  return static_cast<std::uint32_t>(std::strtoul(line + word.size(), nullptr, 10));
}

/// An attempt that was given up, or is not the latest any more.
bool isSuperseded(int file, std::uint32_t attempt) {
  return numberBehind("void ", file, 0) >= attempt || numberBehind("attempt ", file, voidLineBytes) >= attempt;
}

/// The same file, whatever its name means by now; another open file, so that locks of the one are not the other's.
int openAgain(int file) {
  Name<64> same;
  same << "/proc/self/fd/" << file;
  return ::open(same.zeroed(), O_RDWR | O_CLOEXEC);
}

}  // namespace

ShimStep takeTaskLock(int directory, const TaskSpec& spec, TaskLock& lock) {
  lock.tree = spec.isLockGiven ? openAgain(shimDescriptor::lock)
                               : ::openat(directory, taskFile::lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock.tree < 0) return ShimStep::files;
  lock.own = openAgain(lock.tree);
  if (lock.own < 0) return ShimStep::files;
  const std::int64_t until = bootNanos() + spec.patienceMillis * 1'000'000;
  for (;;) {
    if (setLock(lock.own, LockedByte::shim, F_WRLCK)) {
      if (setLock(lock.tree, LockedByte::tree, F_WRLCK)) break;
      setLock(lock.own, LockedByte::shim, F_UNLCK);
    }
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) return ShimStep::files;
    if (isSuperseded(lock.tree, spec.attempt)) return ShimStep::superseded;
    if (bootNanos() >= until) return ShimStep::locked;
    ::poll(nullptr, 0, 2);
  }
  return isSuperseded(lock.tree, spec.attempt) ? ShimStep::superseded : ShimStep::running;
}

bool writeTaskRecord(int lock, const TaskSpec& spec, const ShimRecord& record) {
  Line<recordLineBytes> line;
  line << "attempt " << spec.attempt << " exec " << spec.exec << " shim " << record.shim << " "
       << static_cast<std::int64_t>(record.shimStart) << " leader " << record.leader << " "
       << static_cast<std::int64_t>(record.leaderStart) << " boot " << spec.boot << " end " << record.end << " "
       << record.code << " " << record.finishedAt << " ";
  const ssize_t size = ::pwrite(lock, line.fill().data(), recordLineBytes, voidLineBytes);
  if (size >= 0 && size != static_cast<ssize_t>(recordLineBytes)) errno = ENOSPC;
  return size == static_cast<ssize_t>(recordLineBytes);
}

}  // namespace v1
}  // namespace callsheet
