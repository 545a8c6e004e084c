// The durable store against the one in memory: equal answers to 100,000 random verbs, and what must hold whatever the
// verbs.
#include <catch2/catch.hpp>
#include <map>
#include <utility>

#include "core/schedule_changes.h"
#include "tests/store/random_world.h"
#include "tests/support/answer_text.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

/// Both stores under one clock, and what was seen of done jobs.
class Pair {
 public:
  explicit Pair(std::uint64_t seed) : memory_(makeMemoryJobStore(lmdb_.clock())), world_(seed, lmdb_.clock()) {}

  RandomWorld& world() { return world_; }

  /// A batch that shares a commit, on both.
  void step(std::size_t verbs) {
    const std::vector<Verb> batch = world_.nextBatch(verbs);
    const auto left = lmdb_->applyAll(batch, std::chrono::minutes{5});
    const auto right = memory_->applyAll(batch);
    REQUIRE(left.size() == batch.size());
    REQUIRE(right.size() == batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ++verdicts_[std::string(nameOf(batch[i])) + " " + std::string(toString(baseOf(left[i]).verdict))];
      if (areEqual(left[i], right[i])) continue;
      INFO("verb " << i << " of the batch: " << nameOf(batch[i]));
      REQUIRE(textOf(left[i]) == textOf(right[i]));
      FAIL("the answers differ in a field that has no text");
    }
    const auto broken = world_.learn(batch, left);
    INFO(broken.value_or(""));
    REQUIRE_FALSE(broken);
    for (const Verb& verb : batch) {
      if (const auto* save = std::get_if<SaveResult>(&verb)) seeSteps(save->attempt.job);
      if (const auto* suspend = std::get_if<Suspend>(&verb)) seeSteps(suspend->attempt.job);
      if (const auto* complete = std::get_if<CompleteExternal>(&verb)) seeSteps(complete->job);
    }
    world_.moveClock();
  }

  void compareReads() {
    compareList({});
    JobFilter everything;
    everything.forgottenToo = true;
    compareList(everything);
    JobFilter filter;
    filter.kind = world_.anyKind();
    filter.newestFirst = true;
    filter.states = {static_cast<JobState>(world_.dice().roll(5))};
    compareList(filter);
    JobFilter unclaimable;
    unclaimable.unclaimable = true;
    compareList(unclaimable);
    JobFilter owned;
    owned.owner = world_.anyDirector();
    compareList(owned);
    REQUIRE(lmdb_->commandsOf(*owned.owner) == memory_->commandsOf(*owned.owner));
    REQUIRE(textOf(lmdb_->incarnations()) == textOf(memory_->incarnations()));
    REQUIRE(lmdb_->definitions() == memory_->definitions());
    REQUIRE(lmdb_->totals() == memory_->totals());
    REQUIRE(lmdb_->countByOwner() == memory_->countByOwner());
    REQUIRE(lmdb_->queues() == memory_->queues());
    compareSchedules();
    for (int i = 0; i < 50; ++i) compareJob(world_.dice().pick(world_.jobs()));
    for (int i = 0; i < 15; ++i) {
      const std::string key = "key-" + std::to_string(i);
      REQUIRE(lmdb_->findByKey(key) == memory_->findByKey(key));
    }
  }

  StoreFixture& lmdb() { return lmdb_; }
  JobStore& memory() { return *memory_; }
  [[nodiscard]] std::size_t schedulesSeen() const { return schedulesSeen_; }
  [[nodiscard]] std::size_t occurrencesSeen() const { return occurrencesSeen_; }
  [[nodiscard]] std::size_t ordered() const { return ordered_; }
  const std::map<std::string, int>& verdicts() const { return verdicts_; }

 private:
  void compareList(const JobFilter& filter) {
    std::string token;
    const std::size_t limit = 1 + world_.dice().roll(1000);
    do {
      const JobPage left = lmdb_->list(filter, token, limit);
      const JobPage right = memory_->list(filter, token, limit);
      if (!areEqual(left, right)) {
        REQUIRE(textOf(left) == textOf(right));
        FAIL("the pages differ in a field that has no text");
      }
      for (const auto& view : left.jobs) {
        seeDone(view.row);
        seeOrder(view);
      }
      token = left.next;
    } while (!token.empty());
  }

