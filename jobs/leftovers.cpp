#include "jobs/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "ipc/file_descriptor.h"
#include "ipc/pidfd.h"
#include "ipc/process_state.h"
#include "jobs/child_process.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// The first bytes of the ranges that are write-locked through the process's descriptors of that file. The kernel lists
/// a lock of the open-file kind with every descriptor of the open file that it was taken through:
/// "lock: 1: OFDLCK  ADVISORY  WRITE -1 08:01:4711 FIRST LAST".
std::vector<std::int64_t> lockedBytes(const std::string& process, const struct stat& lockFile) {
  std::vector<std::int64_t> bytes;
  const Directory entries(::opendir((process + "/fd").c_str()), &::closedir);
  while (const dirent* entry = entries ? ::readdir(entries.get()) : nullptr) {
    struct stat opened {};
    if (::fstatat(::dirfd(entries.get()), entry->d_name, &opened, 0) != 0) continue;
    if (opened.st_dev != lockFile.st_dev || opened.st_ino != lockFile.st_ino) continue;
    std::ifstream info(process + "/fdinfo/" + entry->d_name);
    for (std::string line; std::getline(info, line);) {
      std::istringstream words(line);
      std::string word;
      std::vector<std::string> all;
      while (words >> word) all.push_back(word);
      if (all.size() != 9 || all[2] != "OFDLCK" || all[4] != "WRITE") continue;
      std::int64_t first = -1;
      if (std::from_chars(all[7].data(), all[7].data() + all[7].size(), first).ec == std::errc{})
        bytes.push_back(first);
    }
  }
  return bytes;
}

bool holds(const std::vector<std::int64_t>& bytes, LockedByte byte) {
  for (const std::int64_t one : bytes)
    if (one == static_cast<std::int64_t>(byte)) return true;
  return false;
}

}  // namespace

GroupEnd endRecordedGroup(const AttemptLock::Record& record) {
  if (record.leader == 0 || record.bootID != currentBootID()) return GroupEnd::gone;
  const FileDescriptor leader = openPidfd(record.leader);
  const auto state = processState(record.leader);
  // Another process has the number, and the kernel gives no number away that still is a group's.
  if (state && state->startTime != record.leaderStart) return GroupEnd::gone;
  if (!hasLivingMember(record.leader)) return GroupEnd::gone;
  // Without its leader the group cannot be told for certain from one of strangers: it is waited for.
  if (!leader.isOpen() || !state) return GroupEnd::unverified;
  // Stopped, the leader cannot end between this check and the signal to its group, so the number stays its own.
  signalThroughPidfd(leader, SIGSTOP);
  const auto again = processState(record.leader);
  if (!again || again->startTime != record.leaderStart) return GroupEnd::unverified;
  ::kill(-record.leader, SIGKILL);
  signalThroughPidfd(leader, SIGKILL);
  return GroupEnd::killed;
}

std::optional<pid_t> endStrayHolders(int descriptor, const std::function<bool()>& isStillMine) {
  struct stat lockFile {};
  if (::fstat(descriptor, &lockFile) != 0) return std::nullopt;
  std::optional<pid_t> found;
  const Directory processes(::opendir("/proc"), &::closedir);
  while (const dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    pid_t pid = 0;
    const std::string name = entry->d_name;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc{} || pid == ::getpid()) continue;
    const FileDescriptor process = openPidfd(pid);
    if (!process.isOpen()) continue;
    const auto bytes = lockedBytes("/proc/" + name, lockFile);
    // Nobody but a director and what descends from its command ever has that open file.
    if (!holds(bytes, LockedByte::tree) || holds(bytes, LockedByte::director)) continue;
    if (!isStillMine()) return std::nullopt;
    // The signal reaches only the process that the descriptor was opened for. It lived when its files were looked at,
    // and whatever a later attempt starts is recorded before it runs, so that it cannot be that.
    signalThroughPidfd(process, SIGKILL);
    found = pid;
  }
  return found;
}

}  // namespace v1
}  // namespace callsheet
