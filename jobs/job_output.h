#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "callsheet/uuid.h"
#include "ipc/file_descriptor.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// What an attempt at a job without a shim lets people read while it runs, where a command's output is. That of an
/// attempt before is kept beside it. Not thread-safe.
class JobOutput {
 public:
  /// Throws Error when the file cannot be made.
  JobOutput(const StoreDirectory& store, JobID job, std::uint32_t attempt);
  /// What goes over a limit is dropped, and what does not fit on the disk.
  void write(std::string_view text);

 private:
  FileDescriptor file_;
  std::uint64_t written_ = 0;
};

}  // namespace v1
}  // namespace callsheet
