#include <catch2/catch.hpp>
#include <fstream>

#include "callsheet/job_director.h"
#include "callsheet/json_archive.h"
#include "tests/process/director_process.h"
#include "tests/process/tree_jobs.h"
#include "tests/support/wait_for.h"

// What jobs wait for by name, and what ends that, in processes that have nothing else to do with each other.
namespace callsheet::tests {

namespace {

ExternalJobKey keyOf(const Stage& stage, JobID job) {
  return {stage.id(), job, detail::waitIDOf({}, "answer")};
}

/// A handle that was never started: it only completes and cancels.
class Outsider {
 public:
  explicit Outsider(const Stage& stage)
      : director_(JobDirectorID(stage.id()), stage.location(), JobDirectorMode::assistant("outsider"), JobTypes{}) {}
  JobDirector* operator->() { return &director_; }

 private:
  JobDirector director_;
};

}  // namespace

TEST_CASE("a job that awaits a value is woken by another process that completes its key") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID job = stage.submit("await");
  REQUIRE(stage.waitForState(job, JobState::waiting));
  CHECK(stage.row(job).waitingFor == WaitReason::external);
  CHECK(readKey(stage.location()) == keyOf(stage, job).toString());
  Outsider outsider(stage);
  const auto key = ExternalJobKey::parse(readKey(stage.location()));
  REQUIRE(key);
  CHECK(outsider->complete(*key, 41));
  CHECK(outsider->complete(*key, 42));  // the first stands
  REQUIRE(stage.waitForDone({job}));
  CHECK(answerIn(stage.resultOf(job)) == 41);
  CHECK_FALSE(outsider->complete(ExternalJobKey{"another", job, key->wait}, 1));
  principal.stop();
  principal.quit();
}

TEST_CASE("a value that comes before anybody waits, with no process running, is kept for the job") {
  Stage stage;
  const JobID job = stage.submit("await");
  const JobID failed = stage.submit("await");
  {
    Outsider outsider(stage);
    CHECK(outsider->complete(keyOf(stage, job), 7));
    CHECK(outsider->fail(keyOf(stage, failed), {"declined", "they said no", "test", {}}));
  }
  stage.closeStore();
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone({job, failed}));
  CHECK(answerIn(stage.resultOf(job)) == 7);
  CHECK(stage.countOf(job, Move::suspend) == 0);
  CHECK(stage.row(failed).outcome == JobOutcome::failed);
  CHECK(stage.store().find(failed)->result->failure.type == "declined");
  principal.stop();
  principal.quit();
}

TEST_CASE("a thousand sleeping jobs on two workers delay no other job and are woken") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage, 2);
  const auto sleepers = principal.submitMany(1000, "tree", R"({"depth":0,"width":0,"napMillis":3600000})");
  REQUIRE(sleepers.size() == 1000);
  REQUIRE(waitFor([&] { return stage.row(sleepers.back()).state == JobState::waiting; }));
  const auto other = principal.submit("count");
  REQUIRE(other);
  REQUIRE(stage.waitForDone({*other}));
  std::size_t asleep = 0;
  for (const JobID job : sleepers)
    if (stage.row(job).waitingFor == WaitReason::sleep) ++asleep;
  CHECK(asleep == 1000);
  // A wait is a key like any other: whoever knows its name may end it early.
  Outsider outsider(stage);
  CHECK(outsider->complete(ExternalJobKey{stage.id(), sleepers[500], detail::waitIDOf({}, "nap")}, 0));
  REQUIRE(stage.waitForDone({sleepers[500]}));
  CHECK(stage.row(sleepers[501]).waitingFor == WaitReason::sleep);
  for (const JobID job : sleepers)
    if (job != sleepers[500]) REQUIRE(outsider->cancel(job));
  principal.stop();
  principal.quit();
}

TEST_CASE("a job whose two thousand steps sleep at once is suspended for all of them") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID job = stage.submit("sleeping-steps", R"({"count":2000})");
  REQUIRE(stage.waitForState(job, JobState::waiting));
  CHECK(stage.row(job).waitingFor == WaitReason::sleep);
  CHECK(stage.row(job).memoCount >= 2000);
  REQUIRE(stage.waitForDone({job}));
  CHECK(answerIn(stage.resultOf(job)) == 2000);
  principal.stop();
  principal.quit();
}

TEST_CASE("a result that is too large fails its step with a reason, and the process lives") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID job = stage.submit("big-step");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::failed);
  const JobFailure failure = stage.store().find(job)->result->failure;
  INFO(failure.message);
  CHECK(failure.type == "result");
  CHECK(failure.origin == "branch");
  CHECK(failure.message.find("1048576") != std::string::npos);
  const JobID misfit = stage.submit("tree", R"({"depth":"three"})");
  REQUIRE(stage.waitForDone({misfit}));
  CHECK(stage.store().find(misfit)->result->failure.type == "payload");
  const JobID after = stage.submit("count");
  REQUIRE(stage.waitForDone({after}));
  principal.stop();
  principal.quit();
}

}  // namespace callsheet::tests
