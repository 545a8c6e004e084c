#include "jobs/leftovers.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "ipc/file_descriptor.h"
#include "ipc/pidfd.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// The kernel lists a lock of the open-file kind with every descriptor of the open file that it was taken through:
/// "lock: 1: OFDLCK  ADVISORY  WRITE -1 08:01:4711 FIRST LAST".
bool isLocked(const std::string& description) {
  std::ifstream info(description);
  for (std::string line; std::getline(info, line);) {
    std::istringstream words(line);
    std::string first;
    std::string number;
    std::string kind;
    if (words >> first >> number >> kind && first == "lock:" && kind == "OFDLCK") return true;
  }
  return false;
}

bool holdsLock(const std::string& process, const struct stat& lockFile) {
  const Directory entries(::opendir((process + "/fd").c_str()), &::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    struct stat opened {};
    if (::fstatat(::dirfd(entries.get()), entry->d_name, &opened, 0) != 0) continue;
    if (opened.st_dev != lockFile.st_dev || opened.st_ino != lockFile.st_ino) continue;
    if (isLocked(process + "/fdinfo/" + entry->d_name)) return true;
  }
  return false;
}

}  // namespace

std::optional<pid_t> endStrayHolders(int lockFile, const std::function<bool()>& isStillMine) {
  struct stat file {};
  if (::fstat(lockFile, &file) != 0) return std::nullopt;
  std::optional<pid_t> found;
  const Directory processes(::opendir("/proc"), &::closedir);
  while (const dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    pid_t pid = 0;
    const std::string name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{} || pid == ::getpid()) continue;
    const FileDescriptor process = openPidfd(pid);
    if (!process.isOpen() || !holdsLock("/proc/" + name, file)) continue;
    if (!isStillMine()) return std::nullopt;
    // The signal reaches only the process that the descriptor was opened for, and that lived when its files were
    // looked at. Whatever a later attempt runs is recorded before, so that it cannot be that.
    (void)signalThroughPidfd(process, SIGKILL);
    found = pid;
  }
  return found;
}

}  // namespace v1
}  // namespace callsheet
