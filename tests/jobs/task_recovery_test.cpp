#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/jobs/task_stage.h"

// What whoever comes next finds of a command: running, ended, lost or never begun; never a guess.
using namespace callsheet;
using namespace callsheet::tests;
using namespace std::chrono_literals;
using What = FoundTask::What;

namespace {
What whatOf(TaskStage& stage, const TaskRef& ref, bool isOfThisBoot = true) {
  return stage.environment().find(ref, isOfThisBoot).what;
}
/// Kills the shim and waits until it is gone.
void killShim(TaskStage& stage, const TaskOrder& order, const RunningTask& task) {
  const auto record = stage.open(order.ref.job).record();
  REQUIRE(record);
  ::kill(record->shim, SIGKILL);
  TaskStage::awaitEnd(task);
}
}  // namespace

TEST_CASE("A running command is found with the same process, by somebody who knows its name alone",
          "[jobs][recovery]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::orderOf({"sleep", "600"});
  const RunningTask task = stage.start(order);
  ShimEnvironment other(stage.store());
  FoundTask found = other.find(order.ref, true);
  REQUIRE(found.what == What::running);
  CHECK(found.running.leader == task.leader);
  other.signal(found.running, TaskSignal::stop);
  TaskStage::awaitEnd(task);
  found = other.find(order.ref, true);
  CHECK(found.what == What::ended);
  CHECK(found.status.reason == "stopped");
}

TEST_CASE("What was never started is told from what was begun and lost", "[jobs][recovery]") {
  TaskStage stage;
  CHECK(whatOf(stage, {makeJobID(), ExecID{Uuid::makeV4()}, 1}) == What::neverBegun);
  const TaskOrder order = TaskStage::orderOf({"sleep", "600"});
  const RunningTask task = stage.start(order);
  killShim(stage, order, task);
  CHECK(whatOf(stage, order.ref) == What::lost);
  CHECK(whatOf(stage, order.ref) == What::lost);
  // The next hand-out of the same job, of which there is no trace.
  CHECK(whatOf(stage, {order.ref.job, ExecID{Uuid::makeV4()}, 2}) == What::neverBegun);
}

TEST_CASE("A start that comes after its attempt was found never begun begins nothing", "[jobs][recovery]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::shell("echo ran > " + stage.file("ran"));
  REQUIRE(whatOf(stage, order.ref) == What::neverBegun);
  CHECK_FALSE(stage.failureOf(order).isOfCommand);
  CHECK(contentOf(stage.file("ran")).empty());
  TaskOrder next = TaskStage::shell("echo next", order.ref.job, 2);
  CHECK(stage.run(next).output == "next\n");
}

TEST_CASE("After a reboot only what is written down counts", "[jobs][recovery]") {
  TaskStage stage;
  CHECK(whatOf(stage, {makeJobID(), ExecID{Uuid::makeV4()}, 1}, false) == What::lost);
  const TaskOrder ended = TaskStage::shell("exit 4");
  static_cast<void>(stage.run(ended));
  const FoundTask found = stage.environment().find(ended.ref, false);
  CHECK(found.what == What::ended);
  CHECK(found.status.code == 4);
  const TaskOrder cut = TaskStage::orderOf({"sleep", "600"});
  killShim(stage, cut, stage.start(cut));
  CHECK(whatOf(stage, cut.ref, false) == What::lost);
}