  void compareSchedules() {
    const auto areSame = [](const std::vector<ScheduleView>& left, const std::vector<ScheduleView>& right) {
      return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](const auto& one, const auto& other) {
        return areAlike(one.settings, other.settings) && one.row == other.row && one.open == other.open;
      });
    };
    const auto all = lmdb_->schedules({}, 100);
    REQUIRE(areSame(all, memory_->schedules({}, 100)));
    schedulesSeen_ += all.size();
    const std::int64_t until = lmdb_.clock().now().utcMicros + hour;
    const auto due = lmdb_->dueSchedules(until, 2);
    REQUIRE(areSame(due.schedules, memory_->dueSchedules(until, 2).schedules));
    REQUIRE(due.nextAt == memory_->dueSchedules(until, 2).nextAt);
    for (const ScheduleView& view : all) {
      const auto newest = lmdb_->occurrences(view.row.name, {}, 3);
      REQUIRE(newest == memory_->occurrences(view.row.name, {}, 3));
      if (newest.empty()) continue;
      occurrencesSeen_ += newest.size();
      const auto rest = lmdb_->occurrences(view.row.name, newest.back(), 50);
      REQUIRE(rest == memory_->occurrences(view.row.name, newest.back(), 50));
    }
  }

  void compareJob(JobID id) {
    const auto left = lmdb_->find(id);
    const auto right = memory_->find(id);
    REQUIRE(left.has_value() == right.has_value());
    if (left) REQUIRE(textOf(*left) == textOf(*right));
    REQUIRE(textOf(lmdb_->readLog(id, 0, 10'000)) == textOf(memory_->readLog(id, 0, 10'000)));
    const auto memos = lmdb_->memos(id, {}, 100);
    REQUIRE(textOf(memos) == textOf(memory_->memos(id, {}, 100)));
    REQUIRE(memos.size() == (left ? left->row.memoCount : 0));
    const std::size_t some = 1 + world_.dice().roll(3);
    const Fingerprint behind = fingerprint(world_.anyStep());
    REQUIRE(textOf(lmdb_->memos(id, behind, some)) == textOf(memory_->memos(id, behind, some)));
    for (std::uint16_t number = 1; number <= RandomWorld::stepCount; ++number)
      REQUIRE(lmdb_->memo(id, fingerprint(number)) == memory_->memo(id, fingerprint(number)));
    const std::string prefix = id.toString().substr(world_.dice().oneIn(2) ? 28 : 0, 2 + world_.dice().roll(8));
    const std::size_t limit = 1 + world_.dice().roll(5);
    REQUIRE(lmdb_->resolve(prefix, limit) == memory_->resolve(prefix, limit));
  }

  /// Done is final: the row never changes again, but by being forgotten once.
  /// What runs after others and has left them behind, did so because all of them had ended as it asked for.
  void seeOrder(const JobView& view) {
    const bool isWaiting = view.row.waitingFor == WaitReason::dependency;
    if (view.body.after.empty() || isWaiting || view.row.outcome == JobOutcome::canceled) return;
    ++ordered_;
    for (const Prerequisite& one : view.body.after) {
      const auto row = memory_->peek(one.job);
      if (!row) continue;  // dropped since
      const bool isMet =
          one.condition == EndCondition::always ||
          row->outcome == (one.condition == EndCondition::success ? JobOutcome::succeeded : JobOutcome::failed);
      if (row->state != JobState::done || !isMet)
        FAIL("job " << textOf(view.row) << " did not wait for job " << textOf(*row));
    }
  }

  void seeDone(const JobRow& row) {
    if (row.state != JobState::done) return;
    const auto [seen, isNew] = done_.emplace(row.id, row);
    if (!isNew && row.isForgotten && !seen->second.isForgotten) {
      JobRow as = row;
      as.isForgotten = false;
      as.version = seen->second.version;
      as.logCount = seen->second.logCount;
      as.recentLog = seen->second.recentLog;
      if (!(as == seen->second)) FAIL("job " << textOf(seen->second) << " was done and is now " << textOf(row));
      seen->second = row;
    }
    if (!isNew && !(seen->second == row))
      FAIL("job " << textOf(seen->second) << " was done and is now " << textOf(row));
  }

  void seeSteps(JobID id) {
    const auto row = lmdb_->peek(id);
    for (std::uint16_t number = 1; row && number <= RandomWorld::stepCount; ++number)
      if (auto memo = lmdb_->memo(id, fingerprint(number))) seeStep(*row, std::move(*memo));
  }

  /// The first result of a step stands; only the success of its job takes the value away. A wait keeps its time. What
  /// a step is about may change.
  void seeStep(const JobRow& row, MemoRow memo) {
    if (memo.value.size() != memo.valueBytes && row.outcome != JobOutcome::succeeded)
      FAIL("job " << textOf(row) << " lost what a step gave: " << textOf(std::vector{memo}));
    memo.value.clear();
    const auto [seen, isNew] = steps_.emplace(std::pair{row.id, memo.id}, memo);
    if (isNew || seen->second == memo) return;
    const MemoRow before = std::exchange(seen->second, memo);
    const bool isSameWait = memo.state == MemoState::waiting && memo.wakeAt == before.wakeAt;
    const bool wasLegal =
        !before.isFinished() && (memo.isFinished() || isSameWait || before.state != MemoState::waiting);
    if (!wasLegal) FAIL("a step was " << textOf(std::vector{before}) << " and is now " << textOf(std::vector{memo}));
  }

  StoreFixture lmdb_{0, StoreFixture::Place::memory};
  std::unique_ptr<JobStore> memory_;
  RandomWorld world_;
  std::map<JobID, JobRow> done_;
  std::map<std::pair<JobID, Fingerprint>, MemoRow> steps_;
  std::map<std::string, int> verdicts_;
  std::size_t schedulesSeen_ = 0;
  std::size_t occurrencesSeen_ = 0;
  std::size_t ordered_ = 0;  // jobs that ran after others, each time they were seen
};

}  // namespace

