#include "jobs/foreground_task.h"

#include <poll.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "callsheet/errors.h"
#include "tests/jobs/task_stage.h"

using namespace callsheet;
using namespace callsheet::tests;
using Catch::Matchers::Contains;

namespace {

CommandSpec shell(const std::string& script) {
  CommandSpec order;
  order.argv = {"sh", "-c", script};
  return order;
}

std::set<std::string> filesIn(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.insert(entry.path().filename());
  return names;
}

TaskStatus runIn(const std::string& directory, const CommandSpec& order) {
  ForegroundTask task(directory);
  if (const auto why = task.start(order, 0)) FAIL(*why);
  const auto status = task.end();
  REQUIRE(status);
  return *status;
}

}  // namespace

TEST_CASE("A foreground task leaves its status and its output in its directory, and nothing else", "[jobs][task]") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "lock") << "mine";
  const TaskStatus status = runIn(directory.path(), shell("pwd; echo err >&2; exit 3"));
  CHECK(status.exitCode == 3);
  CHECK(status.outputLost == 0);
  CHECK(filesIn(directory.path()) == std::set<std::string>{"cli.result", "output.log", "lock"});
  CHECK(contentOf(directory / "lock") == "mine");
  CHECK_THAT(contentOf(directory / "cli.result"), Contains("{\"task_id\":\"cli\",\"process_id\":"));
  CHECK(contentOf(directory / "output.log") == std::filesystem::canonical(directory.path()).string() + "\nerr\n");
  // The next one takes the place of both.
  CHECK(runIn(directory.path(), shell("echo again")).exitCode == 0);
  CHECK(contentOf(directory / "output.log") == "again\n");
  CHECK(filesIn(directory.path()).size() == 3);
}

TEST_CASE("A foreground command's directory is given from that of its task", "[jobs][task]") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "below");
  CommandSpec order = shell("pwd");
  order.cwd = "below";
  static_cast<void>(runIn(directory.path(), order));
  CHECK(contentOf(directory / "output.log") == std::filesystem::canonical(directory / "below").string() + "\n");
  order.cwd = "/";
  static_cast<void>(runIn(directory.path(), order));
  CHECK(contentOf(directory / "output.log") == "/\n");
}

TEST_CASE("A foreground command that cannot be run says so in its status too", "[jobs][task]") {
  const TemporaryDirectory directory;
  ForegroundTask task(directory.path());
  CommandSpec order;
  order.argv = {"callsheet-no-such-program"};
  CHECK_THAT(task.start(order, 0).value_or(""), Contains("cannot be run: No such file"));
  const auto status = task.end();
  REQUIRE(status);
  CHECK(status->end == "not-started");
  CHECK(status->exitCode == -3);
}

TEST_CASE("A second task in the same directory is refused for as long as the first one runs", "[jobs][task]") {
  const TemporaryDirectory directory;
  {
    ForegroundTask first(directory.path());
    REQUIRE_FALSE(first.start(shell("echo up; exec sleep 600"), 0));
    CHECK_THROWS_WITH(ForegroundTask(directory.path()), Contains("another task runs in " + directory.path()));
    first.stop();
    const auto status = first.end();
    REQUIRE(status);
    CHECK(status->reason == "stopped");
  }
  CHECK(runIn(directory.path(), shell("exit 0")).exitCode == 0);
}

TEST_CASE("A foreground task that is killed leaves no process, and nobody knows how it ended", "[jobs][task]") {
  const TemporaryDirectory directory;
  ForegroundTask task(directory.path());
  REQUIRE_FALSE(task.start(shell("trap '' TERM; setsid sh -c 'echo $$; exec sleep 600' & wait"), 0));
  const pid_t pid = pidIn(directory / "output.log");
  task.stop();
  task.kill();
  CHECK(waitFor([&] { return !isAlive(pid); }));
  CHECK_FALSE(task.end());
}

TEST_CASE("Where its files cannot be made a foreground task runs nothing", "[jobs][task]") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "output.log");
  ForegroundTask task(directory.path());
  CHECK_THROWS_WITH(task.start(shell("touch " + (directory / "ran")), 0),
                    Contains("output.log and cli.result cannot be made in " + directory.path()));
  CHECK(filesIn(directory.path()) == std::set<std::string>{"output.log"});
  CHECK_THROWS_AS(ForegroundTask("/nowhere/at/all"), Error);
}
