// Executors: processes that take jobs out of the principal's queue.
#include "callsheet/executor.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/process/director_process.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

namespace {

std::vector<JobID> submitTo(Stage& stage, std::size_t count, const std::string& kind) {
  std::vector<JobID> jobs;
  for (std::size_t i = 0; i < count; ++i) jobs.push_back(stage.submit(kind));
  return jobs;
}

void limit(Stage& stage, const std::string& kind, std::uint32_t most) {
  Definition definition;
  definition.kind = kind;
  definition.concurrencyLimit = most;
  REQUIRE(stage.store().apply(PutDefinitions{{definition}}).verdict == Verdict::ok);
}

std::size_t runningOf(Stage& stage) {
  return stage.store().totals().inProgress;
}

}  // namespace

TEST_CASE("an executor runs the jobs of the principal's queue with no principal alive") {
  Stage stage;
  const auto before = submitTo(stage, 3, "count");
  DirectorProcess executor = DirectorProcess::executor(stage, "one");
  REQUIRE(stage.waitForDone(before));
  const auto after = submitTo(stage, 3, "count");
  REQUIRE(stage.waitForDone(after));
  const JobID own = executor.submit("count").value();
  REQUIRE(stage.waitForDone({own}));
  CHECK(stage.row(own).owner == principalOwner);
  for (const JobID job : after) CHECK(stage.effectsOf(job).front().pid == executor.pid());
  executor.quit();
}

TEST_CASE("executors of several processes share a queue, and each job is handed out once") {
  Stage stage;
  std::vector<DirectorProcess> executors;
  for (int i = 0; i < 3; ++i) executors.push_back(DirectorProcess::executor(stage, "same", 2));
  const auto jobs = submitTo(stage, 300, "count");
  REQUIRE(stage.waitForDone(jobs));
  std::set<pid_t> pids;
  for (const JobID job : jobs) {
    const auto effects = stage.effectsOf(job);
    REQUIRE(effects.size() == 1);
    pids.insert(effects.front().pid);
  }
  CHECK(pids.size() > 1);
  for (DirectorProcess& executor : executors) executor.quit();
}

TEST_CASE("an executor's end of a job and its next claim share a commit") {
  Stage stage;
  constexpr std::size_t count = 40;
  const auto jobs = submitTo(stage, count, "count");
  const std::uint64_t before = stage.store().info().commits;
  DirectorProcess executor = DirectorProcess::executor(stage, "one", 1);
  REQUIRE(stage.waitForDone(jobs));
  // One to register it, one for its first claim, and one for each end; twice as many if it claimed in between.
  CHECK(stage.store().info().commits - before <= count + 5);
  executor.quit();
}

TEST_CASE("what an executor was running when it was killed runs again at once, elsewhere") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::idlePrincipal(stage);
  DirectorProcess executor = DirectorProcess::executor(stage, "one");
  const JobID job = stage.submit("hold");
  REQUIRE(stage.waitForEffects(1));
  DirectorProcess other = DirectorProcess::executor(stage, "two");
  executor.kill();
  REQUIRE(stage.waitForEffects(2));
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.effectsOf(job).back().pid == other.pid());
  CHECK(stage.row(job).holderDeaths == 0);
  CHECK(stage.row(job).started == 2);
  other.quit();
  stage.expectNothingLeft();
}

TEST_CASE("an executor that stops gives its running jobs back, and is told to end a job that is canceled") {
  Stage stage;
  DirectorProcess executor = DirectorProcess::executor(stage, "one");
  const JobID canceled = stage.submit("hold");
  const JobID left = stage.submit("hold");
  REQUIRE(stage.waitForEffects(2));
  REQUIRE(stage.cancel(canceled));
  REQUIRE(stage.waitForDone({canceled}));
  CHECK(executor.stop().value().empty());
  CHECK(stage.row(left).state == JobState::ready);
  CHECK(stage.row(left).holderKind == HolderKind::none);
  executor.quit();
}

