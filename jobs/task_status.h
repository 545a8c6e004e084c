#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "callsheet/uuid.h"
#include "jobs/task_directory.h"

namespace callsheet {
inline namespace v1 {

/// What a task's status file says (shim/status_file.h): the present state of a command, or how it ended.
struct TaskStatus {
  ExecID exec;
  std::uint32_t attempt = 0;
  pid_t leader = 0;
  std::string startedAt;  ///< ISO 8601, as the next two
  std::string updatedAt;
  std::string finishedAt;       ///< empty while it runs
  std::string state;            ///< running, paused, stopping, exited
  std::string reason = "none";  ///< why it was asked to end: none, stopped, time-limit
  std::string end = "none";     ///< a word of taskEnd (shim/protocol.h)
  int code = 0;                 ///< an exit code, a signal or an errno, as `end` says
  std::optional<int> exitCode;  ///< what the file has as exit_code: the command's, or a taskCode (shim/protocol.h)
  std::int64_t durationMillis = 0;
  std::int64_t graceMillis = 5'000;  ///< between TERM and KILL
  std::int64_t userMillis = 0;
  std::int64_t systemMillis = 0;
  std::int64_t maxRssKib = 0;
  std::uint64_t outputBytes = 0;  ///< that came
  std::uint64_t outputCut = 0;    ///< of those, given up at the front
  std::uint64_t outputLost = 0;   ///< and not written, for want of room
  std::uint64_t outputInode = 0;  ///< of the file that is written
  std::uint64_t outputStart = 0;  ///< of its first byte among those that were written
  std::uint64_t errorsInode = 0;  ///< the same of stderr.log; 0: there is none
  std::uint64_t errorsStart = 0;

  [[nodiscard]] bool hasEnded() const { return end != "none"; }
};

/// As far as the lock file knows it, for when no status file could be written.
[[nodiscard]] TaskStatus statusOf(const TaskRecord& record);

/// Nothing when the file is missing, torn, or not such a file.
[[nodiscard]] std::optional<TaskStatus> readTaskStatus(int directory, const std::string& task);

}  // namespace v1
}  // namespace callsheet
