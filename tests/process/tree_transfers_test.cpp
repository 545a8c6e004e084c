#include <signal.h>

#include <catch2/catch.hpp>

#include "callsheet/job_director.h"
#include "tests/process/director_process.h"
#include "tests/process/tree_jobs.h"
#include "tests/support/wait_for.h"

// Jobs of several steps that hand themselves over, while both directors live or one dies.
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

TEST_CASE("a tree whose step asked for the transfer is moved by adoption, if its process dies before") {
  Stage stage;
  const auto point = GENERATE(as<std::string>{}, "transfer.requested", "transfer.left");
  INFO(point);
  DirectorProcess::Options options;
  options.name = "one";
  options.workers = 2;
  options.crashAt = point + ":1";
  DirectorProcess crashing(stage, options);
  REQUIRE(crashing.awaitStart());
  const JobID job = stage.submit("transfer-tree", R"({"withStubborn":false})", "one");
  REQUIRE(crashing.process().endedBySignal(SIGKILL));
  CHECK(stage.row(job).transferRequested);
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  CHECK(stage.row(job).owner == principalOwner);
  CHECK(stage.row(job).failures == 0);
  CHECK(readSteps(stage.location()).at("before") == 1);
  CHECK(readSteps(stage.location()).at("asking") == 2);
  CHECK(readSteps(stage.location()).at("root") == 1);
  principal.stop();
  principal.quit();
}

TEST_CASE("a step that ignores its job's transfer holds it up no longer than the grace") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess::Options options;
  options.name = "one";
  options.workers = 2;
  options.more = {"transferGrace=100"};
  DirectorProcess assistant = DirectorProcess::started(stage, options);
  const JobID job = stage.submit("transfer-tree", R"({"withStubborn":true})", "one");
  // The principal runs the stubborn step too; the assistant's has not returned by then.
  REQUIRE(waitFor([&] { return readSteps(stage.location())["stubborn"] == 2; }));
  CHECK(stage.row(job).owner == principalOwner);
  CHECK(stage.countOf(job, Move::transfer) == 1);
  CHECK(readSteps(stage.location()).at("before") == 1);
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  assistant.stop();
  assistant.quit();
  principal.stop();
  principal.quit();
}

}  // namespace callsheet::tests
