#include "cli/bench/machine.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "callsheet/errors.h"
#include "cli/bench/bare_loop.h"
#include "core/clock.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

// The columns of /sys/block/*/stat (Documentation/block/stat.rst); a sector is 512 bytes whatever the disk says.
constexpr std::size_t writesColumn = 4;
constexpr std::size_t sectorsWrittenColumn = 6;
constexpr std::size_t flushesColumn = 15;
constexpr std::uint64_t sectorBytes = 512;

#ifdef __clang__
constexpr const char* compiler = __VERSION__;
#else
constexpr const char* compiler = "GCC " __VERSION__;
#endif

std::string firstLineOf(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// The value behind `name` in lines of "name SEPARATOR value".
std::string valueIn(const std::string& path, const std::string& name, char separator) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t at = line.find(separator);
    if (at == std::string::npos || line.compare(0, name.size(), name) != 0) continue;
    const std::size_t from = line.find_first_not_of(" \t\"", at + 1);
    const std::size_t to = line.find_last_not_of(" \t\"");
    return from == std::string::npos ? std::string() : line.substr(from, to - from + 1);
  }
  return {};
}

/// "ext4 (rw,relatime)" of the mount that holds the directory: the longest mount point above it.
std::string filesystemOf(const std::string& directory) {
  std::error_code ignored;
  const std::string path = std::filesystem::canonical(directory, ignored).string() + "/";
  std::ifstream file("/proc/self/mountinfo");
  std::string line;
  std::string found;
  std::size_t longest = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string skipped;
    std::string point;
    std::string options;
    std::string type;
    words >> skipped >> skipped >> skipped >> skipped >> point >> options;
    while (words >> type && type != "-") {
    }
    words >> type;
    if (point.size() < longest || !path.starts_with(point == "/" ? point : point + "/")) continue;
    longest = point.size();
    found = fmt::format("{} ({})", type, options);
  }
  return found;
}

}  // namespace

DiskMeter::DiskMeter(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return;
  const std::string place = fmt::format("/sys/dev/block/{}:{}", major(status.st_dev), minor(status.st_dev));
  std::error_code ignored;
  const auto device = std::filesystem::canonical(place, ignored);
  if (ignored) return;
  // Flushes are counted for the whole disk only.
  device_ = (std::filesystem::exists(device / "partition") ? device.parent_path() : device).string();
}

std::optional<DiskCounters> DiskMeter::read() const {
  if (device_.empty()) return std::nullopt;
  std::ifstream file(device_ + "/stat");
  std::vector<std::uint64_t> columns;
  for (std::uint64_t value = 0; file >> value;) columns.push_back(value);
  if (columns.size() <= flushesColumn) return std::nullopt;
  return DiskCounters{columns[flushesColumn], columns[writesColumn], columns[sectorsWrittenColumn] * sectorBytes};
}

std::string DiskMeter::writeCache() const {
  return device_.empty() ? std::string() : firstLineOf(device_ + "/queue/write_cache");
}

void requireRealDisk(const std::string& directory) {
  struct statfs status {};
  if (::statfs(directory.c_str(), &status) != 0)
    throw systemError("the directory " + directory + " cannot be looked at; name another one with --dir", errno);
  if (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC)
    throw Error(ErrorKind::usage,
                directory + " is in memory, where nothing is ever flushed; name a directory on a disk with --dir");
}

Json machineJson(const std::string& directory) {
  utsname kernel{};
  ::uname(&kernel);
  Json json;
  json["date"] = formatUtc(SystemClock().now().utcMicros);
  json["callsheet"] = CALLSHEET_VERSION;
  json["cores"] = ::sysconf(_SC_NPROCESSORS_ONLN);
  json["processor"] = valueIn("/proc/cpuinfo", "model name", ':');
  json["memoryBytes"] =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  json["system"] = valueIn("/etc/os-release", "PRETTY_NAME", '=');
  json["kernel"] = std::string(kernel.sysname) + " " + kernel.release + " " + kernel.machine;
  json["compiler"] = compiler;
  json["lmdb"] = lmdbVersion();
  json["directory"] = directory;
  json["filesystem"] = filesystemOf(directory);
  json["writeCache"] = DiskMeter(directory).writeCache();
  json["loadBefore"] = firstLineOf("/proc/loadavg");
  return json;
}

}  // namespace v1
}  // namespace callsheet
