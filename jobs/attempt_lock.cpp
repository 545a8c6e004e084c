#include "jobs/attempt_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <thread>

#include "callsheet/errors.h"
#include "ipc/ofd_lock.h"
#include "ipc/process_state.h"
#include "jobs/leftovers.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Record = AttemptLock::Record;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds longestPause{20};

bool setLock(int descriptor, LockedByte byte, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(byte);
  range.l_len = 1;
  if (::fcntl(descriptor, F_OFD_SETLK, &range) == 0) return true;
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
  throw systemError("The lock of an attempt cannot be taken", errno);
}

bool tryLock(const ForkGuardedDescriptor& file, LockedByte byte) {
  return setLock(file.number(), byte, F_WRLCK);
}

/// Nothing for an empty or half written file.
std::optional<Record> readRecord(const ForkGuardedDescriptor& file) {
  char buffer[attemptRecordBytes];
  const ssize_t size = ::pread(file.number(), buffer, sizeof buffer, 0);
  if (size != static_cast<ssize_t>(sizeof buffer) || buffer[size - 1] != '\n') return std::nullopt;
  std::istringstream line(std::string(buffer, sizeof buffer));
  Record record;
  std::string boot;
  if (!(line >> record.leader >> record.leaderStart >> record.attempt >> record.director >> record.directorStart >>
        boot))
    return std::nullopt;
  const auto bootID = Uuid::parse(boot);
  if (!bootID || record.leader < 0 || record.leader == 1) return std::nullopt;
  record.bootID = *bootID;
  return record;
}

/// Says that no tree runs. Whether that could be written.
bool writeIdleRecord(const ForkGuardedDescriptor& file, const std::string& tail) {
  std::string line = "0 0 " + tail;
  line.resize(attemptRecordBytes, ' ');
  line.back() = '\n';
  return ::pwrite(file.number(), line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
}

bool isLater(const std::optional<Record>& record, std::uint32_t attempt) {
  return record && record->attempt > attempt;
}

std::string whoHolds(const std::optional<Record>& record, const std::optional<pid_t>& stray, bool isAttended) {
  if (stray) return "process " + std::to_string(*stray) + " of an earlier attempt, which does not end";
  if (record && record->leader != 0 && endRecordedGroup(*record) != GroupEnd::gone)
    return "the process group " + std::to_string(record->leader) + " of an earlier attempt";
  if (!isAttended) return "a process of an earlier attempt that cannot be looked into, perhaps of another user";
  const auto director = record ? processState(record->director) : std::nullopt;
  if (director && director->startTime == record->directorStart)
    return "the director in process " + std::to_string(record->director) +
           ", which still attends to an earlier attempt";
  return "a director that still attends to an earlier attempt";
}

}  // namespace

AttemptLock::AttemptLock(int directory, const std::string& name) : directory_(directory), name_(name) {
  tree_ = ForkGuardedDescriptor::open(
      [&] { return ::openat(directory, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); });
  if (!tree_.isOpen()) throw systemError("The lock file " + name + " of an attempt cannot be opened", errno);
  // The same file, whatever the name means by now; another open file, so that its locks are not the command's.
  const std::string same = "/proc/self/fd/" + std::to_string(tree_.number());
  director_ = ForkGuardedDescriptor::open([&] { return ::open(same.c_str(), O_RDWR | O_CLOEXEC); });
  if (!director_.isOpen()) throw systemError("The lock file " + name + " of an attempt cannot be opened twice", errno);
}

bool AttemptLock::isLinked() const {
  struct stat opened {};
  struct stat linked {};
  return ::fstat(tree_.number(), &opened) == 0 &&
         ::fstatat(directory_, name_.c_str(), &linked, AT_SYMLINK_NOFOLLOW) == 0 && opened.st_dev == linked.st_dev &&
         opened.st_ino == linked.st_ino;
}

/// With the director's and the tree's lock: the file is ours if it still has its name.
bool AttemptLock::begin(std::uint32_t attempt) {
  if (!tryLock(director_, LockedByte::entry)) return false;
  const bool isOurs = isLinked();
  attempt_ = attempt;
  if (isOurs && !writeIdleRecord(tree_, recordTail()))
    throw systemError("The lock file " + name_ + " of an attempt cannot be written", errno);
  setLock(director_.number(), LockedByte::entry, F_UNLCK);
  return isOurs;
}

