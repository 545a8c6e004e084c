#include "cli/bench/process_figures.h"

#include <sys/resource.h>
#include <time.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

namespace {

/// The sum of the numbers behind `name` in lines of "name: number ...".
std::uint64_t sumOf(const std::filesystem::path& path, std::string_view name) {
  std::ifstream file(path);
  std::uint64_t sum = 0;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':')
      sum += std::stoull(line.substr(name.size() + 1));
  return sum;
}

std::filesystem::path placeOf(pid_t pid) {
  return std::filesystem::path("/proc") / std::to_string(pid);
}

}  // namespace

std::uint64_t sleepsOf(pid_t pid) {
  std::uint64_t sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator(placeOf(pid) / "task"))
    sum += sumOf(thread.path() / "status", "voluntary_ctxt_switches");
  return sum;
}

std::int64_t processorNanos() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto nanosIn = [](const timeval& time) {
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_usec * 1000;
  };
  return nanosIn(usage.ru_utime) + nanosIn(usage.ru_stime);
}

std::int64_t processorNanosOf(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

ProcessMemory memoryOf(pid_t pid) {
  const auto rollup = placeOf(pid) / "smaps_rollup";
  const double kibPerMiB = 1024;
  return {static_cast<double>(sumOf(rollup, "Rss")) / kibPerMiB,
          static_cast<double>(sumOf(rollup, "Private_Clean") + sumOf(rollup, "Private_Dirty")) / kibPerMiB};
}

}  // namespace v1
}  // namespace callsheet
