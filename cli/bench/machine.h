#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "cli/json_output.h"

// What the figures of a bench depend on: the machine and the disk below a directory.
namespace callsheet {
inline namespace v1 {

/// The kernel's counters of the whole block device that holds a directory; other processes' writes are in them.
struct DiskCounters {
  std::uint64_t flushes = 0;
  std::uint64_t writes = 0;  ///< requests, each of one run of the disk
  std::uint64_t bytesWritten = 0;
};

/// Reads the counters of one disk. Nothing where the kernel does not tell, as for some filesystems over several disks.
class DiskMeter {
 public:
  explicit DiskMeter(const std::string& directory);
  [[nodiscard]] std::optional<DiskCounters> read() const;
  /// "write back" or "write through"; empty: unknown.
  [[nodiscard]] std::string writeCache() const;

 private:
  std::string device_;  // its directory below /sys; empty: none
};

/// Throws Error when the directory is in memory: nothing is flushed there.
void requireRealDisk(const std::string& directory);
/// Date, cores, kernel, filesystem, disk, library and program versions, load.
[[nodiscard]] Json machineJson(const std::string& directory);

}  // namespace v1
}  // namespace callsheet
