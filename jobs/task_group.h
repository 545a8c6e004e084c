#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "callsheet/uuid.h"
#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// The control group (cgroup v2) of one attempt at a command: whatever descends from the command is in it, so that all
/// of it can be found and killed at once, though it closed every descriptor and made itself a daemon. There are none
/// where no cgroup v2 is mounted, or where this process may not make groups below its own: then the task's lock alone
/// tells what is left.
class TaskGroup {
 public:
  /// Where the attempt's group would be; empty where there are none.
  [[nodiscard]] static std::string pathFor(JobID job, std::uint32_t attempt);
  /// The attempt in such a path of that job; nothing for any other path.
  [[nodiscard]] static std::optional<std::uint32_t> attemptIn(const std::string& path, JobID job);
  /// Makes it; nothing when it cannot be made, or what is in it could not be killed (Linux 5.14 can).
  [[nodiscard]] static std::optional<TaskGroup> make(const std::string& path);
  /// One that is there.
  [[nodiscard]] static std::optional<TaskGroup> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return directory_.number(); }
  [[nodiscard]] bool isEmpty() const;
  /// All that is in it, also what is just being made.
  void kill() const;
  /// It must be empty.
  void remove() const;

 private:
  TaskGroup(std::string path, FileDescriptor directory) : path_(std::move(path)), directory_(std::move(directory)) {}

  std::string path_;
  FileDescriptor directory_;
};

}  // namespace v1
}  // namespace callsheet
