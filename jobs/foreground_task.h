#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "jobs/task_directory.h"
#include "jobs/task_environment.h"
#include "jobs/task_machine.h"

namespace callsheet {
inline namespace v1 {

/// A task that runs under a shim like any other, but belongs to no store: its files, `cli.result` and `output.log`, are
/// in a directory that the caller names, nothing else stays there, and it is stopped when the thread that started it
/// ends. Not thread-safe.
class ForegroundTask {
 public:
  /// Takes the directory for itself, which must be given from the root. Throws Error when another such task runs there,
  /// or it cannot be opened.
  explicit ForegroundTask(std::string directory);

  /// Once. All of the output is kept; `deadlineNanos` as in TaskOrder. Answers why the command could not be run, which
  /// `cli.result` says too, or nothing when it runs. Throws Error when the files cannot be made; no command was run.
  [[nodiscard]] std::optional<std::string> start(const CommandSpec& command, std::int64_t deadlineNanos);

  /// Readable when it has ended; closed: it has ended already.
  [[nodiscard]] const FileDescriptor& process() const { return running_.process; }
  /// Its output from the beginning, to be read while it runs.
  [[nodiscard]] FileDescriptor openOutput() const;
  /// Asks the whole tree to end: TERM, and KILL after the grace.
  void stop();
  /// Kills all of it at once; how it ended is written nowhere then.
  void kill();

  /// How it ended; waits for that. Nothing when nobody knows.
  [[nodiscard]] std::optional<TaskStatus> end();

 private:
  std::string path_;
  TaskDirectory directory_;
  TaskRef ref_;
  RunningTask running_;
  bool isStopped_ = false;
};

}  // namespace v1
}  // namespace callsheet
