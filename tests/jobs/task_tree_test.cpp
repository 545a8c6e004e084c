#include <signal.h>

#include <catch2/catch.hpp>
#include <iostream>

#include "jobs/task_group.h"
#include "tests/jobs/task_stage.h"

// The end of a command, with all that descends from it.
using namespace callsheet;
using namespace callsheet::tests;
using namespace std::chrono_literals;

namespace {
/// Starts a process in a session of its own, which writes its pid into the file, and waits for that.
std::string daemonise(const std::string& pidFile, const std::string& before = "") {
  return "setsid bash -c '" + before + "echo $$ > " + pidFile + "; while :; do sleep 600; done' & while ! [ -s " +
         pidFile + " ]; do :; done; ";
}
}  // namespace

TEST_CASE("To stop a command sends TERM to its whole tree", "[jobs][command]") {
  TaskStage stage;
  const std::string ready = stage.file("ready");
  const TaskOrder order =
      TaskStage::shell("trap 'wait; echo leader; exit 3' TERM;(trap 'echo child; exit 0' TERM; echo $$ > " + ready +
                       "; while :; do sleep 0.01; done) & wait");
  const RunningTask task = stage.start(order);
  static_cast<void>(pidIn(ready));
  stage.environment().signal(task, TaskSignal::stop);
  TaskStage::awaitEnd(task);
  const auto end = stage.endOf(order.ref);
  CHECK(end.status.reason == "stopped");
  CHECK(end.status.end == "exited");
  CHECK(end.status.code == 3);
  CHECK(end.output.ends_with("child\nleader\n"));  // the shell may say before that its sleep was terminated
}

TEST_CASE("A command that ignores TERM is killed after the grace, with all that made itself a daemon",
          "[jobs][command]") {
  TaskStage stage;
  TaskOrder order = TaskStage::shell("trap '' TERM; " + daemonise(stage.file("daemon"), "trap \"\" TERM; ") +
                                     "echo $$ > " + stage.file("ready") + "; while :; do sleep 1; done");
  order.command.graceMs = 50;
  const RunningTask task = stage.start(order);
  static_cast<void>(pidIn(stage.file("ready")));
  const pid_t daemon = pidIn(stage.file("daemon"));
  REQUIRE(isAlive(daemon));
  stage.environment().signal(task, TaskSignal::stop);
  TaskStage::awaitEnd(task);
  const auto end = stage.endOf(order.ref);
  CHECK(end.status.reason == "stopped");
  CHECK(end.status.end == "signaled");
  CHECK(end.status.code == SIGKILL);
  CHECK(end.status.durationMillis >= 50);
  CHECK_FALSE(isAlive(daemon));
}

TEST_CASE("A command is killed at once when that is asked, and a paused one stands still until it goes on",
          "[jobs][command]") {
  TaskStage stage;
  const auto isStopped = [](pid_t pid) { return processState(pid) && processState(pid)->isStoppedOrTraced(); };
  const TaskOrder order =
      TaskStage::shell("trap '' TERM; " + daemonise(stage.file("daemon")) + "while :; do sleep 1; done");
  const RunningTask task = stage.start(order);
  const pid_t daemon = pidIn(stage.file("daemon"));
  const auto stateIs = [&](const std::string& state) {
    const auto status = stage.environment().read(order.ref);
    return status && status->state == state;
  };
  stage.environment().signal(task, TaskSignal::pause);
  REQUIRE(waitFor([&] { return stateIs("paused"); }));
  CHECK(waitFor([&] { return isStopped(task.leader) && isStopped(daemon); }));
  stage.environment().signal(task, TaskSignal::resume);
  REQUIRE(waitFor([&] { return stateIs("running"); }));
  CHECK(waitFor([&] { return !isStopped(task.leader) && !isStopped(daemon); }));
  // A paused one hears TERM too.
  stage.environment().signal(task, TaskSignal::pause);
  REQUIRE(waitFor([&] { return stateIs("paused"); }));
  stage.environment().signal(task, TaskSignal::kill);
  TaskStage::awaitEnd(task);
  const auto end = stage.endOf(order.ref);
  CHECK(end.status.code == SIGKILL);
  CHECK(end.status.durationMillis < 4'000);
  CHECK_FALSE(isAlive(daemon));
}

TEST_CASE("What a finished command leaves behind is killed, in its group and out of it", "[jobs][command]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::shell(daemonise(stage.file("daemon")) + "sleep 600 & echo $! > " +
                                           stage.file("child") + "; echo first; exit 5");
  const auto end = stage.run(order);
  CHECK(end.status.code == 5);
  CHECK(end.output == "first\n");
  CHECK_FALSE(isAlive(pidIn(stage.file("child"))));
  CHECK_FALSE(isAlive(pidIn(stage.file("daemon"))));
  CHECK_FALSE(stage.open(order.ref.job).isHeld(LockedByte::tree));
}

