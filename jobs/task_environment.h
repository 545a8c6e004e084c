#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "callsheet/uuid.h"
#include "ipc/file_descriptor.h"
#include "jobs/command_spec.h"
#include "jobs/task_status.h"

namespace callsheet {
inline namespace v1 {

/// Names one attempt at a command.
struct TaskRef {
  JobID job;
  ExecID exec;
  std::uint32_t attempt = 0;
};

/// A command that is to run.
struct TaskOrder {
  TaskRef ref;
  CommandSpec command;
  std::int64_t deadlineNanos = 0;                                 ///< boot clock; 0: none
  std::chrono::milliseconds patience = std::chrono::seconds{15};  ///< for what is left of an earlier attempt
  std::chrono::milliseconds heartbeat = std::chrono::seconds{5};  ///< between the status file's signs of life
  std::vector<std::string> bells{};  ///< sockets below the store that are rung at its end; at most two
  std::string name{};                ///< of its files; empty: the job's short id
  pid_t parent = 0;                  ///< this process, when its end is to stop the task
};

/// A process that stands for a running task.
struct RunningTask {
  FileDescriptor process;  ///< readable when it has ended; closed: it has ended already
  pid_t leader = 0;        ///< of the command; 0: not known
};

/// A task that did not start.
struct TaskFailure {
  bool isOfCommand = true;  ///< false: nothing was tried, for no fault of the command's
  std::string sentence;
};

/// What became of a task that somebody started once.
struct FoundTask {
  enum class What {
    running,
    ended,      ///< `status` says how
    lost,       ///< it was begun, and nobody knows how it ended; nothing of it runs
    neverBegun  ///< not one instruction of it was run, and none will be
  };
  What what = What::lost;
  RunningTask running{};
  TaskStatus status{};
};

/// What a running task may be told.
enum class TaskSignal {
  stop,   ///< TERM for the whole tree, and KILL after the grace
  kill,   ///< KILL for the whole tree at once
  pause,  ///< it stands still until `resume`; its time goes on
  resume
};

/// Where commands run as processes that outlive whoever starts them: start, find again, signal, read. Thread-safe.
class TaskEnvironment {
 public:
  virtual ~TaskEnvironment() = default;

  /// Returns when the command runs or has failed; waits for what an earlier attempt left, and ends it. Gives up early
  /// when `stop` is requested.
  [[nodiscard]] virtual std::variant<RunningTask, TaskFailure> start(const TaskOrder& order,
                                                                     const std::stop_token& stop) = 0;
  /// For who attends to it: an attempt that is found never begun will not begin any more. `isOfThisBoot`: whether it
  /// was handed out since the machine started.
  [[nodiscard]] virtual FoundTask find(const TaskRef& ref, bool isOfThisBoot) = 0;
  /// What its status file says now; nothing when it says nothing of this attempt.
  [[nodiscard]] virtual std::optional<TaskStatus> read(const TaskRef& ref) = 0;
  /// Changes with each sign of life; 0: there is no status file.
  [[nodiscard]] virtual std::int64_t lastBeat(const TaskRef& ref) = 0;
  /// The last bytes of its output, not necessarily UTF-8.
  [[nodiscard]] virtual std::string tail(const TaskRef& ref, std::size_t bytes) = 0;
  /// What it wrote to the descriptor for its result, at most so many bytes; empty where it has none.
  [[nodiscard]] virtual std::string result(const TaskRef& ref, std::size_t bytes) = 0;
  /// It, if it runs. Unlike find() this may be asked at any time by anybody.
  [[nodiscard]] virtual std::optional<RunningTask> running(const TaskRef& ref) = 0;
  virtual void signal(const RunningTask& task, TaskSignal signal) = 0;
  /// Kills at once what attends to the command, and with it the command: for one that does not obey. May take seconds.
  virtual void kill(const TaskRef& ref) = 0;
  /// To be called when its process has ended: gives that back to the system, where it is this process's child.
  virtual void release(const RunningTask& task) = 0;
};

}  // namespace v1
}  // namespace callsheet
