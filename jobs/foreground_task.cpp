#include "jobs/foreground_task.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "callsheet/errors.h"
#include "ipc/pidfd.h"
#include "jobs/shim_process.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::milliseconds killPatience{5'000};

FileDescriptor takeDirectory(const std::string& path) {
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.isOpen()) throw systemError("the directory " + path + " cannot be opened", errno);
  // The shim keeps it with the descriptor that it gets. A filesystem that has no such locks does without.
  if (::flock(directory.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw Error(ErrorKind::conflict, "another task runs in " + path + "; wait for it, or take another directory");
  return directory;
}

}  // namespace

ForegroundTask::ForegroundTask(std::string directory)
    : path_(std::move(directory)), directory_(TaskDirectory::withoutLockFile(takeDirectory(path_))) {}

std::optional<std::string> ForegroundTask::start(const CommandSpec& command, std::int64_t deadlineNanos) {
  ref_ = {makeJobID(), ExecID{Uuid::makeV4()}, 1};
  TaskOrder order;
  order.ref = ref_;
  order.command = command;
  if (!order.command.cwd.starts_with('/'))
    order.command.cwd = path_ + (order.command.cwd.empty() ? "" : "/" + order.command.cwd);
  order.name = foregroundTask;
  order.parent = ::getpid();
  order.deadlineNanos = deadlineNanos;
  order.command.outputMaxBytes = std::numeric_limits<std::uint64_t>::max();
  const FileDescriptor program = makeShimProgram();
  ShimPlaces places{program.number(), directory_.descriptor()};
  places.lock = directory_.lockDescriptor();
  ShimProcess shim = startShim(order, places);
  const ShimReport report = awaitStart(shim, order.patience);
  if (report.step == ShimStep::running) {
    running_ = {std::move(shim.process), report.leader};
    return std::nullopt;
  }
  if (report.step == ShimStep::files)
    throw systemError("output.log and cli.result cannot be made in " + path_, report.errnoValue);
  const TaskFailure failure = failureOf(report, order.command);
  if (!failure.isOfCommand) throw Error(ErrorKind::unavailable, failure.sentence);
  return failure.sentence;
}

FileDescriptor ForegroundTask::openOutput() const {
  FileDescriptor file(::openat(directory_.descriptor(), taskFile::output, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.isOpen()) throw systemError("output.log cannot be read", errno);
  return file;
}

void ForegroundTask::stop() {
  isStopped_ = true;
  (void)signalThroughPidfd(running_.process, shimSignal::stop);
}

void ForegroundTask::kill() {
  (void)directory_.endLeftovers({ref_.attempt + 1, killPatience});
}

std::optional<TaskStatus> ForegroundTask::end() {
  reapShim(running_.process);
  auto status = readTaskStatus(directory_.descriptor(), foregroundTask);
  if (status && status->exec == ref_.exec && status->hasEnded()) return status;
  const auto record = directory_.record();
  if (!record || !record->hasEnded()) return std::nullopt;
  // As on a disk that was full.
  status = statusOf(*record);
  if (isStopped_) status->reason = "stopped";
  return status;
}

}  // namespace v1
}  // namespace callsheet
