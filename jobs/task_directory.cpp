#include "jobs/task_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>

#include "callsheet/errors.h"
#include "ipc/pidfd.h"
#include "ipc/process_state.h"
#include "ipc/read_all.h"
#include "jobs/leftovers.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::steady_clock;

const std::string groupWord = "group ";
constexpr off_t groupLineAt = voidLineBytes + recordLineBytes;

FileDescriptor openDirectory(int tasks, const std::string& name) {
  return FileDescriptor(::openat(tasks, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

FileDescriptor openLock(int directory) {
  FileDescriptor lock(::openat(directory, taskFile::lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.isOpen()) throw systemError("The lock of a task cannot be opened", errno);
  return lock;
}

std::optional<TaskRecord> parse(const std::string& line) {
  std::istringstream words(line);
  TaskRecord record;
  std::string name;
  std::string exec;
  std::string boot;
  // Each value stands behind its name.
  if (!(words >> name >> record.attempt >> name >> exec >> name >> record.shim >> record.shimStart >> name >>
        record.leader >> record.leaderStart >> name >> boot >> name >> record.end >> record.code >> record.finishedAt))
    return std::nullopt;
  const auto execID = ExecID::parse(exec);
  const auto bootID = Uuid::parse(boot);
  if (!execID || !bootID || record.shim <= 1) return std::nullopt;
  record.exec = *execID;
  record.bootID = *bootID;
  return record;
}

/// Kills the recorded shim if it still is that process.
void killRecorded(const std::optional<TaskRecord>& record) {
  if (record && record->bootID == currentBootID()) (void)killThroughPidfd(record->shim, record->shimStart);
}

}  // namespace

FileDescriptor openTasks(const StoreDirectory& store) {
  // Nobody but the store's own user can have put a link there.
  const auto open = [&store] {
    return FileDescriptor(::openat(store.descriptor(), StoreDirectory::tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  };
  FileDescriptor tasks = open();
  if (!tasks.isOpen() && errno == ENOENT && ::mkdirat(store.descriptor(), StoreDirectory::tasks, 0700) == 0)
    tasks = open();
  if (!tasks.isOpen()) throw systemError("the tasks' directory " + store.path(StoreDirectory::tasks), errno);
  return tasks;
}

std::optional<TaskDirectory> TaskDirectory::open(int tasks, JobID job) {
  FileDescriptor directory = openDirectory(tasks, job.toString());
  if (!directory.isOpen() && errno == ENOENT) return std::nullopt;
  if (!directory.isOpen()) throw systemError("The directory of a task cannot be opened", errno);
  FileDescriptor lock = openLock(directory.number());
  return TaskDirectory(std::move(directory), std::move(lock), job);
}

TaskDirectory TaskDirectory::make(int tasks, JobID job) {
  const std::string name = job.toString();
  if (::mkdirat(tasks, name.c_str(), 0700) != 0 && errno != EEXIST)
    throw systemError("The directory of a task cannot be made", errno);
  FileDescriptor directory = openDirectory(tasks, name);
  if (!directory.isOpen()) throw systemError("The directory of a task cannot be opened", errno);
  FileDescriptor lock = openLock(directory.number());
  return {std::move(directory), std::move(lock), job};
}

TaskDirectory TaskDirectory::withoutLockFile(FileDescriptor directory) {
  FileDescriptor lock(::memfd_create("callsheet-lock", MFD_CLOEXEC));
  if (!lock.isOpen()) throw systemError("Memory for the lock of a task cannot be had", errno);
  return {std::move(directory), std::move(lock), JobID{}};
}

bool TaskDirectory::isHeld(LockedByte byte) const {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(byte);
  range.l_len = 1;
  if (::fcntl(lock_.number(), F_OFD_GETLK, &range) != 0) throw systemError("The lock of a task cannot be asked", errno);
  return range.l_type != F_UNLCK;
}

std::optional<TaskRecord> TaskDirectory::record() const {
  // Written by one call, but a reader may see half of it: what is read twice alike is whole.
  std::string before;
  for (;;) {
    std::string line(recordLineBytes, '\0');
    const ssize_t size = ::pread(lock_.number(), line.data(), line.size(), voidLineBytes);
    if (size != static_cast<ssize_t>(line.size()) || line.back() != '\n') return std::nullopt;
    if (line == before) return parse(line);
    before = std::move(line);
  }
}

void TaskDirectory::makeVoid(std::uint32_t attempt) const {
  std::string present(voidLineBytes, '\0');
  std::uint32_t highest = 0;
  if (::pread(lock_.number(), present.data(), present.size(), 0) > 5 && present.starts_with("void "))
    std::from_chars(present.data() + 5, present.data() + present.size(), highest);
  if (highest >= attempt) return;
  std::string line = "void " + std::to_string(attempt);
  line.resize(voidLineBytes, ' ');
  line.back() = '\n';
  if (::pwrite(lock_.number(), line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    throw systemError("The lock of a task cannot be written", errno);
}

bool TaskDirectory::writeGroup(const std::string& path) const {
  std::string line = groupWord + path;
  if (line.size() >= groupLineBytes) return false;
  line.resize(groupLineBytes, ' ');
  line.back() = '\n';
  return ::pwrite(lock_.number(), line.data(), line.size(), groupLineAt) == static_cast<ssize_t>(line.size());
}

std::string TaskDirectory::group() const {
  std::string line(groupLineBytes, '\0');
  const ssize_t size = ::pread(lock_.number(), line.data(), line.size(), groupLineAt);
  if (size != static_cast<ssize_t>(line.size()) || !line.starts_with(groupWord)) return {};
  line.resize(line.find_last_not_of(" \n") + 1);
  return line.substr(groupWord.size());
}

std::optional<TaskGroup> TaskDirectory::groupBefore(std::uint32_t attempt) const {
  const std::string path = group();
  const auto itsAttempt = TaskGroup::attemptIn(path, job_);
  return itsAttempt && *itsAttempt < attempt ? TaskGroup::open(path) : std::nullopt;
}

std::string TaskDirectory::result(std::size_t bytesMax) const {
  const FileDescriptor file(
      ::openat(directory_.number(), taskFile::result, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return file.isOpen() ? readAll(file.number(), bytesMax).value_or("") : std::string();
}

void TaskDirectory::removeResult() const {
  ::unlinkat(directory_.number(), taskFile::result, 0);
}

std::optional<std::string> TaskDirectory::endLeftovers(const Leftovers& leftovers) const {
  const auto until = steady_clock::now() + leftovers.patience;
  const auto isMine = [&](const std::optional<TaskRecord>& latest) {
    return !latest || latest->attempt < leftovers.before;
  };
  // Its name has the attempt in it, so that it can be no later one's.
  const auto group = groupBefore(leftovers.before);
  while (isHeld(LockedByte::shim) || isHeld(LockedByte::tree) || (group && !group->isEmpty())) {
    const auto latest = record();
    if (!isMine(latest)) return "A later attempt has begun.";
    killRecorded(latest);
    if (group) group->kill();
    const auto stray = endStrayHolders(lock_.number(), [&] { return isMine(record()); });
    if (leftovers.stop.stop_requested() || steady_clock::now() >= until)
      return stray ? "Process " + std::to_string(*stray) + " of an earlier attempt does not end."
                   : "A process of an earlier attempt that cannot be looked into, perhaps another user's, holds the "
                     "task's lock, or does not end.";
    ::poll(nullptr, 0, 2);
  }
  if (group) group->remove();
  return std::nullopt;
}

FileDescriptor findShimProcess(ExecID exec) {
  const std::string wanted = exec.toString();
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), &::closedir);
  while (const dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    pid_t pid = 0;
    const std::string name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{}) continue;
    FileDescriptor process = openPidfd(pid);
    struct stat owner {};
    if (!process.isOpen() || ::fstatat(::dirfd(processes.get()), entry->d_name, &owner, 0) != 0 ||
        owner.st_uid != ::geteuid())
      continue;
    std::ifstream file("/proc/" + name + "/cmdline", std::ios::binary);
    std::string program;
    std::string job;
    std::string itsExec;
    if (std::getline(file, program, '\0') && std::getline(file, job, '\0') && std::getline(file, itsExec, '\0') &&
        program == shimName && itsExec == wanted)
      return process;
  }
  return {};
}

}  // namespace v1
}  // namespace callsheet
