#include <signal.h>

#include <catch2/catch.hpp>

#include "callsheet/limits.h"
#include "tests/process/director_process.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// The ways in which a job ends: by cancel in every state, by exceptions, by killing its process.
namespace callsheet::tests {

TEST_CASE("a job that nobody runs is canceled at once") {
  Stage stage;
  const JobID ready = stage.submit("count");
  NewJob later = newJob("count");
  later.delayMicros = hour;
  REQUIRE(stage.store().apply(submitOf({later})).verdict == Verdict::ok);
  CHECK(stage.cancel(ready));
  CHECK(stage.cancel(later.id));
  for (const JobID job : {ready, later.id}) {
    CHECK(stage.row(job).outcome == JobOutcome::canceled);
    CHECK(stage.effectsOf(job).empty());
  }
  DirectorProcess principal = DirectorProcess::principal(stage);
  CHECK(principal.awaitDone(principal.submit("count").value()));
  CHECK(stage.effectCount() == 1);
  CHECK_FALSE(principal.cancel(principal.submit("count").value()) == std::nullopt);
  stage.expectNothingLeft();
}

TEST_CASE("cancel says true of a job that it canceled now or before and false of any other") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID held = principal.submit("hold").value();
  REQUIRE(stage.waitForEffects(1));
  CHECK(principal.cancel(held) == true);
  REQUIRE(stage.waitForDone({held}));
  CHECK(principal.cancel(held) == true);
  CHECK(assistant.cancel(held) == true);
  const JobID done = principal.submit("count").value();
  REQUIRE(principal.awaitDone(done));
  CHECK(principal.cancel(done) == false);
  CHECK(principal.cancel(makeJobID()) == false);
  stage.expectNothingLeft();
}

TEST_CASE("a requested job is canceled at once and its attempt is void") {
  Stage stage;
  const JobID job = stage.submit("count");
  RegisterIncarnation executor;
  executor.id = makeIncarnationID();
  executor.role = Role::executor;
  executor.kinds = {"count"};
  REQUIRE(stage.store().apply(executor).verdict == Verdict::ok);
  Claim claim = claimOf(executor.id, 1, {"count"});
  claim.start = false;
  const auto claimed = stage.store().apply(claim);
  REQUIRE(claimed.jobs.size() == 1);
  CHECK(stage.row(job).state == JobState::requested);
  CHECK(stage.cancel(job));
  CHECK(stage.row(job).outcome == JobOutcome::canceled);
  CHECK(stage.store().apply(Start{attemptOf(claimed.jobs[0].row)}).verdict == Verdict::fenced);
  REQUIRE(stage.store().apply(CloseIncarnation{executor.id, Closing::stopped, executor.id}).verdict == Verdict::ok);
}

TEST_CASE("a running job is asked to end by a cancel from another process") {
  Stage stage;
  const bool inAssistant = GENERATE(true, false);
  INFO("it runs in the assistant: " << inAssistant);
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  DirectorProcess& runs = inAssistant ? assistant : principal;
  DirectorProcess& cancels = inAssistant ? principal : assistant;
  const JobID job = runs.submit("hold").value();
  REQUIRE(stage.waitForEffects(1));
  CHECK(cancels.cancel(job) == true);
  CHECK(cancels.awaitDone(job));
  CHECK(stage.row(job).outcome == JobOutcome::canceled);
  CHECK(stage.effectsOf(job).size() == 1);
  CHECK(cancels.cancel(job) == true);  // the same wish again
  const JobID done = runs.submit("count").value();
  CHECK(runs.awaitDone(done));
  CHECK(cancels.cancel(done) == false);
  CHECK(cancels.cancel(makeJobID()) == false);
  stage.expectNothingLeft();
}

TEST_CASE("a canceled job that ends well all the same has succeeded") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID job = principal.submit("stubborn").value();
  REQUIRE(stage.waitForEffects(1));
  CHECK(stage.cancel(job));
  CHECK(stage.row(job).cancelRequested);
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
}

TEST_CASE("a canceled job whose holder dies is canceled and not run again") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID job = assistant.submit("stubborn").value();
  REQUIRE(stage.waitForEffects(1));
  CHECK(stage.cancel(job));
  assistant.kill();
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::canceled);
  CHECK(stage.effectsOf(job).size() == 1);
  stage.expectNothingLeft();
}

