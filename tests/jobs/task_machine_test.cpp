#include "jobs/task_machine.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "callsheet/errors.h"
#include "tests/jobs/task_stage.h"

using namespace callsheet;
using Catch::Matchers::Contains;

namespace {

using Strings = std::vector<std::string>;

CommandSpec commandOf(const std::string& machine, const std::string& parameters) {
  return commandOfTask({machine, parameters}, "/bin/callsheet");
}

template <class Work>
std::string refusalOf(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return {};
}
std::string refusalOfBody(const std::string& text) {
  return refusalOf([&] { static_cast<void>(parseTaskBody(text)); });
}
std::string refusalOfOrder(const std::string& machine, const std::string& parameters) {
  return refusalOf([&] { static_cast<void>(commandOf(machine, parameters)); });
}

}  // namespace

TEST_CASE("A task's body has a machine and parameters of any kind", "[jobs][task]") {
  for (const char* parameters : {"null", "3", "\"text\"", "[1,\"a\"]", "{\"b\":[]}"}) {
    const TaskBody body = parseTaskBody(std::string(R"({"machine": "m", "parameters": )") + parameters + "}");
    CHECK(body.machine == "m");
    CHECK(body.parameters == parameters);
  }
}

TEST_CASE("A task's body names what is missing, and what does not belong there", "[jobs][task]") {
  CHECK(refusalOfBody("{}") == "A task needs 'machine' and 'parameters'.");
  CHECK(refusalOfBody(R"({"machine":"m"})") == "A task needs 'parameters'.");
  CHECK(refusalOfBody(R"({"parameters":1})") == "A task needs 'machine'.");
  CHECK(refusalOfBody(R"({"other":1})") ==
        "A task needs 'machine' and 'parameters', and nothing else: it has 'other'.");
  CHECK(refusalOfBody(R"({"machine":"m","parameters":1,"b":2,"a":3})") ==
        "A task has 'machine' and 'parameters' and nothing else, but not 'a', 'b'.");
  CHECK(refusalOfBody(R"({"machine":5,"parameters":1})") == "A task's 'machine' is a name, not 5.");
  for (const char* text : {"[]", "3", "\"machine\""}) CHECK_THAT(refusalOfBody(text), Contains("is an object with"));
  for (const char* text : {"", "{bad", "{\"machine\":\"\xff\"}"})
    CHECK_THAT(refusalOfBody(text), Contains("The JSON is refused"));
  const std::string large = R"({"machine":"m","parameters":")" + std::string(1u << 20, 'x') + "\"}";
  CHECK_THAT(refusalOfBody(large), Contains("1048576 are allowed"));
}

TEST_CASE("A machine that does not exist is refused with those that do", "[jobs][task]") {
  CHECK(refusalOfOrder("nope", "[]") == "There is no machine 'nope'; there are command and echo.");
  CHECK_THAT(refusalOfOrder("", "[]"), Contains("no machine ''"));
  CHECK_THAT(refusalOfOrder("Echo", "[]"), Contains("no machine 'Echo'"));
}

TEST_CASE("The command machine takes what a command's job takes", "[jobs][task]") {
  const CommandSpec command = commandOf("command", R"({"argv":["ls","-l"],"env":{"A":"b"},"cwd":"/tmp"})");
  CHECK(command.argv == Strings{"ls", "-l"});
  CHECK(command.env == std::map<std::string, std::string>{{"A", "b"}});
  CHECK(command.cwd == "/tmp");
  CHECK_FALSE(command.taskCodes);
  CHECK(commandOf("command", R"({"argv":["true"]})").cwd.empty());
  CHECK_THAT(refusalOfOrder("command", "{}"), Contains("cannot read its parameters") && Contains("argv"));
  CHECK_THAT(refusalOfOrder("command", R"(["ls"])"), Contains("cannot read its parameters"));
  CHECK_THAT(refusalOfOrder("command", R"({"argv":[]})"), Contains("the name of its program"));
  CHECK_THAT(refusalOfOrder("command", R"({"argv":["a\u0000"]})"), Contains("zero byte"));
}

TEST_CASE("The echo machine takes a text as it takes its lines as a list", "[jobs][task]") {
  const Strings head{"/bin/callsheet", "machine", "echo", "--"};
  const auto statementsOf = [&](const std::string& parameters) {
    const CommandSpec command = commandOf("echo", parameters);
    CHECK(command.taskCodes == true);
    const auto& argv = command.argv;
    REQUIRE(argv.size() >= head.size());
    CHECK(Strings(argv.begin(), argv.begin() + 4) == head);
    return Strings(argv.begin() + 4, argv.end());
  };
  const Strings lines{"echo 'a' \"b\" $c", "", "# [x] --", "sleep 1"};
  CHECK(statementsOf(R"(["echo 'a' \"b\" $c","","# [x] --","sleep 1"])") == lines);
  CHECK(statementsOf(R"("echo 'a' \"b\" $c\n\n# [x] --\nsleep 1\n")") == lines);
  CHECK(statementsOf("  \"echo a\"") == Strings{"echo a"});
  CHECK(statementsOf("[]").empty());
  CHECK(statementsOf("\"\"").empty());
}

TEST_CASE("The echo machine refuses what it could not run", "[jobs][task]") {
  CHECK_THAT(refusalOfOrder("echo", R"(["echo a","jump"])"), Contains("Line 2: there is no statement 'jump'"));
  CHECK_THAT(refusalOfOrder("echo", R"("echo a\n\njump")"), Contains("Line 3: there is no statement 'jump'"));
  for (const char* parameters : {"5", "null", "{}", "[1]", "[[\"echo a\"]]"})
    CHECK_THAT(refusalOfOrder("echo", parameters), Contains("takes a list of statements, or a text"));
  CHECK_THAT(refusalOfOrder("echo", "[\"echo a\",\"echo " + std::string(70'000, 'x') + "\"]"),
             Contains("Line 2 has more than 65536 bytes"));
  std::string many;
  for (int line = 0; line <= 10'000; ++line) many += "return\\n";
  CHECK_THAT(refusalOfOrder("echo", "\"" + many + "\""), Contains("10000 statements at most"));
}

TEST_CASE("As many and as long statements as the echo machine takes, the kernel takes too", "[jobs][task]") {
  tests::TaskStage stage;
  std::string many;
  for (int line = 0; line < 9'999; ++line) many += "#" + std::string(90, 'x') + "\\n";
  for (const std::string& parameters : {"\"" + many + "return\"", "[\"#" + std::string(65'000, 'x') + "\"]"}) {
    TaskOrder task = tests::TaskStage::orderOf({"true"});
    task.command = commandOf("echo", parameters);
    task.command.taskCodes.reset();
    task.command.argv.front() = "true";
    CHECK(stage.run(task).status.exitCode == 0);
  }
}

TEST_CASE("This process's own program is the file that it runs", "[jobs][task]") {
  CHECK(std::filesystem::equivalent(ownProgram(), "/proc/self/exe"));
}
