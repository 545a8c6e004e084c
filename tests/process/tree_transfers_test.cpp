#include <catch2/catch.hpp>

#include "callsheet/job_director.h"
#include "tests/process/director_process.h"
#include "tests/process/tree_jobs.h"
#include "tests/support/wait_for.h"

// Jobs of several steps that hand themselves over while both directors live.
namespace callsheet::tests {

TEST_CASE("a job that a step hands over is finished in the principal: that step runs in both, the others once") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID job = assistant.submit("transfer-tree", R"({"withStubborn":false})").value();
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  CHECK(stage.row(job).failures == 0);
  CHECK(stage.countOf(job, Move::transfer) == 1);
  CHECK(stage.countOf(job, Move::claim) == 2);
  CHECK(readSteps(stage.location()) == std::map<std::string, int>{{"before", 1}, {"asking", 2}, {"root", 1}});
  REQUIRE(stage.effectsOf(job).size() == 1);
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  stage.expectNothingLeft();
}

TEST_CASE("work outside that a step began in an assistant is taken up in the principal by its key, and begun once") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID job = assistant.submit("outside-tree").value();
  REQUIRE(waitFor([&] { return stage.row(job).owner == principalOwner && stage.row(job).progress == 0.5F; }));
  CHECK(stage.row(job).progressText == "half of it");
  stage.raiseFlag("seen");
  REQUIRE(stage.waitForState(job, JobState::waiting));
  CHECK(stage.row(job).waitingFor == WaitReason::external);

  const auto steps = readSteps(stage.location());
  REQUIRE(steps.size() == 2);  // one key, whoever asks for it
  CHECK(steps.at("begun") == 1);
  const std::string named = steps.rbegin()->first;
  CHECK(steps.at(named) == 2);
  const auto key = ExternalJobKey::parse(named.substr(named.find(' ') + 1));
  REQUIRE(key);
  JobDirector outsider(JobDirectorID(stage.id()), stage.location(), JobDirectorMode::assistant("outsider"), JobTypes{});
  CHECK(outsider.complete(*key, std::string("the file")));
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  CHECK(stage.resultOf(job).ends_with(" the file\""));
  CHECK(readSteps(stage.location()).at("begun") == 1);
  CHECK(readSteps(stage.location()).at("root") == 1);
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  stage.expectNothingLeft();
}

}  // namespace callsheet::tests