TEST_CASE("an executor runs a native kind that the principal does not know, so that nothing stays unclaimable") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::idlePrincipal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID job = assistant.submit("hold").value();
  REQUIRE(stage.waitForEffects(1));
  assistant.kill();
  REQUIRE(stage.waitForState(job, JobState::ready));
  JobFilter unclaimable;
  unclaimable.unclaimable = true;
  CHECK(stage.store().list(unclaimable, {}, 10).jobs.size() == 1);
  stage.raiseFlag("release");
  DirectorProcess executor = DirectorProcess::executor(stage, "helper");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.effectsOf(job).back().pid == executor.pid());
  executor.quit();
  stage.expectNothingLeft();
}

TEST_CASE("a limit holds over all processes that claim") {
  Stage stage;
  limit(stage, "hold", 2);
  DirectorProcess principal = DirectorProcess::principal(stage, 4);
  DirectorProcess one = DirectorProcess::executor(stage, "one");
  DirectorProcess two = DirectorProcess::executor(stage, "two");
  const auto jobs = submitTo(stage, 6, "hold");
  REQUIRE(stage.waitForEffects(2));
  // Work of another kind passes by, so everybody has claimed since.
  REQUIRE(stage.waitForDone(submitTo(stage, 30, "count")));
  CHECK(runningOf(stage) == 2);
  CHECK(stage.effectCount() == 32);
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone(jobs));
  one.quit();
  two.quit();
  stage.expectNothingLeft();
}

TEST_CASE("signs of life keep an executor's attempt beyond its definition's time, and silence ends it") {
  Stage stage;
  Definition definition;
  definition.kind = "hold";
  definition.inProgressTimeoutMicros = 400'000;
  definition.allowedRetryCount = 1;
  REQUIRE(stage.store().apply(PutDefinitions{{definition}}).verdict == Verdict::ok);
  DirectorProcess executor = DirectorProcess::executor(stage, "one");
  const JobID job = stage.submit("hold");
  REQUIRE(stage.waitForEffects(1));
  const AttemptRef attempt = attemptOf(stage.row(job));
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{1500};
  REQUIRE(waitFor([&] {
    REQUIRE(stage.store().apply(Notify{attempt, 0.5F, "on its way"}).verdict == Verdict::ok);
    return std::chrono::steady_clock::now() > until;
  }));
  CHECK(stage.row(job).attempt == 1);
  REQUIRE(stage.waitForDone({job}));  // nobody releases it, and nobody says any more that it lives
  CHECK(stage.row(job).outcome == JobOutcome::failed);
  CHECK(stage.row(job).failures == 1);
  executor.quit();
}

TEST_CASE("jobs that were not all put into lanes by whoever set a limit are put there by the next principal") {
  Stage stage;
  std::vector<NewJob> jobs;
  for (int i = 0; i < 1000; ++i) {
    NewJob job;
    job.id = makeJobID();
    job.kind = "count";
    job.body.parameters = "{}";
    jobs.push_back(std::move(job));
  }
  std::vector<JobID> ids;
  for (int batch = 0; batch < 2; ++batch) {
    Submit submit;
    submit.jobs = jobs;
    for (NewJob& job : submit.jobs) ids.push_back(job.id = makeJobID());
    REQUIRE(stage.store().apply(submit).verdict == Verdict::ok);
  }
  Definition definition;
  definition.kind = "count";
  definition.concurrencyLimit = 3;
  REQUIRE(stage.store().apply(PutDefinitions{{definition}}).more);
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone(ids));
  stage.expectNothingLeft();
}

TEST_CASE("an Executor in this process submits to the queue that it serves") {
  Stage stage;
  useStage(stage.location());
  Executor executor(JobDirectorID(stage.id()), stage.location(), "here", testJobs());
  executor.start();
  CHECK(executor.isRunning());
  const Submission submission = executor.director().submit(CountJob{});
  REQUIRE(submission.isAccepted());
  const auto status = executor.director().wait(submission.id, std::chrono::seconds{20});
  REQUIRE(status);
  CHECK(status->isDone());
  CHECK(executor.stop().leftRunning == 0);
  CHECK_FALSE(executor.isRunning());
}

}  // namespace callsheet::tests