TEST_CASE("A status file that is missing, torn or foreign is not believed", "[jobs][recovery]") {
  TaskStage stage;
  for (const std::string& text : {std::string(), std::string("{\"task_id\":\"3df2bb24\",\"proc"), std::string("null"),
                                  std::string("{}"), std::string(20'000, '{')}) {
    INFO(text.substr(0, 40));
    const TaskOrder ended = TaskStage::shell("exit 6");
    static_cast<void>(stage.run(ended));
    std::ofstream(stage.statusFile(ended.ref.job), std::ios::trunc) << text;
    FoundTask found = stage.environment().find(ended.ref, true);
    CHECK(found.what == What::ended);  // the lock file knows as well
    CHECK(found.status.code == 6);

    const TaskOrder killed = TaskStage::orderOf({"sleep", "600"});
    killShim(stage, killed, stage.start(killed));
    std::ofstream(stage.statusFile(killed.ref.job), std::ios::trunc) << text;
    CHECK(whatOf(stage, killed.ref) == What::lost);
  }
  const TaskOrder one = TaskStage::shell("exit 0");
  static_cast<void>(stage.run(one));
  const TaskOrder other = TaskStage::orderOf({"sleep", "600"});
  killShim(stage, other, stage.start(other));
  std::filesystem::copy_file(stage.statusFile(one.ref.job), stage.statusFile(other.ref.job),
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(whatOf(stage, other.ref) == What::lost);
}

TEST_CASE("A lock file that is damaged says nothing, and the status file is believed", "[jobs][recovery]") {
  TaskStage stage;
  const TaskOrder ended = TaskStage::shell("exit 6");
  static_cast<void>(stage.run(ended));
  std::ofstream(stage.taskFile(ended.ref.job, "lock"), std::ios::trunc) << std::string(400, 'x');
  const FoundTask found = stage.environment().find(ended.ref, true);
  CHECK(found.what == What::ended);
  CHECK(found.status.code == 6);
}

TEST_CASE("A command whose directory was taken away goes on and is found, and its end is lost", "[jobs][recovery]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::orderOf({"sleep", "600"});
  const RunningTask task = stage.start(order);
  // Its shim may be writing there.
  REQUIRE(waitFor([&] {
    std::error_code error;
    std::filesystem::remove_all(stage.taskFile(order.ref.job, ""), error);
    return !error;
  }));
  const FoundTask found = stage.environment().find(order.ref, true);
  REQUIRE(found.what == What::running);
  CHECK(isAlive(task.leader));
  stage.environment().signal(found.running, TaskSignal::stop);
  TaskStage::awaitEnd(task);
  CHECK_FALSE(isAlive(task.leader));
}

TEST_CASE("A pid that was used again is never signalled", "[jobs][recovery]") {
  TaskStage stage;
  const JobID job = makeJobID();
  const TaskOrder order = TaskStage::orderOf({"sleep", "600"}, job, 1);
  const RunningTask task = stage.start(order);
  const auto record = stage.open(job).record();
  killShim(stage, order, task);
  // Its record names a stranger now: another start time, the same pid.
  const pid_t stranger = ::fork();
  if (stranger == 0)
    for (;;) ::pause();
  const AtEnd cleanup{stranger};
  std::string text = contentOf(stage.taskFile(job, "lock"));
  const std::string before = "shim " + std::to_string(record->shim) + " " + std::to_string(record->shimStart);
  // Both may have started within one tick of that clock, and then nobody could tell them apart.
  std::string after = "shim " + std::to_string(stranger) + " " + std::to_string(record->shimStart - 1);
  after.resize(before.size(), ' ');
  REQUIRE(text.find(before) != text.npos);
  text.replace(text.find(before), before.size(), after);
  std::ofstream(stage.taskFile(job, "lock"), std::ios::binary) << text;
  CHECK(whatOf(stage, order.ref) == What::lost);
  CHECK(stage.run(TaskStage::orderOf({"true"}, job, 2)).status.code == 0);
  CHECK(isAlive(stranger));
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST_CASE("A shim that stands still is killed when it must, and its command with it", "[jobs][recovery]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::orderOf({"sleep", "600"});
  const RunningTask task = stage.start(order);
  ::kill(stage.open(order.ref.job).record()->shim, SIGSTOP);
  CHECK(whatOf(stage, order.ref) == What::running);
  stage.environment().kill(order.ref);
  TaskStage::awaitEnd(task);
  CHECK(waitFor([&] { return !isAlive(task.leader); }));
  CHECK(whatOf(stage, order.ref) == What::lost);
}