/// Takes the name away from a file whose director does not let go. Whether it lost it by us.
bool AttemptLock::giveWay(std::uint32_t attempt) const {
  if (!tryLock(director_, LockedByte::entry)) return false;
  const bool gives = isLinked() && !isLater(readRecord(tree_), attempt);
  if (gives) ::unlinkat(directory_, name_.c_str(), 0);
  setLock(director_.number(), LockedByte::entry, F_UNLCK);
  return gives;
}

AttemptLock::Answer AttemptLock::take(int directory, const std::string& name, const Request& request) {
  const auto start = steady_clock::now();
  const auto isOver = [&] { return request.stop.stop_requested() || steady_clock::now() >= start + request.patience; };
  std::optional<pid_t> stray;
  unsigned cleanScans = 0;
  for (unsigned round = 0;; ++round) {
    AttemptLock lock(directory, name);
    // While a director attends, what runs may be a later attempt's: then the record says so.
    const bool isAttended = !tryLock(lock.director_, LockedByte::director);
    const auto record = readRecord(lock.tree_);
    if (isLater(record, request.attempt)) return {std::nullopt, "A later attempt of the job was begun.", true, false};
    if (isAttended && request.sparesAttended) return {std::nullopt, "A director attends to the job.", false, true};

    const GroupEnd group = record ? endRecordedGroup(*record) : GroupEnd::gone;
    if (!isAttended && group == GroupEnd::gone && tryLock(lock.tree_, LockedByte::tree)) {
      if (lock.begin(request.attempt)) return {std::move(lock), {}, false, false};
    } else if (round % 4 == 1) {
      // The scan of all processes is for what the group's end did not settle.
      stray = endStrayHolders(lock.tree_.number(), [&] { return !isLater(readRecord(lock.tree_), request.attempt); });
      cleanScans = group == GroupEnd::gone && !stray ? cleanScans + 1 : 0;
      // Nothing is left of the tree, only its director: it is hung, or about to start a command.
      if (isAttended && cleanScans >= 2 && steady_clock::now() >= start + replaceAfter &&
          lock.giveWay(request.attempt) && !lock.endLeftovers(request.attempt))
        return {std::nullopt, "What an earlier attempt started just now does not end.", false, false};
    }
    if (isOver())
      return {std::nullopt,
              "The next attempt cannot start: its lock is held by " + whoHolds(record, stray, isAttended) + ".", false,
              false};
    std::this_thread::sleep_for(std::min(retryDelay(round), longestPause));
  }
}

/// After the name was taken away: ends what was started before its child could see that. Whether all of it is gone.
bool AttemptLock::endLeftovers(std::uint32_t attempt) const {
  const auto deadline = steady_clock::now() + std::chrono::seconds{5};
  for (unsigned round = 0; steady_clock::now() < deadline; ++round) {
    const auto record = readRecord(tree_);
    const auto isOurs = [&] { return !isLater(readRecord(tree_), attempt); };
    const bool isGroupGone = !record || endRecordedGroup(*record) == GroupEnd::gone;
    if (!endStrayHolders(tree_.number(), isOurs) && isGroupGone) return true;
    std::this_thread::sleep_for(std::min(retryDelay(round), longestPause));
  }
  return false;
}

std::string AttemptLock::recordTail() const {
  const auto state = processState(::getpid());
  if (!state) throw Error(ErrorKind::io, "This process cannot be found in /proc; mount it to run commands.");
  return std::to_string(attempt_) + " " + std::to_string(::getpid()) + " " + std::to_string(state->startTime) + " " +
         currentBootID().toString();
}

void AttemptLock::markEnded() const noexcept {
  // When it cannot be written, the record names a process that is no more, which does no harm.
  try {
    (void)writeIdleRecord(tree_, recordTail());
  } catch (const Error&) {
  }
}

void AttemptLock::remove() const {
  if (tryLock(director_, LockedByte::entry) && isLinked()) ::unlinkat(directory_, name_.c_str(), 0);
}

}  // namespace v1
}  // namespace callsheet
