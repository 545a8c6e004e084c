#include "jobs/shim_environment.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "ipc/boot_clock.h"
#include "tests/jobs/task_stage.h"
#include "tests/support/open_descriptors.h"

// What a command gets, and what comes back of it.
using namespace callsheet;
using namespace callsheet::tests;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("A command's exit code, output and times come back", "[jobs][command]") {
  TaskStage stage;
  const auto end = stage.run(TaskStage::shell("echo out; echo err >&2; exit 7"));
  CHECK(end.status.end == "exited");
  CHECK(end.status.code == 7);
  CHECK(end.status.reason == "none");
  CHECK(end.output == "out\nerr\n");
  CHECK(end.status.outputBytes == 8);
  CHECK(end.status.leader > 1);
  CHECK(end.status.startedAt.size() == std::string("2026-11-30T02:04:31.347139+00:00").size());
  CHECK(end.status.startedAt <= end.status.finishedAt);
  CHECK(end.status.finishedAt <= end.status.updatedAt);
  CHECK(end.status.maxRssKib > 100);
}

TEST_CASE("A command that dies of a signal is told from one that exits with 128 + n", "[jobs][command]") {
  TaskStage stage;
  const auto killed = stage.run(TaskStage::shell("kill -SEGV $$"));
  CHECK(killed.status.end == "signaled");
  CHECK(killed.status.code == SIGSEGV);
  const auto exited = stage.run(TaskStage::shell("exit 139"));
  CHECK(exited.status.end == "exited");
  CHECK(exited.status.code == 139);
}

TEST_CASE("The status file has the fields of a task, and all that we know in `status`", "[jobs][command]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::shell("exit 3");
  static_cast<void>(stage.run(order));
  const std::string text = contentOf(stage.statusFile(order.ref.job));
  CHECK_THAT(text, Contains("{\"task_id\":\"" + shortIDOf(order.ref.job) + "\",\"process_id\":"));
  CHECK_THAT(text, Contains("\"exit_code\":3,\"status\":{\"v\":1,\"job\":\"" + order.ref.job.toString() + "\""));
  CHECK_THAT(text, Contains("\"boot\":\"" + currentBootID().toString() + "\""));
  CHECK(text.ends_with("}}\n"));
}

TEST_CASE("A program that cannot be run is a failure with its reason, and exit code 127 is not", "[jobs][command]") {
  TaskStage stage;
  const auto missing = stage.failureOf(TaskStage::orderOf({"callsheet-no-such-program"}));
  CHECK(missing.isOfCommand);
  CHECK(missing.sentence == "The program 'callsheet-no-such-program' cannot be run: No such file or directory.");
  CHECK_THAT(stage.failureOf(TaskStage::orderOf({"/nowhere/at/all"})).sentence, Contains("No such file"));
  TaskOrder elsewhere = TaskStage::orderOf({"true"});
  elsewhere.command.cwd = "/nowhere/at/all";
  CHECK_THAT(stage.failureOf(elsewhere).sentence, Contains("'/nowhere/at/all' cannot be entered"));
  std::ofstream(stage.file("plain")) << "text";
  const TaskOrder plain = TaskStage::orderOf({stage.file("plain")});
  CHECK_THAT(stage.failureOf(plain).sentence, Contains("Permission denied"));
  // Whoever comes later learns that too.
  const auto end = stage.endOf(plain.ref);
  CHECK(end.status.end == "not-started");
  CHECK(end.status.code == EACCES);
  std::filesystem::permissions(stage.file("plain"), std::filesystem::perms::owner_all);
  CHECK_THAT(stage.failureOf(TaskStage::orderOf({stage.file("plain")})).sentence, Contains("Exec format error"));
  CHECK(stage.run(TaskStage::shell("exit 127")).status.code == 127);
}

TEST_CASE("A command gets its directory, its environment and the PATH in it", "[jobs][command]") {
  TaskStage stage;
  TaskOrder order = TaskStage::shell("pwd; echo \"$MINE-$HOME-${NOTIFY_SOCKET-none}\"; umask");
  order.command.cwd = stage.file("");
  order.command.env = {{"MINE", "x"}, {"HOME", "/other"}};
  ::setenv("NOTIFY_SOCKET", "/run/secret", 1);
  const auto end = stage.run(order);
  ::unsetenv("NOTIFY_SOCKET");
  CHECK(end.output == std::filesystem::canonical(stage.file("")).string() + "\nx-/other-none\n0022\n");

  CHECK(stage.run(TaskStage::orderOf({"pwd"})).output == std::filesystem::current_path().string() + "\n");
  TaskOrder below = TaskStage::orderOf({"pwd"});
  below.command.cwd = "..";
  CHECK(stage.run(below).output == std::filesystem::current_path().parent_path().string() + "\n");

  std::ofstream(stage.file("greet")) << "#!/bin/sh\necho found $0 $1\n";
  std::filesystem::permissions(stage.file("greet"), std::filesystem::perms::owner_all);
  TaskOrder greet = TaskStage::orderOf({"greet", "arg"});
  greet.command.env = {{"PATH", "/nowhere:" + stage.file(".") + ":/bin"}};
  CHECK_THAT(stage.run(greet).output, Contains("found ") && Contains("/greet arg"));
}

