#include "jobs/output_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "callsheet/errors.h"
#include "jobs/task_status.h"
#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t pieceBytes = 64u << 10;
constexpr std::chrono::seconds statusPatience{1};

FileDescriptor openIn(const FileDescriptor& directory, const std::string& name) {
  if (!directory.isOpen()) return {};
  return FileDescriptor(::openat(directory.number(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

struct stat factsOf(const FileDescriptor& file) {
  struct stat facts {};
  if (file.isOpen()) (void)::fstat(file.number(), &facts);
  return facts;
}

std::uint64_t sizeOf(const FileDescriptor& file) {
  return static_cast<std::uint64_t>(factsOf(file).st_size);
}

std::string readAt(const FileDescriptor& file, std::uint64_t at, std::size_t bytes) {
  std::string text(bytes, '\0');
  ssize_t size = 0;
  do size = ::pread(file.number(), text.data(), text.size(), static_cast<off_t>(at));
  while (size < 0 && errno == EINTR);
  if (size < 0) throw systemError("a command's output cannot be read", errno);
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace

OutputReader::OutputReader(const StoreDirectory& store, JobID job, Stream stream)
    : name_(stream == Stream::output ? taskFile::output : taskFile::errors),
      statusName_(shortIDOf(job)),
      isErrors_(stream == Stream::errors),
      path_(std::string(StoreDirectory::tasks) + "/" + job.toString()),
      directory_(::openat(store.descriptor(), path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) {
  seek(0);
}

int OutputReader::descriptor() {
  if (!changes_.isOpen() && directory_.isOpen()) watch();
  return changes_.number();
}

void OutputReader::watch() {
  changes_ = FileDescriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string path = "/proc/self/fd/" + std::to_string(directory_.number());
  if (changes_.isOpen() &&
      ::inotify_add_watch(changes_.number(), path.c_str(), IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) < 0)
    changes_.close();
}

OutputReader::Files OutputReader::open() {
  const auto until = std::chrono::steady_clock::now() + statusPatience;
  for (;;) {
    Files files;
    files.now = openIn(directory_, name_);
    files.old = openIn(directory_, name_ + std::string(taskFile::rotatedEnding));
    const auto status = directory_.isOpen() ? readTaskStatus(directory_.number(), statusName_) : std::nullopt;
    if (!files.now.isOpen() && !files.old.isOpen()) return files;
    // Nothing is rotated before a status is there, and what no shim writes, the stream of an HTTP job, has none.
    if (!status && !files.old.isOpen()) {
      files.end = sizeOf(files.now);
      return files;
    }
    if (status && attempt_ == 0) attempt_ = status->attempt;
    const std::uint64_t inode = status ? (isErrors_ ? status->errorsInode : status->outputInode) : 0;
    files.nowAt = status ? startIn(*status) : 0;
    // The status file follows the start and each rotation at once; until then it speaks of the file before.
    const bool isOfOld = files.old.isOpen() && factsOf(files.old).st_ino == inode;
    if (isOfOld) files.nowAt += sizeOf(files.old);
    files.oldAt = files.nowAt - std::min(sizeOf(files.old), files.nowAt);
    files.end = files.nowAt + sizeOf(files.now);
    const bool isOfNow = status && (!files.old.isOpen() || factsOf(files.now).st_ino == inode);
    if (isOfNow || isOfOld || std::chrono::steady_clock::now() >= until) return files;
    ::poll(nullptr, 0, 2);
  }
}

void OutputReader::seek(std::uint64_t offset) {
  Files files = open();
  const bool isOld = files.old.isOpen() && offset < files.nowAt;
  fileAt_ = isOld ? files.oldAt : files.nowAt;
  file_ = std::move(isOld ? files.old : files.now);
  offset_ = std::min(std::max(offset, fileAt_), files.end);
}

void OutputReader::seekLines(std::size_t lines) {
  Files files = open();
  if (lines == 0) return seek(files.end);
  std::uint64_t at = files.end;
  std::size_t found = 0;
  // Backwards, piece by piece; the line break at the very end begins no line.
  while (at > files.oldAt && found <= lines) {
    const bool isOld = at <= files.nowAt;
    const std::uint64_t begin = isOld ? files.oldAt : files.nowAt;
    const std::uint64_t from = at - std::min<std::uint64_t>(at - begin, pieceBytes);
    std::string piece = readAt(isOld ? files.old : files.now, from - begin, static_cast<std::size_t>(at - from));
    if (at == files.end && !piece.empty() && piece.back() == '\n') piece.pop_back();
    std::size_t place = piece.size();
    while (found < lines && (place = piece.rfind('\n', place == 0 ? std::string::npos : place - 1)) != piece.npos) {
      if (++found == lines) return seek(from + place + 1);
      if (place == 0) break;
    }
    at = from;
  }
  seek(0);
}

bool OutputReader::isRotated() {
  const FileDescriptor now = openIn(directory_, name_);
  if (!now.isOpen() || factsOf(now).st_ino == factsOf(file_).st_ino) return false;
  const auto status = readTaskStatus(directory_.number(), statusName_);
  if (!status) return false;
  if (attempt_ == 0 && !isOfEarlier(*status)) attempt_ = status->attempt;
  // A new attempt begins anew, and is for another reader.
  return status->attempt == attempt_;
}

/// Of a file that was there before its status, which on a busy disk takes its time: every attempt sets the output of
/// the one before aside under that one's number, and leaves what that had rotated until it rotates itself.
bool OutputReader::isOfEarlier(const TaskStatus& status) const {
  const auto isThis = [&](const std::string& name) {
    return factsOf(openIn(directory_, name)).st_ino == factsOf(file_).st_ino;
  };
  const bool isAside = status.attempt > 1 && isThis(name_ + "." + std::to_string(status.attempt - 1));
  return isAside || (startIn(status) == 0 && isThis(name_ + std::string(taskFile::rotatedEnding)));
}

std::uint64_t OutputReader::startIn(const TaskStatus& status) const {
  return isErrors_ ? status.errorsStart : status.outputStart;
}

std::string OutputReader::read(std::size_t bytesMax) {
  if (changes_.isOpen()) {
    char events[4096];
    while (::read(changes_.number(), events, sizeof events) > 0) continue;
  }
  if (!file_.isOpen()) seek(offset_);
  if (!file_.isOpen()) return {};
  std::string text = readAt(file_, offset_ - fileAt_, bytesMax);
  // What is renamed is written to no more, so that its end is its end.
  if (text.empty() && isRotated()) {
    text = readAt(file_, offset_ - fileAt_, bytesMax);
    // Who was too slow finds a gap, and goes on behind it.
    if (text.empty()) {
      seek(offset_);
      if (file_.isOpen()) text = readAt(file_, offset_ - fileAt_, bytesMax);
    }
  }
  offset_ += text.size();
  return text;
}

std::uint64_t OutputReader::size() {
  return open().end;
}

}  // namespace v1
}  // namespace callsheet
