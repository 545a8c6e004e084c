#include <signal.h>

#include <catch2/catch.hpp>
#include <optional>
#include <set>

#include "callsheet/json_archive.h"
#include "tests/process/director_process.h"
#include "tests/process/tree_jobs.h"

// Jobs of several steps in real processes that are killed, one after the other, wherever a step's result became
// durable.
namespace callsheet::tests {

namespace {

constexpr const char* threeByThree = R"({"depth":3,"width":3,"napMillis":0})";
constexpr int branchesOfThree = 1 + 3 + 9 + 27;

/// The paths of the branches whose results are stored.
std::set<std::string> storedBranches(Stage& stage, JobID job) {
  std::set<std::string> paths;
  for (const MemoRow& memo : stage.store().memos(job, {}, 1000)) {
    if (memo.name != "branch") continue;
    const auto whole = stage.store().memo(job, memo.id);
    REQUIRE(whole);
    paths.insert(fromJson<std::string>(whole->value));
  }
  return paths;
}

/// False when the process came to the end before the count-th result was stored.
bool killAtStep(int count, bool inPrincipal) {
  INFO("result " << count << " in the " << (inPrincipal ? "principal" : "assistant"));
  Stage stage;
  DirectorProcess::Options options;
  if (!inPrincipal) options.name = "one";
  options.workers = 2;
  options.crashAt = "step.stored:" + std::to_string(count);
  DirectorProcess crashing(stage, options);
  REQUIRE(crashing.awaitStart());
  const JobID job = stage.submit("tree", threeByThree, inPrincipal ? "" : "one");
  const bool isDone = crashing.awaitDone(job);
  if (isDone) {
    crashing.quit();
    CHECK(readSteps(stage.location()).size() == branchesOfThree);
    return false;
  }
  REQUIRE(crashing.process().endedBySignal(SIGKILL));
  const std::set<std::string> stored = storedBranches(stage, job);
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  const auto steps = readSteps(stage.location());
  CHECK(steps.size() == branchesOfThree);
  int again = 0;
  for (const auto& [path, count_] : steps) {
    if (stored.contains(path)) CHECK(count_ == 1);
    again += count_ - 1;
  }
  CHECK(again <= 2);  // what the two workers had in hand
  principal.stop();
  principal.quit();
  return true;
}

}  // namespace

TEST_CASE("a tree's finished steps are not run again, whichever result a kill follows", "[slow]") {
  const bool inPrincipal = GENERATE(false, true);
  int count = 1;
  while (killAtStep(count, inPrincipal)) ++count;
  CHECK(count > branchesOfThree);
}

TEST_CASE("a tree that sleeps is woken, and its steps were run once") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  const JobID job = stage.submit("tree", R"({"depth":2,"width":2,"napMillis":100})");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.row(job).outcome == JobOutcome::succeeded);
  CHECK(stage.countOf(job, Move::suspend) == 1);
  CHECK(stage.row(job).failures == 0);
  for (const auto& [path, count] : readSteps(stage.location())) CHECK(count == 1);
  for (const MemoRow& memo : stage.store().memos(job, {}, 1000))
    CHECK((memo.state == MemoState::waiting || memo.valueBytes > 0));
  principal.stop();
  principal.quit();
}

}  // namespace callsheet::tests