TEST_CASE("a job that waits to be tried again is canceled at once") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  NewJob failing = newJob("throw");
  failing.body.parameters = R"({"what":"exception","failures":1})";
  failing.body.retry.firstDelay = std::chrono::hours{1};
  failing.body.retry.maxDelay = std::chrono::hours{2};
  REQUIRE(stage.store().apply(submitOf({failing})).verdict == Verdict::ok);
  REQUIRE(stage.waitForState(failing.id, JobState::waiting));
  CHECK(stage.row(failing.id).waitingFor == WaitReason::backoff);
  CHECK(principal.cancel(failing.id) == true);
  CHECK(stage.row(failing.id).outcome == JobOutcome::canceled);
  stage.expectNothingLeft();
}

TEST_CASE("whatever a job throws is a failure that the retry policy judges") {
  Stage stage;
  const std::string what = GENERATE("exception", "int", "job");
  INFO("it throws: " << what);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID tried = assistant.submit("throw", "{\"what\":\"" + what + "\",\"failures\":2}").value();
  CHECK(assistant.awaitDone(tried));
  CHECK(stage.row(tried).outcome == JobOutcome::succeeded);
  CHECK(stage.row(tried).failures == 2);
  CHECK(stage.row(tried).attempt == 3);
  const JobID failed = assistant.submit("throw", "{\"what\":\"" + what + "\",\"failures\":99}").value();
  CHECK(assistant.awaitDone(failed));
  CHECK(stage.row(failed).outcome == JobOutcome::failed);
  CHECK(stage.row(failed).failures == 3);
  const auto view = stage.store().find(failed);
  CHECK(view->result->failure.type == (what == "job" ? "on-purpose" : "error"));
}

TEST_CASE("a failure for good is not tried again") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID job = principal.submit("throw", R"({"what":"final","failures":99})").value();
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::failed);
  CHECK(stage.row(job).attempt == 1);
  CHECK(stage.resultOf(job) == R"({"left":true})");
}

TEST_CASE("a result may be as large as the limit and one that is larger is the job's failure") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const auto bytes = [](std::size_t count) { return "{\"bytes\":" + std::to_string(count) + "}"; };
  const JobID fits = principal.submit("big", bytes(limits::payloadBytesMax - 2)).value();  // the quotes count too
  const JobID tooBig = principal.submit("big", bytes(limits::payloadBytesMax - 1)).value();
  REQUIRE(stage.waitForDone({fits, tooBig}));
  CHECK(stage.row(fits).outcome == JobOutcome::succeeded);
  CHECK(stage.resultOf(fits).size() == limits::payloadBytesMax);
  CHECK(stage.row(tooBig).outcome == JobOutcome::failed);
  CHECK(stage.row(tooBig).attempt == 1);
  CHECK(principal.awaitDone(principal.submit("count").value()));
}

TEST_CASE("a job of a kind that nobody knows stays ready and is listed as unclaimable") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID unknown = stage.submit("nobody-knows-it");
  CHECK(principal.awaitDone(principal.submit("count").value()));
  CHECK(stage.row(unknown).state == JobState::ready);
  JobFilter filter;
  filter.unclaimable = true;
  const JobPage page = stage.store().list(filter, {}, 10);
  REQUIRE(page.jobs.size() == 1);
  CHECK(page.jobs[0].row.id == unknown);
  CHECK(stage.cancel(unknown));
}

TEST_CASE("a job that kills its process ends in quarantine and stops nobody else", "[slow]") {
  Stage stage;
  stage.raiseFlag("poison");
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID poison = stage.submit("killer");
  std::vector<JobID> others;
  unsigned deaths = 0;
  const bool isQuarantined = waitFor(
      [&] {
        const JobID other = makeJobID();
        if (others.size() < 60 && principal.submit(other, "count")) others.push_back(other);
        if (principal.process().hasEnded()) {
          CHECK(principal.process().endedBySignal(SIGKILL));
          ++deaths;
          principal = DirectorProcess(stage, {});
          (void)principal.awaitStart();  // the job may be faster
        }
        const JobRow row = stage.row(poison);
        return row.state == JobState::waiting && row.waitingFor == WaitReason::quarantine;
      },
      std::chrono::minutes{2});
  CHECK(isQuarantined);
  CHECK(deaths == limits::deathsBeforeQuarantine);
  CHECK(stage.row(poison).holderDeaths == limits::deathsBeforeQuarantine);
  CHECK(stage.effectsOf(poison).size() == limits::deathsBeforeQuarantine);
  CHECK(others.size() == 60);
  REQUIRE(stage.waitForDone(others));
  for (const JobID job : others) CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  CHECK(stage.cancel(poison));
  CHECK(stage.row(poison).outcome == JobOutcome::canceled);
  stage.expectNothingLeft();
}

}  // namespace callsheet::tests
