#include "jobs/shim_environment.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "callsheet/errors.h"
#include "ipc/pidfd.h"
#include "ipc/process_state.h"
#include "ipc/write_all.h"
#include "jobs/output_reader.h"
#include "jobs/shim_process.h"
#include "jobs/task_directory.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For a shim that has its lock to write down what it runs.
constexpr milliseconds recordPatience{2'000};
constexpr milliseconds leftoverPatience{5'000};

void writeInput(const TaskDirectory& directory, std::string_view text) {
  const FileDescriptor file(
      ::openat(directory.descriptor(), taskFile::input, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.isOpen() || !writeAll(file.number(), text))
    throw systemError("The command's input cannot be written", errno);
}

/// A shim of that record, if it lives. Its pidfd is opened before the lock is seen held, so it is of the holder.
std::optional<RunningTask> runningOf(const TaskDirectory& directory, const TaskRecord& record) {
  RunningTask running{openPidfd(record.shim), record.leader};
  const auto state = processState(record.shim);
  if (!running.process.isOpen() || !state || state->startTime != record.shimStart) return std::nullopt;
  if (!directory.isHeld(LockedByte::shim)) return std::nullopt;
  return running;
}

}  // namespace

int ShimEnvironment::program() {
  const std::lock_guard lock(mutex_);
  if (!program_.isOpen()) program_ = makeShimProgram();
  return program_.number();
}

std::variant<RunningTask, TaskFailure> ShimEnvironment::start(const TaskOrder& order, const std::stop_token& stop) {
  const TaskDirectory directory = TaskDirectory::make(openTasks(directory_).number(), order.ref.job);
  const auto left = directory.endLeftovers({order.ref.attempt, order.patience, stop});
  if (left) return TaskFailure{false, "The next attempt cannot start. " + *left};
  if (order.command.input) writeInput(directory, *order.command.input);
  ShimPlaces places{program(), directory.descriptor(), directory_.descriptor()};
  const auto group = makeGroup(directory, order.ref);
  if (group) places.group = group->descriptor();
  if (group) places.groupPath = group->path();
  ShimProcess shim = startShim(order, places);
  const ShimReport report = awaitStart(shim, order.patience);
  if (report.step == ShimStep::running) return RunningTask{std::move(shim.process), report.leader};
  return failureOf(report, order.command);
}

std::optional<TaskGroup> ShimEnvironment::makeGroup(const TaskDirectory& directory, const TaskRef& ref) {
  const std::string path = hasGroups_ ? TaskGroup::pathFor(ref.job, ref.attempt) : std::string();
  // Without it the lock alone tells what is left.
  if (path.empty() || !directory.writeGroup(path)) return std::nullopt;
  return TaskGroup::make(path);
}

FoundTask ShimEnvironment::find(const TaskRef& ref, bool isOfThisBoot) {
  using What = FoundTask::What;
  const FileDescriptor tasks = openTasks(directory_);
  const auto directory = TaskDirectory::open(tasks.number(), ref.job);
  if (!directory) {
    // Somebody took it away, or nothing was begun. A command that runs all the same is waited for.
    if (FileDescriptor process = findShimProcess(ref.exec); process.isOpen())
      return {What::running, {std::move(process), 0}, {}};
    if (!isOfThisBoot) return {What::lost, {}, {}};
    TaskDirectory::make(tasks.number(), ref.job).makeVoid(ref.attempt);
    // One that was just being started could have come before that line.
    if (FileDescriptor process = findShimProcess(ref.exec); process.isOpen())
      return {What::running, {std::move(process), 0}, {}};
    return {What::neverBegun, {}, {}};
  }
  const auto until = steady_clock::now() + recordPatience;
  for (;;) {
    // In this order: who does not hold the lock any more has written what there is to be written.
    const bool isHeld = directory->isHeld(LockedByte::shim);
    const auto record = directory->record();
    const bool isOurs = record && record->exec == ref.exec;
    if (isHeld && isOurs) {
      if (auto running = runningOf(*directory, *record)) return {What::running, std::move(*running), {}};
      // It holds the lock, and cannot be looked at: for want of descriptors, or of /proc.
      if (steady_clock::now() >= until) throw Error(ErrorKind::unavailable, "The shim of a task cannot be looked at.");
    } else if (isHeld && steady_clock::now() >= until) {
      // It stands still before its first line, or is of another attempt.
      if (FileDescriptor process = findShimProcess(ref.exec); process.isOpen())
        return {What::running, {std::move(process), 0}, {}};
      directory->makeVoid(ref.attempt);
      return {What::neverBegun, {}, {}};
    } else if (!isHeld) {
      auto status = read(ref);
      if (status && status->hasEnded()) return {What::ended, {}, std::move(*status)};
      if (isOurs && record->hasEnded()) return {What::ended, {}, statusOf(*record)};
      if (isOurs || !isOfThisBoot) {
        (void)directory->endLeftovers({ref.attempt + 1, leftoverPatience, {}});
        return {What::lost, {}, {}};
      }
      directory->makeVoid(ref.attempt);
      if (!directory->isHeld(LockedByte::shim)) return {What::neverBegun, {}, {}};
    }
    ::poll(nullptr, 0, 2);
  }
}

std::optional<TaskStatus> ShimEnvironment::read(const TaskRef& ref) {
  const auto directory = TaskDirectory::open(openTasks(directory_).number(), ref.job);
  if (!directory) return std::nullopt;
  auto status = readTaskStatus(directory->descriptor(), shortIDOf(ref.job));
  if (!status || status->exec != ref.exec) return std::nullopt;
  return status;
}

std::int64_t ShimEnvironment::lastBeat(const TaskRef& ref) {
  const std::string name = StoreDirectory::tasks + ("/" + ref.job.toString()) + "/" + shortIDOf(ref.job) +
                           std::string(taskFile::statusEnding);
  struct stat file {};
  if (::fstatat(directory_.descriptor(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  // Each is a file of its own.
  return static_cast<std::int64_t>(file.st_ino) ^
         (std::int64_t{file.st_mtim.tv_sec} * 1'000'000'000 + file.st_mtim.tv_nsec);
}

std::string ShimEnvironment::tail(const TaskRef& ref, std::size_t bytes) {
  OutputReader reader(directory_, ref.job, OutputReader::Stream::output);
  const std::uint64_t size = reader.size();
  reader.seek(size - std::min<std::uint64_t>(size, bytes));
  std::string text;
  for (std::string piece = reader.read(bytes); !piece.empty(); piece = reader.read(bytes)) text += piece;
  return text;
}

std::string ShimEnvironment::result(const TaskRef& ref, std::size_t bytes) {
  const auto directory = TaskDirectory::open(openTasks(directory_).number(), ref.job);
  return directory ? directory->result(bytes) : std::string();
}

std::optional<RunningTask> ShimEnvironment::running(const TaskRef& ref) {
  const auto directory = TaskDirectory::open(openTasks(directory_).number(), ref.job);
  const auto record = directory ? directory->record() : std::nullopt;
  if (!record || record->exec != ref.exec || record->bootID != currentBootID()) return std::nullopt;
  return runningOf(*directory, *record);
}

void ShimEnvironment::signal(const RunningTask& task, TaskSignal signal) {
  switch (signal) {
    case TaskSignal::stop:
      return (void)signalThroughPidfd(task.process, shimSignal::stop);
    case TaskSignal::kill:
      return (void)signalThroughPidfd(task.process, shimSignal::kill);
    case TaskSignal::pause:
      return (void)signalThroughPidfd(task.process, shimSignal::pause);
    case TaskSignal::resume:
      return (void)signalThroughPidfd(task.process, shimSignal::resume);
  }
}

void ShimEnvironment::kill(const TaskRef& ref) {
  if (const auto directory = TaskDirectory::open(openTasks(directory_).number(), ref.job)) {
    (void)directory->endLeftovers({ref.attempt + 1, leftoverPatience, {}});
  } else {
    (void)signalThroughPidfd(findShimProcess(ref.exec), SIGKILL);
  }
}

void ShimEnvironment::release(const RunningTask& task) {
  reapShim(task.process);
}

}  // namespace v1
}  // namespace callsheet