TEST_CASE("A command inherits the lock of its task and no other descriptor", "[jobs][command]") {
  TaskStage stage;
  const int leaky = ::open("/dev/null", O_RDONLY);  // not CLOEXEC: somebody else's mistake
  const auto end = stage.run(TaskStage::orderOf({"ls", "-l", "/proc/self/fd"}));
  ::close(leaky);
  CHECK_THAT(end.output, Contains(" 0 -> /dev/null") && Contains(" 109 -> ") && Contains("/lock"));
  std::istringstream lines(end.output);
  std::vector<int> numbers;
  for (std::string line; std::getline(lines, line);) {
    const auto arrow = line.find(" -> ");
    if (arrow == line.npos || line.find("-> /proc/") != line.npos) continue;  // of ls itself
    const int number = std::stoi(line.substr(line.rfind(' ', arrow - 1)));
    if (number > 2) numbers.push_back(number);
  }
  CHECK(numbers == std::vector<int>{109});
}

TEST_CASE("A command starts with default signals, none of them blocked, in a group of its own", "[jobs][command]") {
  TaskStage stage;
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
  const auto end = stage.run(TaskStage::orderOf({"cat", "/proc/self/status", "/proc/self/stat"}));
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  ::signal(SIGPIPE, before);
  CHECK_THAT(end.output, Contains("SigBlk:\t0000000000000000") && Contains("SigIgn:\t0000000000000000"));
  const auto pid = std::to_string(end.status.leader);
  const auto stat = end.output.substr(end.output.find(pid + " (cat) R "));
  std::istringstream words(stat);
  std::string word;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  words >> word >> word >> word >> parent >> group >> session;
  CHECK(group == end.status.leader);
  CHECK(session == parent);  // its shim's, which is not ours
  CHECK(session != ::getsid(0));
}

TEST_CASE("A shim is small, keeps nothing of its director, and says what it holds", "[jobs][command]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::shell("exec sleep 600");
  const RunningTask task = stage.start(order);
  const auto record = stage.open(order.ref.job).record();
  REQUIRE(record);
  CHECK(record->exec == order.ref.exec);
  CHECK(record->leader == task.leader);
  CHECK_FALSE(record->hasEnded());
  const std::string process = "/proc/" + std::to_string(record->shim) + "/";
  CHECK(contentOf(process + "environ").empty());
  CHECK(contentOf(process + "cmdline").starts_with("callsheet-shim"));
  CHECK(contentOf(process + "comm") == "callsheet-shim\n");
  CHECK(std::filesystem::read_symlink(process + "cwd") == "/");
  std::string word;
  std::istringstream words(contentOf(process + "status"));
  while (words >> word && word != "VmRSS:") continue;
  int residentKib = 0;
  words >> residentKib;
  CHECK(residentKib > 0);
  CHECK(residentKib < 2048);
}

