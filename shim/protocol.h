#pragma once
#include <cstdint>
#include <string_view>

// What a director and the shims that it starts agree on. A shim may be older than the director that finds it, so what
// stands here only grows.
namespace callsheet {
inline namespace v1 {

/// Its argv[0]; behind it stand the job and the execId, so that it can be told among others.
inline constexpr const char* shimName = "callsheet-shim";

/// The descriptors that a shim is started with, beside /dev/null as 0, 1 and 2.
namespace shimDescriptor {
inline constexpr int spec = 3;       ///< read from its beginning
inline constexpr int directory = 4;  ///< the task's
inline constexpr int report = 5;     ///< one ShimReport is written there
inline constexpr int store = 6;      ///< the store's directory, where the bells are
inline constexpr int lock = 7;   ///< the lock file, where it is not the directory's; else /dev/null, as the one above
inline constexpr int group = 8;  ///< the control group in which the command begins, where there is one
}  // namespace shimDescriptor

/// The task's lock as its command and all that descends from it inherit it: above what scripts open by number.
inline constexpr int inheritedLockDescriptor = 109;

/// What a command writes its result to, where it has one: a file of its task, empty at the beginning of each attempt.
inline constexpr int resultDescriptor = 3;

/// The one task whose files are not named by a job's short id: that of the foreground, which belongs to no store.
inline constexpr const char* foregroundTask = "cli";

/// The files of a task's directory. The present attempt's have these names; those of attempt N before it end in `.N`.
namespace taskFile {
inline constexpr const char* lock = "lock";
inline constexpr const char* output = "output.log";
inline constexpr const char* input = "stdin";        ///< where what it reads is text of its job's
inline constexpr const char* errors = "stderr.log";  ///< only where stderr is kept apart
inline constexpr const char* result = "result";      ///< only where the command has a descriptor for it
inline constexpr std::string_view statusEnding = ".result";
inline constexpr std::string_view rotatedEnding = ".old";  ///< what was cut off the front of an output
}  // namespace taskFile

/// What is said of the lock file's bytes by OFD locks, each a question of its own. Nobody but a shim ever takes one;
/// everybody else only asks, so that a director that stands still stops nothing.
enum class LockedByte : std::int64_t {
  tree = 0,  ///< through the open file that the command inherits: a process of the tree lives
  shim = 1,  ///< through one that is the shim's alone: it lives
};

/// The lock file's contents: three lines of fixed length, filled up with spaces, each written by one pwrite.
///
/// The first names the highest attempt that must not begin any more: `void N`. Whoever finds no trace of an attempt
/// writes it, and looks at the lock *afterwards*; a shim takes the lock, and looks at the line *afterwards*. So one of
/// the two always sees the other.
///
/// The second is the shim's: what it runs, and how that ended. It is written before the command's first instruction,
/// and again in place when the command has ended, which needs no room on a full disk:
/// `attempt N exec UUID shim PID START leader PID START boot UUID end WORD CODE UTC-MICROSECONDS`.
///
/// The third, where there are control groups, is written by whoever starts the shim, before the group is made: `group
/// PATH`, of the latest attempt.
inline constexpr std::size_t voidLineBytes = 32;
inline constexpr std::size_t recordLineBytes = 320;
inline constexpr std::size_t groupLineBytes = 512;

/// How a task ended; the words of the record, of the status file and of the result.
namespace taskEnd {
inline constexpr std::string_view none = "none";               ///< it has not
inline constexpr std::string_view exited = "exited";           ///< its code is what it exited with
inline constexpr std::string_view signaled = "signaled";       ///< its code is the signal
inline constexpr std::string_view notStarted = "not-started";  ///< its code is an errno
}  // namespace taskEnd

/// What a status file has as its exit_code when the spec says `codes=task`. A command's own code is 0 or above.
namespace taskCode {
inline constexpr std::int64_t success = 0;
inline constexpr std::int64_t canceled = -1;   ///< it was asked to end, and has ended, however it did
inline constexpr std::int64_t timeLimit = -2;  ///< the same, because its time was over
inline constexpr std::int64_t exception = -3;  ///< it failed, or could not be started, which a command's file says too
}  // namespace taskCode

enum class ShimStep : std::int32_t {
  running,           ///< the command's first instruction is near: its exec has succeeded
  superseded,        ///< another attempt took over; nothing was run
  locked,            ///< processes of an earlier attempt hold the lock; nothing was run
  prepare,           ///< the shim itself could not begin
  files,             ///< a file in the task's directory
  input,             ///< the file that is the command's stdin
  workingDirectory,  ///< the command's
  limits,            ///< nice, memory, CPU
  process,           ///< the process could not be made
  execute            ///< the program could not be run
};

/// What a shim says once about its command's start. Nothing of it is kept.
struct ShimReport {
  ShimStep step = ShimStep::prepare;
  std::int32_t errnoValue = 0;
  std::int32_t leader = 0;  ///< the command's process, when it runs
};

/// The spec is text: `NAME=VALUE` with a zero byte behind each, in any order; names that are not known are passed over.
/// `program`, `arg` and `env` come several times. No value may hold a zero byte.
namespace specName {
inline constexpr std::string_view job = "job";          ///< JobID
inline constexpr std::string_view exec = "exec";        ///< ExecID
inline constexpr std::string_view task = "task";        ///< the short id: what the files are named by
inline constexpr std::string_view attempt = "attempt";  ///< the hand-out's number
inline constexpr std::string_view boot = "boot";        ///< this boot's id
inline constexpr std::string_view program = "program";  ///< a file to try, in this order
inline constexpr std::string_view argument = "arg";
inline constexpr std::string_view variable = "env";  ///< NAME=VALUE
inline constexpr std::string_view workingDirectory = "cwd";
inline constexpr std::string_view input = "stdin";           ///< a file; default: /dev/null
inline constexpr std::string_view deadline = "deadline";     ///< ns of CLOCK_BOOTTIME: the command is stopped then
inline constexpr std::string_view grace = "grace";           ///< ms between TERM and KILL; default: 5000
inline constexpr std::string_view patience = "patience";     ///< ms to wait for the lock; default: 0
inline constexpr std::string_view heartbeat = "heartbeat";   ///< ms; default: 5000
inline constexpr std::string_view outputMax = "output-max";  ///< bytes that are kept of each output; default: 1 GiB
inline constexpr std::string_view apart = "apart";           ///< 1: stderr goes to a file of its own
inline constexpr std::string_view umask = "umask";           ///< octal
inline constexpr std::string_view nice = "nice";
inline constexpr std::string_view ionice = "ionice";     ///< CLASS:LEVEL as numbers
inline constexpr std::string_view memory = "memory";     ///< bytes of address space
inline constexpr std::string_view cpuTime = "cpu-time";  ///< s
inline constexpr std::string_view bell = "bell";         ///< a socket below the store to ring at the end; at most two
inline constexpr std::string_view codes = "codes";       ///< task: the status file's exit_code is a taskCode
inline constexpr std::string_view lock = "lock";         ///< 1: the lock file is shimDescriptor::lock
inline constexpr std::string_view group = "group";       ///< the path of the group, which goes with the shim
inline constexpr std::string_view result = "result";     ///< 1: the command has resultDescriptor
inline constexpr std::string_view parent = "parent";     ///< the process that starts the shim; it stops when that ends
}  // namespace specName

/// The signals that a shim obeys. They reach it through a pidfd whose process was seen to hold the lock.
namespace shimSignal {
inline constexpr int stop = 15;    ///< SIGTERM: TERM for the whole tree, KILL after the grace
inline constexpr int kill = 3;     ///< SIGQUIT: KILL at once
inline constexpr int pause = 10;   ///< SIGUSR1: STOP for the whole tree
inline constexpr int resume = 12;  ///< SIGUSR2: CONT
}  // namespace shimSignal

}  // namespace v1
}  // namespace callsheet
