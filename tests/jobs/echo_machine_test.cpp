#include "jobs/echo_machine.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "callsheet/errors.h"
#include "ipc/file_descriptor.h"
#include "tests/jobs/task_stage.h"

using namespace callsheet;
using namespace callsheet::tests;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::Matches;

namespace {

using Lines = std::vector<std::string>;

/// Where a program runs: its output goes to a file, and an event asks it to end.
class EchoStage {
 public:
  EchoEnd run(const Lines& lines, std::chrono::milliseconds cleanupMax = 30s) {
    const FileDescriptor output(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    return EchoProgram(lines).run({output.number(), stop_.number(), cleanupMax});
  }
  void askToEnd() {
    const std::uint64_t one = 1;
    REQUIRE(::write(stop_.number(), &one, sizeof one) == sizeof one);
  }
  /// Runs it, and asks it to end when it has printed something.
  EchoEnd runStopped(const Lines& lines, std::chrono::milliseconds cleanupMax = 30s) {
    EchoEnd end = EchoEnd::normal;
    std::thread thread([&] { end = run(lines, cleanupMax); });
    const bool hasBegun = waitFor([&] { return !output().empty(); });
    askToEnd();
    thread.join();
    REQUIRE(hasBegun);
    return end;
  }
  [[nodiscard]] std::string output() const { return contentOf(file_); }

 private:
  TemporaryDirectory directory_;
  const std::string file_ = directory_ / "output";
  FileDescriptor stop_{::eventfd(0, EFD_CLOEXEC)};
};

std::string refusalOf(const Lines& lines) {
  try {
    const EchoProgram program(lines);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("ECHO prints its text as it is, in any case of its name", "[jobs][echo]") {
  EchoStage stage;
  CHECK(stage.run({"echo one", "ECHO   two  ", "  Echo\t\tthree", "echo", "eChO # \"four\" $HOME \xC3\xA9",
                   "echo five\r"}) == EchoEnd::normal);
  CHECK(stage.output() == "one\n  two  \n\tthree\n\n# \"four\" $HOME \xC3\xA9\nfive\n");
}

TEST_CASE("LOG prints the time, the level and its text", "[jobs][echo]") {
  EchoStage stage;
  CHECK(stage.run({"log warning Important message", "LOG Debug  two blanks", "log CRITICAL", "log info x",
                   "log error y"}) == EchoEnd::normal);
  const std::string time = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z ";
  CHECK_THAT(stage.output(), Matches(time + "WARNING Important message\n" + time + "DEBUG  two blanks\n" + time +
                                     "CRITICAL \n" + time + "INFO x\n" + time + "ERROR y\n"));
}

TEST_CASE("SLEEP takes its time, in fractions of seconds too", "[jobs][echo]") {
  EchoStage stage;
  const auto begun = std::chrono::steady_clock::now();
  CHECK(stage.run({"sleep 0.05", "SLEEP .05", "sleep 0", "sleep 1e-2", "echo over"}) == EchoEnd::normal);
  CHECK(std::chrono::steady_clock::now() - begun >= 110ms);
  CHECK(stage.output() == "over\n");
}

TEST_CASE("RETURN ends the program, whatever its value", "[jobs][echo]") {
  for (const char* statement : {"return", "RETURN 0", "return 3", "return -1"}) {
    EchoStage stage;
    CHECK(stage.run({"echo before", statement, "echo behind"}) == EchoEnd::normal);
    CHECK(stage.output() == "before\n");
  }
}

TEST_CASE("RAISE ends the program as an exception and prints the error", "[jobs][echo]") {
  EchoStage stage;
  CHECK(stage.run({"raise  out of luck ", "echo behind"}) == EchoEnd::raised);
  CHECK_THAT(stage.output(), EndsWith("Z ERROR An exception was raised: out of luck\n"));
  EchoStage other;
  CHECK(other.run({"RAISE"}) == EchoEnd::raised);
  CHECK_THAT(other.output(), EndsWith("Z ERROR An exception was raised.\n"));
}

TEST_CASE("USE, comments and empty lines print nothing", "[jobs][echo]") {
  EchoStage stage;
  CHECK(stage.run({"use shared a", "USE Exclusive a b  c", "", "  \t", "# echo no", "#", " #x", "\r"}) ==
        EchoEnd::normal);
  CHECK(stage.output().empty());
  CHECK(stage.run({}) == EchoEnd::normal);
}

TEST_CASE("The cleanup runs behind a normal end, RETURN and RAISE", "[jobs][echo]") {
  const auto outputOf = [](const Lines& lines, EchoEnd expected) {
    EchoStage stage;
    CHECK(stage.run(lines) == expected);
    return stage.output();
  };
  CHECK(outputOf({"echo a", "CLEANUP", "echo b"}, EchoEnd::normal) == "a\nb\n");
  CHECK(outputOf({"return", "echo a", "cleanup", "echo b", "return", "echo c"}, EchoEnd::normal) == "b\n");
  CHECK_THAT(outputOf({"raise x", "echo a", "cleanup", "echo b"}, EchoEnd::raised), EndsWith(": x\nb\n"));
  CHECK_THAT(outputOf({"echo a", "cleanup", "raise y", "echo b"}, EchoEnd::raised), EndsWith(": y\n"));
  CHECK(outputOf({"cleanup"}, EchoEnd::normal).empty());
}

TEST_CASE("A program that is asked to end stops at once and runs its cleanup", "[jobs][echo]") {
  EchoStage stage;
  CHECK(stage.runStopped({"echo begun", "sleep 600", "echo never", "cleanup", "sleep 0.01", "echo cleaned"}) ==
        EchoEnd::stopped);
  CHECK(stage.output() == "begun\ncleaned\n");
  EchoStage early;
  early.askToEnd();
  CHECK(early.run({"echo never", "cleanup", "raise z"}) == EchoEnd::stopped);
  CHECK_THAT(early.output(), EndsWith(": z\n"));
}

TEST_CASE("A cleanup that takes too long is ended, which is an exception", "[jobs][echo]") {
  EchoStage stage;
  CHECK(stage.run({"cleanup", "echo begun", "sleep 600", "echo never"}, 50ms) == EchoEnd::raised);
  CHECK_THAT(stage.output(), Contains("begun\n") && EndsWith("Z ERROR The cleanup took too long and was ended.\n"));
  EchoStage stopped;
  CHECK(stopped.runStopped({"echo begun", "sleep 600", "cleanup", "sleep 600"}, 50ms) == EchoEnd::stopped);
  CHECK_THAT(stopped.output(), EndsWith("took too long and was ended.\n"));
  // A program may take as long as it likes before its cleanup.
  EchoStage slow;
  CHECK(slow.run({"sleep 0.1", "cleanup", "echo cleaned"}, 80ms) == EchoEnd::normal);
  CHECK(slow.output() == "cleaned\n");
}

TEST_CASE("What is no statement is refused with its line before anything runs", "[jobs][echo]") {
  using namespace std::string_literals;
  CHECK_THAT(refusalOf({"echo a", "", "jump x"}), Contains("Line 3: there is no statement 'jump'; there are ECHO"));
  CHECK_THAT(refusalOf({"echoes"}), Contains("'echoes'"));
  CHECK_THAT(refusalOf({std::string(1000, 'x')}), Contains(std::string(40, 'x') + "...'"));
  for (const char* pause :
       {"sleep", "sleep x", "sleep 1s", "sleep -1", "sleep nan", "sleep inf", "sleep 1e10", "sleep 1 2"})
    CHECK_THAT(refusalOf({pause}), Contains("Line 1: SLEEP takes a number of seconds"));
  for (const char* line : {"log", "log loud text", "log warn text"})
    CHECK_THAT(refusalOf({line}), Contains("LOG takes DEBUG, INFO"));
  CHECK_THAT(refusalOf({"return x"}), Contains("RETURN takes a whole number"));
  for (const char* line : {"use", "use shared", "use both a", "use exclusive  "})
    CHECK_THAT(refusalOf({line}), Contains("USE takes SHARED or EXCLUSIVE"));
  CHECK_THAT(refusalOf({"cleanup", "cleanup"}), Contains("Line 2: CLEANUP stands there a second time"));
  CHECK_THAT(refusalOf({"cleanup now"}), Contains("CLEANUP stands alone"));
  CHECK_THAT(refusalOf({"cleanup", "jump"}), Contains("Line 2: there is no statement"));
  CHECK_THAT(refusalOf({"echo a\0b"s}), Contains("Line 1: it holds a zero byte"));
}

TEST_CASE("A program whose output cannot be written ends with the reason", "[jobs][echo]") {
  const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full.isOpen());
  CHECK_THROWS_WITH(EchoProgram({"echo a"}).run({full.number(), -1}), Contains("cannot be written"));
}
