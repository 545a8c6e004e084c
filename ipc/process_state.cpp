#include "ipc/process_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <string>
#include <string_view>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::optional<std::string> readSmallFile(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.isOpen()) return std::nullopt;
  char bytes[2048];
  const ssize_t size = ::read(file.number(), bytes, sizeof bytes);
  if (size <= 0) return std::nullopt;
  return std::string(bytes, static_cast<std::size_t>(size));
}

// "pid (name) letter ppid ...": the name may hold spaces and ')', so what counts begins behind the last ')'. The start
// time is field 22, the letter field 3.
std::optional<ProcessState> parseStat(std::string_view text) {
  const std::size_t nameEnd = text.rfind(')');
  if (nameEnd == std::string_view::npos || nameEnd + 2 >= text.size()) return std::nullopt;
  text.remove_prefix(nameEnd + 2);
  ProcessState state;
  state.letter = text.front();
  for (int field = 3; field < 22; ++field) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    text.remove_prefix(space + 1);
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), state.startTime);
  if (error != std::errc{}) return std::nullopt;
  return state;
}

std::optional<ProcessState> readStat(const std::string& path) {
  const auto text = readSmallFile(path);
  return text ? parseStat(*text) : std::nullopt;
}

}  // namespace

std::optional<ProcessState> processState(pid_t pid) {
  return readStat("/proc/" + std::to_string(pid) + "/stat");
}

std::optional<ProcessState> writerProcessState(pid_t pid) {
  auto state = processState(pid);
  if (!state || state->isStoppedOrTraced() || state->isEnded()) return state;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(tasks.c_str()), ::closedir);
  if (!directory) return state;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    const auto thread = readStat(tasks + "/" + entry->d_name + "/stat");
    if (thread && thread->isDiskSleep()) state->letter = 'D';
  }
  return state;
}

std::uint64_t pidNamespaceInode() {
  struct stat status {};
  if (::stat("/proc/self/ns/pid", &status) != 0)
    throw Error(ErrorKind::unsupported, "/proc/self/ns/pid cannot be read; Callsheet needs a mounted /proc");
  return status.st_ino;
}

Uuid currentBootID() {
  const auto text = readSmallFile("/proc/sys/kernel/random/boot_id");
  const auto bootID = text ? Uuid::parse(std::string_view(*text).substr(0, 36)) : std::nullopt;
  if (!bootID)
    throw Error(ErrorKind::unsupported,
                "/proc/sys/kernel/random/boot_id cannot be read; Callsheet needs a mounted /proc");
  return *bootID;
}

}  // namespace v1
}  // namespace callsheet