TEST_CASE("Of ten megabytes of output all is kept and counted, of more than its limit the end", "[jobs][command]") {
  TaskStage stage;
  const TaskOrder order = TaskStage::shell("head -c 10485760 /dev/zero | tr '\\0' x; echo end");
  const auto end = stage.run(order);
  CHECK(end.status.code == 0);
  CHECK(end.output.size() == 64u << 10);
  CHECK(end.output.ends_with("xend\n"));
  CHECK(end.status.outputBytes == 10'485'764);
  CHECK(end.status.outputCut == 0);
  CHECK(std::filesystem::file_size(stage.taskFile(order.ref.job, "output.log")) == 10'485'764);

  TaskOrder limited = TaskStage::shell("seq 1 400000");
  limited.command.outputMaxBytes = 1'000'000;
  const auto cut = stage.run(limited);
  CHECK(cut.output.ends_with("399999\n400000\n"));
  const auto now = std::filesystem::file_size(stage.taskFile(limited.ref.job, "output.log"));
  const auto old = std::filesystem::file_size(stage.taskFile(limited.ref.job, "output.log.old"));
  CHECK(now + old <= 1'000'000);
  CHECK(now + old >= 400'000);
  CHECK(cut.status.outputCut + now + old == cut.status.outputBytes);
  CHECK(cut.status.outputBytes == 2'688'895);
}

TEST_CASE("The files of an attempt keep its number when the next one begins", "[jobs][command]") {
  TaskStage stage;
  const JobID job = makeJobID();
  static_cast<void>(stage.run(TaskStage::shell("echo first; exit 1", job, 1)));
  const auto second = stage.run(TaskStage::shell("echo second", job, 2));
  CHECK(second.output == "second\n");
  CHECK(contentOf(stage.taskFile(job, "output.log.1")) == "first\n");
  CHECK_THAT(contentOf(stage.taskFile(job, shortIDOf(job) + ".result.1")), Contains("\"exit_code\":1"));
}

TEST_CASE("A command reads what it is given, and has the mask, the priorities and the limits that it asks for",
          "[jobs][command]") {
  TaskStage stage;
  TaskOrder order = TaskStage::shell("cat; umask; nice; ionice; ulimit -v; ulimit -t");
  order.command.input = "a text\n";
  order.command.umask = "027";
  order.command.nice = 3;
  order.command.ionice = "idle";
  order.command.memoryBytes = 512u << 20;
  order.command.cpuSeconds = 7;
  CHECK(stage.run(order).output == "a text\n0027\n3\nidle\n524288\n7\n");
  TaskOrder file = TaskStage::orderOf({"cat"});
  std::ofstream(stage.file("given")) << "from a file";
  file.command.stdinFile = stage.file("given");
  CHECK(stage.run(file).output == "from a file");
  file = TaskStage::orderOf({"cat"});
  file.command.stdinFile = stage.file("missing");
  CHECK_THAT(stage.failureOf(file).sentence, Contains("input cannot be opened"));
  TaskOrder apart = TaskStage::shell("echo out; echo err >&2");
  apart.command.separateStderr = true;
  CHECK(stage.run(apart).output == "out\n");
  CHECK(contentOf(stage.taskFile(apart.ref.job, "stderr.log")) == "err\n");
}

TEST_CASE("A command whose time is over is ended by its shim, which says so", "[jobs][command]") {
  TaskStage stage;
  TaskOrder order = TaskStage::orderOf({"sleep", "600"});
  order.deadlineNanos = nowNanos() + 50'000'000;
  const auto end = stage.run(order);
  CHECK(end.status.reason == "time-limit");
  CHECK(end.status.end == "signaled");
  CHECK(end.status.code == SIGTERM);
}

TEST_CASE("A reader of the status file never sees half of one", "[jobs][command]") {
  TaskStage stage;
  TaskOrder order = TaskStage::orderOf({"sleep", "600"});
  order.heartbeat = 1ms;
  const RunningTask task = stage.start(order);
  REQUIRE(waitFor([&] { return !contentOf(stage.statusFile(order.ref.job)).empty(); }));
  std::string last;
  int writes = 0;
  int halves = 0;
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (writes < 3'000 && std::chrono::steady_clock::now() < until) {
    std::string text = contentOf(stage.statusFile(order.ref.job));
    if (!text.starts_with("{\"task_id\"") || !text.ends_with("}}\n")) ++halves;
    if (text != last) ++writes;
    last = std::move(text);
  }
  CHECK(halves == 0);
  CHECK(writes == 3'000);
}

TEST_CASE("Where the status file cannot be written, the lock file says how the command ended", "[jobs][command]") {
  TaskStage stage;
  TaskOrder order = TaskStage::shell("exit 5");
  order.heartbeat = 10ms;
  // The file's place is taken by what cannot be replaced by a file, as a full disk would keep it from being written.
  std::filesystem::create_directories(stage.taskFile(order.ref.job, "." + shortIDOf(order.ref.job) + ".result.new"));
  const auto end = stage.run(order);
  CHECK(end.status.end == "exited");
  CHECK(end.status.code == 5);
}

TEST_CASE("Many commands at a time neither mix nor leak", "[jobs][command]") {
  TaskStage stage;
  static_cast<void>(stage.run(TaskStage::orderOf({"true"})));  // what is opened once for the whole process
  const auto before = openDescriptors();
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 15; ++round) {
        const std::string word = std::to_string(thread) + "-" + std::to_string(round);
        const TaskOrder order = TaskStage::shell("echo " + word + "; exit " + std::to_string(round));
        auto started = stage.environment().start(order, {});
        if (!std::holds_alternative<RunningTask>(started)) continue;
        const RunningTask& task = std::get<RunningTask>(started);
        pollfd watched{task.process.number(), POLLIN, 0};
        if (task.process.isOpen()) ::poll(&watched, 1, 30'000);
        siginfo_t info{};
        ::waitid(P_PIDFD, static_cast<id_t>(task.process.number()), &info, WEXITED);
        const FoundTask found = stage.environment().find(order.ref, true);
        if (found.what == FoundTask::What::ended && found.status.code == round &&
            stage.environment().tail(order.ref, 100) == word + "\n")
          ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == 60);
  CHECK(openDescriptors() == before);
}
