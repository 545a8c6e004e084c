#include "jobs/attempt_lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"
#include "ipc/ofd_lock.h"
#include "ipc/pidfd.h"
#include "ipc/process_state.h"
#include "jobs/child_process.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Record = AttemptLock::Record;
using std::chrono::steady_clock;

bool tryLock(int descriptor) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  if (::fcntl(descriptor, F_OFD_SETLK, &range) == 0) return true;
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
  throw systemError("The lock of an attempt cannot be taken", errno);
}

/// Nothing for an empty or half written file.
std::optional<Record> readRecord(int descriptor) {
  char buffer[256];
  const ssize_t size = ::pread(descriptor, buffer, sizeof buffer, 0);
  if (size <= 0 || buffer[size - 1] != '\n') return std::nullopt;
  std::istringstream line(std::string(buffer, static_cast<std::size_t>(size)));
  Record record;
  std::string boot;
  if (!(line >> record.leader >> record.leaderStart >> record.director >> record.directorStart >> boot))
    return std::nullopt;
  const auto bootID = Uuid::parse(boot);
  if (!bootID || record.leader <= 1) return std::nullopt;
  record.bootID = *bootID;
  return record;
}

bool isSameFile(const struct stat& left, const struct stat& right) {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/// Whether the directory's entry still is the file that was opened: an earlier holder may have removed it meanwhile.
bool isStillLinked(int descriptor, int directory, const std::string& name) {
  struct stat opened {};
  struct stat linked {};
  return ::fstat(descriptor, &opened) == 0 && ::fstatat(directory, name.c_str(), &linked, AT_SYMLINK_NOFOLLOW) == 0 &&
         isSameFile(opened, linked);
}

void signalThrough(const FileDescriptor& pidfd, int signal) {
  ::syscall(SYS_pidfd_send_signal, pidfd.number(), signal, nullptr, 0);
}

enum class OldGroup { gone, killed, unverified };

/// Kills the recorded group if its leader is the very process that was recorded.
OldGroup endRecordedGroup(const Record& record) {
  if (record.bootID != currentBootID()) return OldGroup::gone;
  const FileDescriptor leader = openPidfd(record.leader);
  const auto state = processState(record.leader);
  // Another process has the number, and the kernel gives no number away that still is a group's.
  if (state && state->startTime != record.leaderStart) return OldGroup::gone;
  if (!hasLivingMember(record.leader)) return OldGroup::gone;
  // Without its leader the group cannot be told for certain from one of strangers: it is waited for.
  if (!leader.isOpen() || !state) return OldGroup::unverified;
  // Stopped, the leader cannot end between this check and the signal to its group, so the number stays its own.
  signalThrough(leader, SIGSTOP);
  const auto again = processState(record.leader);
  if (!again || again->startTime != record.leaderStart) return OldGroup::unverified;
  ::kill(-record.leader, SIGKILL);
  signalThrough(leader, SIGKILL);
  return OldGroup::killed;
}

/// Whether one of the process's descriptors is the open file that holds the lock.
bool holdsLock(const std::string& process, const struct stat& lockFile) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir((process + "/fd").c_str()), &::closedir);
  if (!entries) return false;
  while (const dirent* entry = ::readdir(entries.get())) {
    struct stat opened {};
    if (::fstatat(::dirfd(entries.get()), entry->d_name, &opened, 0) != 0 || !isSameFile(opened, lockFile)) continue;
    std::ifstream info(process + "/fdinfo/" + entry->d_name);
    for (std::string line; std::getline(info, line);)
      if (line.find("OFDLCK") != line.npos && line.find("WRITE") != line.npos) return true;
  }
  return false;
}

/// Ends the processes that left the group but kept the lock. They all come from the recorded command, because nobody
/// else but the director ever has that open file. Answers a pid that was found, or 0.
pid_t endStrayHolders(int descriptor, const Record& record) {
  struct stat lockFile {};
  if (::fstat(descriptor, &lockFile) != 0) return 0;
  pid_t found = 0;
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), &::closedir);
  while (const dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    pid_t pid = 0;
    const std::string_view name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{} || pid == ::getpid()) continue;
    const FileDescriptor process = openPidfd(pid);
    if (!process.isOpen() || !holdsLock("/proc/" + std::string(name), lockFile)) continue;
    const auto state = processState(pid);
    if (!state || (pid == record.director && state->startTime == record.directorStart)) continue;
    // The signal reaches only the process that the descriptor was opened for; it lived when its files were looked at.
    signalThrough(process, SIGKILL);
    found = pid;
  }
  return found;
}

std::string whoHolds(const std::optional<Record>& record, pid_t stray) {
  if (!record) return "an earlier attempt that has not said yet which process it is";
  if (stray != 0) return "process " + std::to_string(stray) + " of an earlier attempt, which does not end";
  const auto director = processState(record->director);
  if (director && director->startTime == record->directorStart)
    return "the director in process " + std::to_string(record->director) +
           ", which still attends to an earlier attempt";
  return "the process group " + std::to_string(record->leader) + " of an earlier attempt";
}

}  // namespace

AttemptLock::Answer AttemptLock::take(int directory, const std::string& name, std::chrono::milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  pid_t stray = 0;
  for (unsigned attempt = 0;; ++attempt) {
    auto file = ForkGuardedDescriptor::open(
        [&] { return ::openat(directory, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); });
    if (!file.isOpen()) throw systemError("The lock file " + name + " of an attempt cannot be opened", errno);

    const bool isMine = tryLock(file.number());
    const auto record = readRecord(file.number());
    // A free lock with a record is left by a director that was killed: its command may live on without the descriptor.
    const OldGroup group = record ? endRecordedGroup(*record) : OldGroup::gone;
    if (isMine && group == OldGroup::gone && isStillLinked(file.number(), directory, name)) {
      AttemptLock lock(std::move(file), directory, name);
      lock.markEnded();
      return {std::move(lock), {}};
    }
    // The scan of all processes is for what the group's end did not settle.
    if (!isMine && record && attempt % 8 == 3) stray = endStrayHolders(file.number(), *record);
    if (steady_clock::now() >= deadline)
      return {std::nullopt, "The next attempt cannot start: its lock is held by " + whoHolds(record, stray) + "."};
    std::this_thread::sleep_for(retryDelay(attempt));
  }
}

void AttemptLock::markEnded() {
  if (::ftruncate(file_.number(), 0) != 0)
    throw systemError("The lock file " + name_ + " of an attempt cannot be emptied", errno);
}

void AttemptLock::remove() {
  ::unlinkat(directory_, name_.c_str(), 0);
}

std::string attemptRecordOfThisProcess() {
  const auto state = processState(::getpid());
  if (!state) throw Error(ErrorKind::io, "This process cannot be found in /proc; mount it to run commands.");
  return std::to_string(::getpid()) + " " + std::to_string(state->startTime) + " " + currentBootID().toString() + "\n";
}

}  // namespace v1
}  // namespace callsheet
