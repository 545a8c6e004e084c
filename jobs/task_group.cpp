#include "jobs/task_group.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view namePrefix = "callsheet-";

/// This process's group in the hierarchy of version 2, as a path of the mounted tree; empty when there is none.
std::string ownGroup() {
  std::string group;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::/")) group = line.substr(3);
  // Of a group that lies outside this process's namespace nothing can be reached.
  if (group.empty() || group.find("/..") != std::string::npos) return {};
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // ID PARENT DEVICE ROOT PLACE OPTIONS ... - TYPE SOURCE OPTIONS
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string skipped;
    std::string root;
    std::string place;
    words >> skipped >> skipped >> skipped >> root >> place;
    if (root == "/") root.clear();
    const bool isBelow = group.starts_with(root + "/") || group == root;
    if (!isBelow || place.find('\\') != std::string::npos) continue;
    std::string path = place + group.substr(root.size());
    while (path.ends_with('/')) path.pop_back();
    return path;
  }
  return {};
}

bool writeOne(int directory, const char* file) {
  const FileDescriptor target(::openat(directory, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  return target.isOpen() && ::write(target.number(), "1", 1) == 1;
}

}  // namespace

std::string TaskGroup::pathFor(JobID job, std::uint32_t attempt) {
  static const std::string own = ownGroup();  // a process is put into its group before it runs
  if (own.empty() || ::access(own.c_str(), W_OK | X_OK) != 0) return {};
  return own + "/" + std::string(namePrefix) + job.toString() + "." + std::to_string(attempt);
}

std::optional<std::uint32_t> TaskGroup::attemptIn(const std::string& path, JobID job) {
  const std::string name = "/" + std::string(namePrefix) + job.toString() + ".";
  const std::size_t at = path.rfind('/');
  if (at == std::string::npos || path.compare(at, name.size(), name) != 0) return std::nullopt;
  std::uint32_t attempt = 0;
  const char* const end = path.data() + path.size();
  const auto read = std::from_chars(path.data() + at + name.size(), end, attempt);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(attempt) : std::nullopt;
}

std::optional<TaskGroup> TaskGroup::make(const std::string& path) {
  if (path.empty() || ::mkdir(path.c_str(), 0755) != 0) return std::nullopt;
  auto group = open(path);
  // What could not be killed at once would be of no use.
  if (group && ::faccessat(group->descriptor(), "cgroup.kill", W_OK, 0) == 0) return group;
  ::rmdir(path.c_str());
  return std::nullopt;
}

std::optional<TaskGroup> TaskGroup::open(const std::string& path) {
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  struct statfs where {};
  if (!directory.isOpen() || ::fstatfs(directory.number(), &where) != 0) return std::nullopt;
  if (where.f_type != CGROUP2_SUPER_MAGIC) return std::nullopt;
  return TaskGroup(path, std::move(directory));
}

bool TaskGroup::isEmpty() const {
  const FileDescriptor events(::openat(directory_.number(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  char text[256];
  const ssize_t size = events.isOpen() ? ::read(events.number(), text, sizeof text) : -1;
  // One that was removed meanwhile had to be empty.
  return size <= 0 ||
         std::string_view(text, static_cast<std::size_t>(size)).find("populated 1") == std::string_view::npos;
}

void TaskGroup::kill() const {
  (void)writeOne(directory_.number(), "cgroup.kill");
}

void TaskGroup::remove() const {
  ::rmdir(path_.c_str());
}

}  // namespace v1
}  // namespace callsheet
