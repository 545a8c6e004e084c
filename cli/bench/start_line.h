#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// Commands that say when they begin: each writes a byte into a FIFO, from which the bench reads. Whoever runs them,
/// they cost the same. Lives on the main thread.
class StartLine {
 public:
  /// The FIFO is made in the directory.
  explicit StartLine(const std::string& directory);

  /// argv of such a command.
  [[nodiscard]] const std::vector<std::string>& command() const { return command_; }
  /// Waits for so many bytes; returns the time of the last, by benchNanos(). Throws BenchFailure when they do not come.
  [[nodiscard]] std::int64_t awaitStarts(std::size_t count) const;

 private:
  FileDescriptor reader_;
  std::vector<std::string> command_;
};

}  // namespace v1
}  // namespace callsheet
