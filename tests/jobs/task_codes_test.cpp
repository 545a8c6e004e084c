#include <signal.h>

#include <catch2/catch.hpp>

#include "ipc/boot_clock.h"
#include "tests/jobs/task_stage.h"

// What a status file has as its exit_code: the command's own, or what all tasks have in common.
using namespace callsheet;
using namespace callsheet::tests;

namespace {

TaskOrder taskOrder(const std::string& script) {
  TaskOrder order = TaskStage::shell(script);
  order.command.taskCodes = true;
  return order;
}

TaskStatus stoppedEnd(TaskStage& stage, const TaskOrder& order) {
  const RunningTask task = stage.start(order);
  REQUIRE(waitFor([&] { return !stage.environment().tail(order.ref, 10).empty(); }));
  stage.environment().signal(task, TaskSignal::stop);
  TaskStage::awaitEnd(task);
  return stage.endOf(order.ref).status;
}

constexpr const char* untilStopped = "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done";

}  // namespace

TEST_CASE("A task's exit code is 0 for success and -3 for whatever else its process ends with", "[jobs][task]") {
  TaskStage stage;
  CHECK(stage.run(taskOrder("exit 0")).status.exitCode == 0);
  const auto failed = stage.run(taskOrder("exit 7")).status;
  CHECK(failed.exitCode == -3);
  CHECK(failed.code == 7);
  const auto killed = stage.run(taskOrder("kill -KILL $$")).status;
  CHECK(killed.exitCode == -3);
  CHECK(killed.end == "signaled");
  TaskOrder missing = TaskStage::orderOf({"callsheet-no-such-program"});
  missing.command.taskCodes = true;
  static_cast<void>(stage.failureOf(missing));
  CHECK(stage.endOf(missing.ref).status.exitCode == -3);
}

TEST_CASE("A task that was stopped has -1, one whose time is over -2, however its process ends", "[jobs][task]") {
  TaskStage stage;
  const auto stopped = stoppedEnd(stage, taskOrder(untilStopped));
  CHECK(stopped.exitCode == -1);
  CHECK(stopped.reason == "stopped");
  CHECK(stopped.code == 0);
  for (const char* script : {"exec sleep 600", untilStopped}) {
    TaskOrder order = taskOrder(script);
    order.deadlineNanos = nowNanos() + 300'000'000;
    const auto late = stage.run(order).status;
    CHECK(late.exitCode == -2);
    CHECK(late.reason == "time-limit");
  }
}

TEST_CASE("A command keeps its own code, also when it was stopped", "[jobs][task]") {
  TaskStage stage;
  CHECK(stage.run(TaskStage::shell("exit 7")).status.exitCode == 7);
  CHECK(stage.run(TaskStage::shell("kill -KILL $$")).status.exitCode == 128 + SIGKILL);
  CHECK(stoppedEnd(stage, TaskStage::shell("echo up; exec sleep 600")).exitCode == 128 + SIGTERM);
  const TaskOrder missing = TaskStage::orderOf({"callsheet-no-such-program"});
  static_cast<void>(stage.failureOf(missing));
  CHECK(stage.endOf(missing.ref).status.exitCode == -3);
}