TEST_CASE("Both stores give equal answers to 100000 random verbs", "[slow]") {
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  Pair pair(seed);
  std::size_t verbs = 0;
  for (int batch = 1; verbs < 100'000; ++batch) {
    const std::size_t size = 100 + pair.world().dice().roll(200);
    pair.step(size);
    verbs += size;
    if (batch % 40 == 0) pair.compareReads();
    if (batch % 40 == 0) pair.lmdb().requireSound();
  }
  pair.compareReads();
  // The test would be worth nothing if its verbs did not meet.
  const auto& verdicts = pair.verdicts();
  for (const char* expected : {"registerIncarnation ok",
                               "registerIncarnation conflict",
                               "registerIncarnation alreadyApplied",
                               "closeIncarnation ok",
                               "closeIncarnation fenced",
                               "adopt ok",
                               "adopt illegal",
                               "adopt fenced",
                               "submit ok",
                               "submit refused",
                               "submit fenced",
                               "claim ok",
                               "claim fenced",
                               "claim alreadyApplied",
                               "start ok",
                               "start fenced",
                               "unclaim ok",
                               "notify ok",
                               "succeed ok",
                               "succeed fenced",
                               "succeed alreadyApplied",
                               "succeed illegal",
                               "succeed refused",
                               "fail ok",
                               "fail alreadyApplied",
                               "requestTransfer ok",
                               "transfer ok",
                               "cancel ok",
                               "cancel alreadyApplied",
                               "cancel notFound",
                               "promote ok",
                               "expire ok",
                               "prune ok",
                               "saveResult ok",
                               "saveResult alreadyApplied",
                               "saveResult fenced",
                               "saveResult illegal",
                               "saveResult refused",
                               "suspend ok",
                               "suspend alreadyApplied",
                               "suspend fenced",
                               "suspend refused",
                               "putDefinitions ok",
                               "putDefinitions alreadyApplied",
                               "putDefinitions refused",
                               "deleteDefinition ok",
                               "deleteDefinition notFound",
                               "relane ok",
                               "setQueue ok",
                               "setQueue alreadyApplied",
                               "setQueue conflict",
                               "deleteQueue ok",
                               "deleteQueue notFound",
                               "putSchedule ok",
                               "putSchedule alreadyApplied",
                               "putSchedule conflict",
                               "deleteSchedule ok",
                               "deleteSchedule notFound",
                               "fire ok",
                               "fire alreadyApplied",
                               "fire conflict",
                               "fire fenced",
                               "forget ok",
                               "forget alreadyApplied",
                               "forget notFound",
                               "completeExternal ok",
                               "completeExternal alreadyApplied",
                               "completeExternal illegal",
                               "completeExternal notFound"}) {
    INFO(expected);
    CHECK(verdicts.contains(expected));
  }
  CHECK(pair.world().acceptedResults() > 500);
  CHECK(pair.ordered() > 100);
  CHECK(pair.schedulesSeen() > 10);
  CHECK(pair.occurrencesSeen() > 10);
  checkStories(pair.memory());
  pair.lmdb().finish();
  WARN("CALLSHEET_SEED=" << seed << ": " << verbs << " verbs, " << pair.world().acceptedResults() << " results, "
                         << pair.ordered() << " looks at jobs after others");
}
