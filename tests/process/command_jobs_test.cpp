#include <catch2/catch.hpp>

#include "callsheet/job_director.h"
#include "tests/process/stage.h"

// Commands that a program submits, not the command line.
namespace callsheet::tests {

TEST_CASE("a command that a program submits is a command for everybody who reads it") {
  Stage stage;
  JobDirectorOptions options;
  options.runsCommands = true;
  JobDirector principal(JobDirectorID(stage.id()), stage.location(), JobDirectorMode::principal(), JobTypes{}, options);
  principal.start();
  const Submission submission =
      principal.submitJson("callsheet.command", R"({"argv":["sh","-c","echo said; exit 7"]})");
  REQUIRE(submission.isAccepted());
  REQUIRE(principal.wait(submission.id, std::chrono::seconds{30}));
  const JobRow row = stage.row(submission.id);
  CHECK(row.outcome == JobOutcome::failed);
  // By this `wait` and `log` know that the result is a command's.
  CHECK(row.runner == Runner::command);
  CHECK(stage.resultOf(submission.id).find("\"exitCode\":7") != std::string::npos);

  const Submission reserved = principal.submitJson("callsheet.nothing", "{}");
  CHECK(reserved.outcome == Submission::Outcome::refused);
  CHECK(reserved.why.find("reserved") != std::string::npos);
  principal.stop();
}

}  // namespace callsheet::tests
