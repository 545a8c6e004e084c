#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/stop_signals.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "ipc/boot_clock.h"
#include "jobs/foreground_task.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr int millisBetweenLooks = 50;
// For a reader of stdout that stands still, once nobody wants to wait any more.
constexpr int millisForReaders = 1'000;

struct RunOptions {
  std::string file;
  std::string limit;
};

std::string readTask(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw systemError("the task's file " + path + " cannot be read", errno);
  // A byte more than may be is enough to refuse it.
  std::string text(limits::payloadBytesMax + 1, '\0');
  errno = 0;
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw systemError("the task's file " + path + " cannot be read", errno);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

CommandSpec commandIn(const std::string& path) {
  const std::string text = readTask(path);
  try {
    return commandOfTask(parseTaskBody(text), ownProgram());
  } catch (const Error& error) {
    throw Error(error.kind(), printable(path + ": " + error.what()));
  }
}

/// A growing file on its way to stdout, as far as that takes it: a reader that stands still must stop neither the task
/// nor the signals, so that nothing here ever waits.
class OutputFollower {
 public:
  explicit OutputFollower(FileDescriptor file) : file_(std::move(file)) {}

  /// Whether there is something to put, now.
  bool look() {
    if (!chunk_.empty() || isClosed_) return !chunk_.empty();
    chunk_.resize(chunkBytes);
    const ssize_t size = ::pread(file_.number(), chunk_.data(), chunk_.size(), at_);
    chunk_.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    at_ += static_cast<off_t>(chunk_.size());
    return !chunk_.empty();
  }
  /// When stdout is ready: then a pipe takes a whole chunk.
  void put() {
    const ssize_t size = ::write(STDOUT_FILENO, chunk_.data(), chunk_.size());
    if (size >= 0) {
      chunk_.erase(0, static_cast<std::size_t>(size));
    } else if (errno != EINTR && errno != EAGAIN) {
      isClosed_ = true;
      chunk_.clear();
    }
  }
  [[nodiscard]] bool hasFailed() const { return isClosed_; }

 private:
  static constexpr std::size_t chunkBytes = 4096;

  FileDescriptor file_;
  off_t at_ = 0;
  std::string chunk_;
  bool isClosed_ = false;
};

/// Returns when the task has ended and its output is out. A second signal kills it: that one's number.
std::optional<int> attend(ForegroundTask& task, StopSignals& signals, OutputFollower* output) {
  bool isOver = !task.process().isOpen();
  for (bool isAsked = false;;) {
    // In this order: of one that had ended before there is nothing more to come.
    const bool hasText = output != nullptr && output->look();
    if (isOver && !hasText) return std::nullopt;
    pollfd watched[] = {{signals.descriptor(), POLLIN, 0},
                        {isOver ? -1 : task.process().number(), POLLIN, 0},
                        {hasText ? STDOUT_FILENO : -1, POLLOUT, 0}};
    int timeout = hasText || output == nullptr ? -1 : millisBetweenLooks;
    if (isOver && isAsked) timeout = millisForReaders;
    const int ready = ::poll(watched, std::size(watched), timeout);
    if (ready < 0) continue;
    if (ready == 0 && isOver) return std::nullopt;
    if (watched[2].revents != 0) output->put();
    if (watched[1].revents != 0) isOver = true;
    const auto signal = signals.take();
    if (!signal) continue;
    if (isOver) return std::nullopt;
    if (std::exchange(isAsked, true)) {
      task.kill();
      return signal;
    }
    task.stop();
  }
}

int exitCodeOfTask(const TaskStatus& status, bool hasTaskCodes) {
  if (status.reason == "stopped") return exitCanceled;
  if (status.reason == "time-limit") return exitTimeOut;
  if (status.end == taskEnd::notStarted) return 1;
  if (hasTaskCodes) return status.end == taskEnd::exited && status.code == 0 ? 0 : 1;
  return status.end == taskEnd::signaled ? 128 + status.code : status.code;
}

void printAsJson(const TaskStatus& status, int exitCode) {
  Json json = versioned();
  json["taskId"] = foregroundTask;
  json["exitCode"] = exitCode;
  json["taskExitCode"] = status.exitCode ? Json(*status.exitCode) : Json(nullptr);
  json["reason"] = status.reason;
  json["end"] = status.end;
  json["code"] = status.code;
  json["durationMs"] = status.durationMillis;
  printJson(json);
}

int conclude(const TaskStatus& status, const CommandSpec& command, bool json) {
  const int code = exitCodeOfTask(status, command.taskCodes.value_or(false));
  if (json) printAsJson(status, code);
  if (status.reason == "stopped") tell("the task was stopped");
  if (status.reason == "time-limit") tell("the task took longer than its limit");
  return code;
}

int runTask(const RunOptions& options, const Session& session) {
  if (options.file.empty()) throw Error(ErrorKind::usage, "usage: callsheet run-task [--limit DURATION] FILE");
  const CommandSpec command = commandIn(options.file);
  std::int64_t deadline = 0;
  if (!options.limit.empty()) deadline = nowNanos() + durationOf("--limit", options.limit).count() * 1'000;
  StopSignals signals;
  ForegroundTask task(currentDirectory("run the task in another one"));
  if (const auto why = task.start(command, deadline)) tell(printable(*why));
  std::optional<OutputFollower> output;
  if (!session.json) output.emplace(task.openOutput());
  if (const auto signal = attend(task, signals, output ? &*output : nullptr)) return 128 + *signal;
  const auto status = task.end();
  if (!status)
    throw Error(ErrorKind::unavailable, "nobody knows how the task ended: its shim was killed; look at output.log");
  if (output && output->hasFailed())
    throw Error(ErrorKind::io, "the output cannot be written; is the disk full? All of it is in output.log");
  return conclude(*status, command, session.json);
}

}  // namespace

Work defineRunTask(CLI::App& app) {
  const auto options = std::make_shared<RunOptions>();
  app.add_option("file", options->file, "{\"machine\":NAME,\"parameters\":...}")->type_name("FILE");
  app.add_option("--limit", options->limit, "How long the task may take")->type_name("DURATION");
  app.footer(
      "Runs the task without a store and without a daemon, until it has ended. Its output goes to stdout and to "
      "output.log in the\n"
      "current directory, its status to cli.result there. Ctrl-C stops it; a second one kills it.\n"
      "Machines: command runs a program, echo runs statements (docs/tasks.md).\n"
      "\n"
      "Exits with a command's own code, 128 + the signal that ended it, 0 for success, 1 for an exception or what "
      "could "
      "not be\n"
      "run, 124 when its time was over, 125 when it was stopped.");
  return [options](Session& session) { return runTask(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
