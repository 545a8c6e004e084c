#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "callsheet/uuid.h"
#include "ipc/file_descriptor.h"
#include "ipc/store_paths.h"
#include "jobs/task_group.h"
#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

/// What the second line of a task's lock file says (shim/protocol.h).
struct TaskRecord {
  std::uint32_t attempt = 0;
  ExecID exec;
  pid_t shim = 0;
  std::uint64_t shimStart = 0;
  pid_t leader = 0;
  std::uint64_t leaderStart = 0;
  Uuid bootID;
  std::string end;  ///< a word of taskEnd
  int code = 0;
  std::int64_t finishedAt = 0;  ///< UTC us

  [[nodiscard]] bool hasEnded() const { return end != taskEnd::none; }
};

/// Where the jobs' directories are; made where it is missing. Throws Error. Opened for each use, so that one that was
/// taken away or put elsewhere is noticed.
[[nodiscard]] FileDescriptor openTasks(const StoreDirectory& store);

/// A job's directory below the tasks, with its lock file, as everybody but a shim sees it: asks of locks and never
/// takes one. Throws Error when a file is there and cannot be used. Not thread-safe.
class TaskDirectory {
 public:
  /// Nothing when there is none.
  [[nodiscard]] static std::optional<TaskDirectory> open(int tasks, JobID job);
  /// Makes it where there is none.
  [[nodiscard]] static TaskDirectory make(int tasks, JobID job);
  /// Any directory, which gets no lock file: the lock is in memory, and known to whoever is given its descriptor.
  [[nodiscard]] static TaskDirectory withoutLockFile(FileDescriptor directory);

  [[nodiscard]] int descriptor() const { return directory_.number(); }
  [[nodiscard]] int lockDescriptor() const { return lock_.number(); }
  [[nodiscard]] bool isHeld(LockedByte byte) const;
  /// Nothing when there is none yet, or it is of a file that was cut short.
  [[nodiscard]] std::optional<TaskRecord> record() const;
  /// No attempt up to this one begins from here on, if it has not begun yet: look at the lock afterwards.
  void makeVoid(std::uint32_t attempt) const;

  /// Notes the path of the latest attempt's group (jobs/task_group.h), before that is made. False where there is no
  /// room for it, in the line or on the disk.
  [[nodiscard]] bool writeGroup(const std::string& path) const;
  /// Empty where none is noted.
  [[nodiscard]] std::string group() const;

  /// What the latest attempt has written into its file `result`, up to so many bytes; empty where there is none.
  [[nodiscard]] std::string result(std::size_t bytesMax) const;
  /// Nobody will ask for that again.
  void removeResult() const;

  struct Leftovers {
    std::uint32_t before = 0;  ///< processes of this attempt or a later one are left alone
    std::chrono::milliseconds patience{0};
    std::stop_token stop{};  ///< gives up early
  };
  /// Kills the shim, every process that holds the tree's lock and whatever is in the attempt's group, until nothing is
  /// left: they are of an attempt that nobody waits for any more. A pid that was used again is never signalled. Answers
  /// why something is left.
  [[nodiscard]] std::optional<std::string> endLeftovers(const Leftovers& leftovers) const;

 private:
  TaskDirectory(FileDescriptor directory, FileDescriptor lock, JobID job)
      : directory_(std::move(directory)), lock_(std::move(lock)), job_(job) {}
  /// That of an attempt before this one, if it is still there.
  [[nodiscard]] std::optional<TaskGroup> groupBefore(std::uint32_t attempt) const;

  FileDescriptor directory_;
  FileDescriptor lock_;
  JobID job_;  ///< nil: of the foreground, which has no group
};

/// The process of a shim that says by its arguments that it holds this attempt; closed when there is none. For when the
/// directory says nothing.
[[nodiscard]] FileDescriptor findShimProcess(ExecID exec);

}  // namespace v1
}  // namespace callsheet
