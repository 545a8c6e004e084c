#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "ipc/process_state.h"
#include "jobs/shim_environment.h"
#include "jobs/task_directory.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

[[nodiscard]] inline bool isAlive(pid_t pid) {
  const auto state = processState(pid);
  return state && !state->isEnded();
}

[[nodiscard]] inline std::string contentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The pid that a script wrote into a file, once the line is whole.
[[nodiscard]] inline pid_t pidIn(const std::string& path) {
  std::string text;
  REQUIRE(waitFor([&] {
    text = contentOf(path);
    return !text.empty() && text.back() == '\n';
  }));
  return static_cast<pid_t>(std::stol(text));
}

/// A store's directory with the tasks in it, and an environment that runs them. Nothing of them outlives it.
class TaskStage {
 public:
  explicit TaskStage(ShimEnvironment::Groups groups = ShimEnvironment::Groups::whereTheyCanBeHad)
      : store_(StoreDirectory::open(directory_.path(), "main", {.create = true})),
        environment_(std::make_unique<ShimEnvironment>(store_, groups)),
        tasks_(::openat(store_.descriptor(), StoreDirectory::tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~TaskStage() {
    DIR* const entries = ::fdopendir(::dup(tasks_.number()));
    while (const dirent* entry = ::readdir(entries))
      if (const auto job = JobID::parse(entry->d_name))
        if (const auto task = TaskDirectory::open(tasks_.number(), *job))
          static_cast<void>(task->endLeftovers({std::numeric_limits<std::uint32_t>::max(), std::chrono::seconds{5}}));
    ::closedir(entries);
  }

  [[nodiscard]] ShimEnvironment& environment() { return *environment_; }
  [[nodiscard]] const StoreDirectory& store() const { return store_; }
  [[nodiscard]] int tasks() const { return tasks_.number(); }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_ / name; }
  [[nodiscard]] std::string taskFile(JobID job, const std::string& name) const {
    return store_.path("tasks/" + job.toString() + "/" + name);
  }
  [[nodiscard]] std::string statusFile(JobID job) const { return taskFile(job, shortIDOf(job) + ".result"); }
  [[nodiscard]] TaskDirectory open(JobID job) const { return TaskDirectory::make(tasks_.number(), job); }

  [[nodiscard]] static TaskOrder orderOf(std::vector<std::string> argv, JobID job = makeJobID(),
                                         std::uint32_t attempt = 1) {
    TaskOrder order;
    order.ref = {job, ExecID{Uuid::makeV4()}, attempt};
    order.command.argv = std::move(argv);
    order.patience = std::chrono::seconds{5};
    return order;
  }
  [[nodiscard]] static TaskOrder shell(const std::string& script, JobID job = makeJobID(), std::uint32_t attempt = 1) {
    return orderOf({"sh", "-c", script}, job, attempt);
  }

  [[nodiscard]] RunningTask start(const TaskOrder& order) {
    auto started = environment_->start(order, {});
    if (const auto* failure = std::get_if<TaskFailure>(&started)) FAIL(failure->sentence);
    return std::get<RunningTask>(std::move(started));
  }
  [[nodiscard]] TaskFailure failureOf(const TaskOrder& order) {
    auto started = environment_->start(order, {});
    REQUIRE(std::holds_alternative<TaskFailure>(started));
    return std::get<TaskFailure>(std::move(started));
  }
  /// Waits for the shim's end, and reaps it if it is this process's.
  static void awaitEnd(const RunningTask& task) {
    if (!task.process.isOpen()) return;
    pollfd watched{task.process.number(), POLLIN, 0};
    REQUIRE(::poll(&watched, 1, 30'000) == 1);
    siginfo_t info{};
    static_cast<void>(::waitid(P_PIDFD, static_cast<id_t>(task.process.number()), &info, WEXITED));
  }
  struct End {
    TaskStatus status;
    std::string output;
  };
  [[nodiscard]] End run(const TaskOrder& order) {
    awaitEnd(start(order));
    return endOf(order.ref);
  }
  [[nodiscard]] End endOf(const TaskRef& ref) {
    const FoundTask found = environment_->find(ref, true);
    REQUIRE(found.what == FoundTask::What::ended);
    return {found.status, environment_->tail(ref, std::size_t{64} << 10)};
  }

 private:
  TemporaryDirectory directory_;
  StoreDirectory store_;
  std::unique_ptr<ShimEnvironment> environment_;
  FileDescriptor tasks_;
};

/// Kills what a test may have left, whatever became of the test; a negative number is a group's.
struct AtEnd {
  pid_t pid;
  ~AtEnd() {
    if (pid > 1 || pid < -1) ::kill(pid, SIGKILL);
  }
};

}  // namespace callsheet::tests
