#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/process/director_process.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

namespace {
const std::string oneThread = R"({"threads":1})";
}

TEST_CASE("an assistant that stops gives its running and waiting jobs to the principal") {
  Stage stage;
  const bool principalLives = GENERATE(true, false);
  INFO("a principal lives: " << principalLives);
  std::optional<DirectorProcess> principal;
  if (principalLives) principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
  std::vector<JobID> jobs{assistant.submit("hold").value(), assistant.submit("hold").value()};
  REQUIRE(stage.waitForEffects(2));
  jobs.push_back(assistant.submit("count").value());
  const auto left = assistant.stop();
  REQUIRE(left);
  CHECK(left->empty());
  stage.raiseFlag("release");
  if (!principal) principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone(jobs));
  for (const JobID job : jobs) {
    CHECK(stage.row(job).outcome == JobOutcome::succeeded);
    CHECK(stage.row(job).failures == 0);
    CHECK(stage.row(job).holderDeaths == 0);
    CHECK(stage.effectsOf(job).back().pid == principal->pid());
  }
  stage.expectNothingLeft();
}

TEST_CASE("a principal that stops keeps its jobs for the next start") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage, 2);
  std::vector<JobID> jobs{principal.submit("hold").value(), principal.submit("hold").value()};
  REQUIRE(stage.waitForEffects(2));
  jobs.push_back(principal.submit("count").value());
  CHECK(principal.stop().value().empty());
  for (const JobID job : jobs) {
    CHECK(stage.row(job).state == JobState::ready);
    CHECK(stage.row(job).owner == principalOwner);
  }
  stage.raiseFlag("release");
  DirectorProcess next = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone(jobs));
  for (const JobID job : jobs) CHECK(stage.effectsOf(job).back().pid == next.pid());
  stage.expectNothingLeft();
}

TEST_CASE("stop names the jobs that ignore it and they run again elsewhere") {
  Stage stage;
  const bool isAssistant = GENERATE(true, false);
  INFO("an assistant stops: " << isAssistant);
  DirectorProcess stopping = isAssistant ? DirectorProcess::assistant(stage, "one") : DirectorProcess::principal(stage);
  const JobID job = stopping.submit("stubborn").value();
  REQUIRE(stage.waitForEffects(1));
  const auto left = stopping.stop(std::chrono::milliseconds{100});
  REQUIRE(left);
  CHECK(*left == std::vector<std::string>{"stubborn " + job.toString()});
  CHECK_FALSE(stopping.process().hasEnded());
  // The first call of execute goes on in the stopped director's process; its role can be had all the same.
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForEffects(2));
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  stopping.quit();
  stage.expectNothingLeft();
}

TEST_CASE("a job that was transferred runs in the principal whatever its code does with the exception") {
  Stage stage;
  const int threads = GENERATE(1, 2);
  INFO("asked by " << threads << " threads");
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID job = assistant.submit("transfer", "{\"threads\":" + std::to_string(threads) + "}").value();
  REQUIRE(stage.waitForDone({job}));
  const auto effects = stage.effectsOf(job);
  REQUIRE(effects.size() == 2);
  CHECK(effects[0].pid == assistant.pid());
  CHECK(effects[1].pid == principal.pid());
  const JobRow row = stage.row(job);
  CHECK(row.outcome == JobOutcome::succeeded);
  CHECK(row.attempt == 2);
  CHECK(row.failures == 0);
  CHECK(row.owner == principalOwner);
  CHECK(stage.countOf(job, Move::transferRequest) == 1);
  CHECK(stage.countOf(job, Move::transfer) == 1);
  stage.expectNothingLeft();
}

TEST_CASE("a transfer in the principal does nothing") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID job = principal.submit("transfer", oneThread).value();
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).attempt == 1);
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  CHECK(stage.countOf(job, Move::transferRequest) == 0);
}

TEST_CASE("a transferred job waits for a principal while its assistant goes on") {
  Stage stage;
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID job = assistant.submit("transfer", oneThread).value();
  // It was ready before, too, in the assistant's queue.
  REQUIRE(waitFor([&] { return stage.row(job).owner == principalOwner; }));
  CHECK(stage.row(job).state == JobState::ready);
  CHECK(assistant.awaitDone(assistant.submit("count").value()));
  CHECK(stage.effectsOf(job).size() == 1);
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone({job}));
  stage.expectNothingLeft();
}

TEST_CASE("a death between the request of a transfer and the transfer does not undo the request") {
  const std::string point = GENERATE("transfer.requested", "transfer.left");
  INFO("at " << point);
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess::Options options;
  options.name = "one";
  options.crashAt = point;
  DirectorProcess assistant(stage, options);
  REQUIRE(assistant.awaitStart());
  const JobID job = makeJobID();
  assistant.submit(job, "transfer", oneThread);  // it may die before it can tell
  REQUIRE(assistant.process().endedBySignal(SIGKILL));
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.countOf(job, Move::transfer) == 1);
  CHECK(stage.countOf(job, Move::holderEnded) == 0);
  CHECK(stage.row(job).holderDeaths == 0);
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  stage.expectNothingLeft();
}

}  // namespace callsheet::tests
