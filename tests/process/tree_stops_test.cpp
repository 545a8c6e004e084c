#include <catch2/catch.hpp>
#include <thread>

#include "callsheet/job_director.h"
#include "tests/process/director_process.h"
#include "tests/process/tree_jobs.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// Jobs of several steps whose director stops or never begins them, and what reaches a director without a word.
namespace callsheet::tests {

namespace {

std::map<std::string, int> stepsOf(const Stage& stage) {
  return readSteps(stage.location());
}

}  // namespace

TEST_CASE("a director that stops while a job's steps run keeps what they finished and counts no failure") {
  Stage stage;
  const bool isAssistant = GENERATE(true, false);
  INFO("an assistant stops: " << isAssistant);
  DirectorProcess stopping = isAssistant ? DirectorProcess::assistant(stage, "one") : DirectorProcess::principal(stage);
  const JobID job = stopping.submit("holding-tree").value();
  REQUIRE(waitFor([&] { return stepsOf(stage).contains("holding"); }));
  CHECK(stopping.stop().value().empty());
  stopping.quit();
  for (const MemoRow& memo : stage.store().memos(job, {}, 100)) CHECK(memo.state != MemoState::failed);
  CHECK(stage.row(job).state != JobState::done);

  stage.raiseFlag("release");
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  CHECK(stage.row(job).failures == 0);
  CHECK(stage.row(job).holderDeaths == 0);
  CHECK(stepsOf(stage) == std::map<std::string, int>{{"before", 1}, {"holding", 2}, {"root", 1}});
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  stage.expectNothingLeft();
}

TEST_CASE("a job that sleeps while its assistant stops is woken in the principal, and no step runs again") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const JobID job = assistant.submit("tree", R"({"depth":1,"width":2,"napMillis":3600000})").value();
  REQUIRE(stage.waitForState(job, JobState::waiting));
  CHECK(assistant.stop().value().empty());
  assistant.quit();
  REQUIRE(waitFor([&] { return stage.row(job).owner == principalOwner; }));
  CHECK(stage.row(job).waitingFor == WaitReason::sleep);
  JobDirector outsider(JobDirectorID(stage.id()), stage.location(), JobDirectorMode::assistant("outsider"), JobTypes{});
  CHECK(outsider.complete(ExternalJobKey{stage.id(), job, detail::waitIDOf({}, "nap")}, 0));
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).failures == 0);
  for (const auto& [path, count] : stepsOf(stage)) CHECK(count == 1);
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  stage.expectNothingLeft();
}

TEST_CASE("a job that its dead assistant never began is run by a principal that starts later, each step once") {
  Stage stage;
  const JobID job = [&] {
    DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 1);
    REQUIRE(assistant.submit("hold"));
    REQUIRE(stage.waitForEffects(1));
    const JobID waiting = assistant.submit("tree", R"({"depth":2,"width":2,"napMillis":0})").value();
    assistant.kill();
    return waiting;
  }();
  CHECK(stepsOf(stage).empty());
  stage.raiseFlag("release");
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).attempt == 1);
  CHECK(stepsOf(stage).size() == 1 + 2 + 4);
  for (const auto& [path, count] : stepsOf(stage)) CHECK(count == 1);
  REQUIRE(stage.waitForAllDone());
  stage.expectNothingLeft();
}

TEST_CASE("one id that two living directors submit at one moment is one job and runs once") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  std::vector<JobID> jobs;
  for (int i = 0; i < 30; ++i) {
    jobs.push_back(makeJobID());
    std::optional<std::string> answer;
    std::thread other([&] { answer = assistant.process().ask("submit " + jobs.back().toString() + " count {}"); });
    CHECK(principal.submit(jobs.back(), "count"));
    other.join();
    CHECK(answer == "accepted");
  }
  REQUIRE(stage.waitForDone(jobs));
  for (const JobID job : jobs) CHECK(stage.effectsOf(job).size() == 1);
  stage.expectNothingLeft();
}

TEST_CASE("a job that comes into an idle director's queue without a bell is found all the same") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  const auto to = GENERATE(as<std::string>{}, "", "one");
  LmdbStoreOptions silent;  // with no doorbell
  silent.create = false;
  const auto store = LmdbJobStore::open(stage.location() + "/" + stage.id() + ".callsheet", silent);
  Submit verb;
  verb.ownerName = to;
  verb.jobs.push_back(newJob("count"));
  const JobID job = verb.jobs.front().id;
  REQUIRE(store->apply(std::move(verb)).verdict == Verdict::ok);
  REQUIRE(waitFor([&] { return store->peek(job)->state == JobState::done; }));
  CHECK(stage.effectsOf(job).back().pid == (to.empty() ? principal.pid() : assistant.pid()));
}

}  // namespace callsheet::tests