TEST_CASE("A command dies with its shim, and what it left holding the lock dies before the next attempt begins",
          "[jobs][command]") {
  TaskStage stage;
  const JobID job = makeJobID();
  const TaskOrder order = TaskStage::shell(daemonise(stage.file("daemon")) + "exec sleep 600", job, 1);
  const RunningTask task = stage.start(order);
  const pid_t daemon = pidIn(stage.file("daemon"));
  const auto record = stage.open(job).record();
  REQUIRE(record);
  ::kill(record->shim, SIGKILL);
  TaskStage::awaitEnd(task);
  CHECK(waitFor([&] { return !isAlive(task.leader); }));
  CHECK(isAlive(daemon));
  // A zombie is dead; it need not have been reaped.
  const auto next = stage.run(TaskStage::shell("case $(sed 's/.*) //; s/ .*//' /proc/" + std::to_string(daemon) +
                                                   "/stat 2>/dev/null) in '' | Z | X) ;; *) echo both ;; esac",
                                               job, 2));
  CHECK(next.output.empty());
  CHECK_FALSE(isAlive(daemon));
}

namespace {
/// Whether commands get control groups here; says so where they do not.
bool hasGroups() {
  const bool has = !TaskGroup::pathFor(makeJobID(), 1).empty();
  if (!has) std::cout << "SKIPPED: there are no control groups of version 2 that this process may make\n";
  return has;
}
}  // namespace

TEST_CASE("In a control group nobody outlives the shim and the next attempt's begin, whatever it has closed",
          "[jobs][command]") {
  if (!hasGroups()) return;
  TaskStage stage;
  const JobID job = makeJobID();
  const RunningTask task =
      stage.start(TaskStage::shell(daemonise(stage.file("daemon"), "exec 109>&-; ") + "exec sleep 600", job, 1));
  const pid_t daemon = pidIn(stage.file("daemon"));
  const AtEnd cleanup{-daemon};
  const std::string former = stage.open(job).group();
  CHECK(TaskGroup::attemptIn(former, job) == 1);
  ::kill(stage.open(job).record()->shim, SIGKILL);
  TaskStage::awaitEnd(task);
  CHECK(stage
            .run(TaskStage::shell("case $(sed 's/.*) //; s/ .*//' /proc/" + std::to_string(daemon) +
                                      "/stat 2>/dev/null) in '' | Z | X) ;; *) echo both ;; esac",
                                  job, 2))
            .output.empty());
  CHECK_FALSE(isAlive(daemon));
  CHECK_FALSE(TaskGroup::open(former));
}

TEST_CASE("A lost command's control group is emptied, and a task's group goes with its shim", "[jobs][command]") {
  if (!hasGroups()) return;
  TaskStage stage;
  const TaskOrder order = TaskStage::shell(daemonise(stage.file("daemon"), "exec 109>&-; ") + "exec sleep 600");
  const RunningTask task = stage.start(order);
  const pid_t daemon = pidIn(stage.file("daemon"));
  const AtEnd cleanup{-daemon};
  const std::string group = stage.open(order.ref.job).group();
  const auto opened = TaskGroup::open(group);
  REQUIRE(opened);
  CHECK_FALSE(opened->isEmpty());
  ::kill(stage.open(order.ref.job).record()->shim, SIGKILL);
  TaskStage::awaitEnd(task);
  CHECK(stage.environment().find(order.ref, true).what == FoundTask::What::lost);
  CHECK_FALSE(isAlive(daemon));
  CHECK_FALSE(TaskGroup::open(group));

  const TaskOrder good = TaskStage::shell(daemonise(stage.file("other"), "exec 109>&-; ") + "exit 3");
  CHECK(stage.run(good).status.code == 3);
  CHECK_FALSE(isAlive(pidIn(stage.file("other"))));
  CHECK_FALSE(TaskGroup::open(stage.open(good.ref.job).group()));
}

