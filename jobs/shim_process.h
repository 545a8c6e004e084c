#pragma once
#include <sys/types.h>

#include <string>
#include <variant>

#include "ipc/file_descriptor.h"
#include "jobs/task_environment.h"
#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

/// A new shim's process, and where it says what became of its command's start.
struct ShimProcess {
  FileDescriptor process;  ///< readable when it has ended; closed: somebody else in this process has reaped it already
  FileDescriptor report;
};

struct ShimPlaces {
  int program = -1;    ///< an open file of the shim's program
  int directory = -1;  ///< the task's
  int store = -1;      ///< none where there is no store
  int lock = -1;       ///< the task's lock file, if it is none of the directory
  int group = -1;      ///< the attempt's, where there are such
  std::string groupPath{};
};

/// Starts a shim for the command. It gets no environment, no descriptor but its own, and becomes leader of a session.
/// Throws Error when no process can be made.
[[nodiscard]] ShimProcess startShim(const TaskOrder& order, const ShimPlaces& places);

/// What it says of its command's start; waits for that, beyond the time that it may wait for the lock. Of one that says
/// nothing, because it was killed, `prepare`. One whose command does not run has ended and was reaped.
[[nodiscard]] ShimReport awaitStart(const ShimProcess& shim, std::chrono::milliseconds patience);

/// Waits until it has ended.
void reapShim(const FileDescriptor& process);

/// The same for people. Not for one that runs.
[[nodiscard]] TaskFailure failureOf(const ShimReport& report, const CommandSpec& command);

/// The program's bytes as an executable file that needs no place on any disk. Throws Error.
[[nodiscard]] FileDescriptor makeShimProgram();

}  // namespace v1
}  // namespace callsheet
