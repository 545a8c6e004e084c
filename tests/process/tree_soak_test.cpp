#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "callsheet/json_archive.h"
#include "tests/process/director_process.h"
#include "tests/process/random_tree.h"
#include "tests/support/seed.h"
#include "tests/support/wait_for.h"

// Random trees of steps on a principal and two assistants, any of which is killed at any moment.
namespace callsheet::tests {

namespace {

class Crew {
 public:
  explicit Crew(const Stage& stage) : stage_(stage) {
    for (std::size_t i = 0; i < members_.size(); ++i) launch(i);
  }
  void kill(std::size_t index) {
    members_[index]->kill();
    launch(index);
  }
  /// Nothing when it died before it told.
  std::optional<JobID> submit(std::size_t index, std::uint64_t seed) {
    return members_[index]->submit("random-tree", R"({"seed":)" + std::to_string(seed) + "}");
  }
  void quit() {
    for (auto& member : members_) member->quit();
  }

 private:
  void launch(std::size_t index) {
    DirectorProcess::Options options;
    options.name = names_[index];
    options.workers = 2;
    members_[index].emplace(stage_, options);
    const bool started = members_[index]->awaitStart();
    INFO(members_[index]->whyNot());
    REQUIRE(started);
  }
  const Stage& stage_;
  const std::array<std::string, 3> names_{"", "north", "south"};
  std::array<std::optional<DirectorProcess>, 3> members_;
};

std::size_t killsAskedFor() {
  const char* given = std::getenv("CALLSHEET_SOAK");
  return given != nullptr && *given != '\0' ? std::stoul(given) : 40;
}

/// No step's code began after its result was stored. Returns how many steps had results.
std::size_t checkSteps(Stage& stage, const std::map<JobID, std::uint64_t>& trees) {
  std::map<std::pair<JobID, Fingerprint>, std::int64_t> storedAt;
  for (const auto& [job, seed] : trees)
    for (const MemoRow& memo : stage.store().memos(job, {}, limits::treeNodesMax))
      if (memo.isFinished()) storedAt[{job, memo.id}] = memo.storedAt;
  std::size_t again = 0;
  std::size_t unknown = 0;
  for (const StepBegin& begin : readStepBegins(stage.location())) {
    if (!trees.contains(begin.job)) continue;
    const auto stored = storedAt.find({begin.job, begin.step});
    if (stored == storedAt.end())
      ++unknown;
    else if (begin.utcMicros > stored->second)
      ++again;
  }
  CHECK(again == 0);
  CHECK(unknown == 0);
  return storedAt.size();
}

}  // namespace

TEST_CASE("random trees of steps are done once, and no finished step is run again, whoever is killed", "[slow]") {
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  const std::size_t kills = killsAskedFor();
  const auto began = std::chrono::steady_clock::now();
  Stage stage;
  Dice dice(seed);
  Crew crew(stage);
  std::map<JobID, std::uint64_t> trees;
  for (std::size_t killed = 0; killed < kills; ++killed) {
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t treeSeed = dice.bits();
      if (const auto job = crew.submit(dice.roll(3), treeSeed)) trees[*job] = treeSeed;
    }
    // The world goes on by some steps, or does not, and then that is what the kill meets.
    const std::size_t until = readStepBegins(stage.location()).size() + dice.roll(40);
    (void)waitFor([&] { return readStepBegins(stage.location()).size() >= until; }, std::chrono::milliseconds{200});
    crew.kill(dice.roll(3));
  }
  REQUIRE(stage.waitForAllDone(std::chrono::minutes{5}));
  std::size_t wrong = 0;
  std::size_t transfers = 0;
  std::size_t suspensions = 0;
  for (const auto& [job, treeSeed] : trees) {
    const bool succeeded = stage.row(job).outcome == JobOutcome::succeeded;
    if (!succeeded || answerIn(stage.resultOf(job)) != valueOfTree(treeSeed)) ++wrong;
    if (stage.countOf(job, Move::succeed) != 1) ++wrong;
    transfers += stage.countOf(job, Move::transfer);
    suspensions += stage.countOf(job, Move::suspend);
  }
  CHECK(wrong == 0);
  const std::size_t steps = checkSteps(stage, trees);
  CHECK(transfers > 0);
  CHECK(suspensions > 0);
  stage.expectNothingLeft();
  crew.quit();
  std::printf(
      "trees: CALLSHEET_SEED=%llu, %zu kills, %zu trees of %zu steps, %zu begun, %zu transfers, %zu "
      "suspensions, %lld ms\n",
      static_cast<unsigned long long>(seed), kills, trees.size(), steps, readStepBegins(stage.location()).size(),
      transfers, suspensions,
      static_cast<long long>(
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count()));
}

}  // namespace callsheet::tests