TEST_CASE("What a group's path says is believed only of the attempt's own group", "[jobs][command]") {
  const JobID job = makeJobID();
  const std::string name = "/sys/fs/cgroup/callsheet-" + job.toString();
  CHECK(TaskGroup::attemptIn(name + ".12", job) == 12);
  for (const std::string& path : {std::string(), name, name + ".", name + ".x", name + ".1/", name + ".1x",
                                  "/sys/fs/cgroup/callsheet-" + makeJobID().toString() + ".1"})
    CHECK_FALSE(TaskGroup::attemptIn(path, job));
  TemporaryDirectory directory;
  CHECK_FALSE(TaskGroup::open(directory.path()));  // no control group
}

TEST_CASE("The one exception: who closed the lock and outlived a killed shim runs beside the next attempt",
          "[jobs][command]") {
  TaskStage stage(ShimEnvironment::Groups::none);
  const JobID job = makeJobID();
  const RunningTask task =
      stage.start(TaskStage::shell(daemonise(stage.file("daemon"), "exec 109>&-; ") + "exec sleep 600", job, 1));
  const pid_t daemon = pidIn(stage.file("daemon"));
  const AtEnd cleanup{-daemon};
  ::kill(stage.open(job).record()->shim, SIGKILL);
  TaskStage::awaitEnd(task);
  CHECK(stage.run(TaskStage::orderOf({"true"}, job, 2)).status.code == 0);
  CHECK(isAlive(daemon));
}

TEST_CASE("An attempt that comes late leaves the tree of a later one alone, and begins nothing", "[jobs][command]") {
  TaskStage stage;
  const JobID job = makeJobID();
  const RunningTask later = stage.start(TaskStage::orderOf({"sleep", "600"}, job, 2));
  const TaskFailure late = stage.failureOf(TaskStage::shell("echo ran > " + stage.file("ran"), job, 1));
  CHECK_FALSE(late.isOfCommand);
  CHECK(isAlive(later.leader));
  stage.environment().signal(later, TaskSignal::stop);
  TaskStage::awaitEnd(later);
  CHECK_FALSE(stage.failureOf(TaskStage::shell("echo ran > " + stage.file("ran"), job, 1)).isOfCommand);
  CHECK(contentOf(stage.file("ran")).empty());
}

TEST_CASE("Never do two process trees of one job run at a time, however often shims are killed", "[jobs][command]") {
  TaskStage stage;
  const JobID job = makeJobID();
  // Each attempt says so when it finds another one alive.
  const std::string script =
      "for pid in $(cat " + stage.file("pids") + " 2>/dev/null); do [ -d /proc/$pid ] && grep -q '^State:.[RSDT]' " +
      "/proc/$pid/status && echo $pid >> " + stage.file("both") + "; done; echo $$ >> " + stage.file("pids") + "; " +
      "setsid sh -c 'echo $$ >> " + stage.file("pids") + "; exec sleep 600' & exec sleep 600";
  for (std::uint32_t attempt = 1; attempt <= 12; ++attempt) {
    const RunningTask task = stage.start(TaskStage::shell(script, job, attempt));
    const auto record = stage.open(job).record();
    REQUIRE(record);
    REQUIRE(record->attempt == attempt);
    if (attempt % 3 != 0)
      REQUIRE(waitFor([&] {
        const std::string pids = contentOf(stage.file("pids"));
        return std::count(pids.begin(), pids.end(), '\n') >= 2;
      }));
    ::kill(record->shim, SIGKILL);
    TaskStage::awaitEnd(task);
  }
  CHECK(contentOf(stage.file("both")).empty());
}
