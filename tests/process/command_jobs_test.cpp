#include <catch2/catch.hpp>

#include "callsheet/job_director.h"
#include "core/names.h"
#include "tests/process/director_process.h"
#include "tests/process/stage.h"
#include "tests/support/wait_for.h"

// Commands that a program submits, not the command line.
namespace callsheet::tests {

TEST_CASE("a command that a program submits is a command for everybody who reads it") {
  Stage stage;
  JobDirectorOptions options;
  options.runsCommands = true;
  JobDirector principal(JobDirectorID(stage.id()), stage.location(), JobDirectorMode::principal(), JobTypes{}, options);
  principal.start();
  SubmitOptions once;
  once.retry.maxAttempts = 1;
  const Submission submission =
      principal.submitJson("callsheet.command", R"({"argv":["sh","-c","echo said; exit 7"]})", once);
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

TEST_CASE("a principal that begins anew attends to the commands that it started before") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID id = makeJobID();
  const std::string waits = "until test -e \"$1/go\"; do sleep 0.01; done";  // check:allow-sleep
  REQUIRE(principal.submit(id, commandKind, stage.commandParameters(waits)));
  const IncarnationID former = principal.incarnation();
  // One that was handed out and not begun would be given back.
  REQUIRE(waitFor([&] { return stage.effectsOf(id).size() == 1; }));
  CHECK(stage.store().commandsOf(former).size() == 1);
  CHECK(isAccepted(stage.store().apply(CloseIncarnation{former, Closing::hung, former}).verdict));
  REQUIRE(waitFor([&] { return stage.store().commandsOf(former).empty(); }));
  stage.raiseFlag("go");
  stage.expectNothingLeft();
  CHECK(stage.row(id).outcome == JobOutcome::succeeded);
  CHECK(stage.row(id).attempt == 1);
  principal.stop();
  principal.quit();
}

}  // namespace callsheet::tests
