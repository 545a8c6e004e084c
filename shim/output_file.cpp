#include "shim/output_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "shim/line.h"
#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

namespace {
char buffer[64 << 10];
}

bool OutputFile::open(int directory, const char* name, std::uint32_t attempt, std::uint64_t max) {
  directory_ = directory;
  name_ = name;
  max_ = max;
  if (attempt > 1) {
    Name<96> before;
    before << name << "." << (attempt - 1);
    if (::renameat(directory, name, directory, before.zeroed()) != 0 && errno != ENOENT) return false;
  }
  const int file = ::openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  int ends[2];
  if (file < 0 || ::pipe2(ends, O_CLOEXEC) != 0) return false;
  begin(file);
  readEnd_ = ends[0];
  commandEnd_ = ends[1];
  return ::fcntl(readEnd_, F_SETFL, O_NONBLOCK) == 0;
}

void OutputFile::closeCommandEnd() {
  if (commandEnd_ >= 0) ::close(commandEnd_);
  commandEnd_ = -1;
}

bool OutputFile::pump() {
  if (readEnd_ < 0) return false;
  const ssize_t size = ::read(readEnd_, buffer, sizeof buffer);
  if (size > 0) {
    write(buffer, static_cast<std::uint64_t>(size));
    return true;
  }
  if (size < 0 && errno == EINTR) return true;
  if (size < 0 && errno == EAGAIN) return false;
  ::close(readEnd_);
  readEnd_ = -1;
  return false;
}

void OutputFile::write(const char* data, std::uint64_t size) {
  total_ += size;
  if (size_ > 0 && size_ + size > max_ / 2) rotate();
  while (size > 0) {
    const ssize_t done = ::write(file_, data, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      lost_ += size;
      return;
    }
    data += done;
    size -= static_cast<std::uint64_t>(done);
    size_ += static_cast<std::uint64_t>(done);
  }
}

void OutputFile::rotate() {
  Name<96> before;
  before << name_ << taskFile::rotatedEnding;
  if (::renameat(directory_, name_, directory_, before.zeroed()) != 0) return;
  const int next = ::openat(directory_, name_, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  cut_ += rotated_;
  rotated_ = size_;
  size_ = 0;
  // Without another one the old file goes on under its new name.
  if (next < 0) return;
  ::close(file_);
  begin(next);
  hasRotated_ = true;
}

void OutputFile::begin(int file) {
  file_ = file;
  struct stat facts {};
  inode_ = ::fstat(file, &facts) == 0 ? facts.st_ino : 0;
}

}  // namespace v1
}  // namespace callsheet
