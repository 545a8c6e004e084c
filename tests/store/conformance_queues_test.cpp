// What every job store must do with the settings of named queues: how many of their jobs run at once, and what a pause
// holds back.
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

NewJob jobIn(std::string queue, std::string kind = "k") {
  NewJob job = newJob(std::move(kind));
  job.queue = std::move(queue);
  return job;
}

SetQueue limitOf(std::string name, std::uint32_t parallel) {
  return SetQueue{std::move(name), parallel, {}, false};
}
SetQueue pauseOf(std::string name, bool isPaused = true) {
  return SetQueue{std::move(name), {}, isPaused, false};
}

QueueRow settingsOf(StoreUnderTest& store, const std::string& name) {
  const auto row = store->queue(name);
  REQUIRE(row);
  return *row;
}

std::vector<JobRow> claimAll(StoreUnderTest& store, IncarnationID who, std::vector<std::string> kinds = {"k"}) {
  std::vector<JobRow> rows;
  for (const auto& item : store.apply(claimOf(who, 100, std::move(kinds))).jobs) rows.push_back(item.row);
  return rows;
}

bool contains(const std::vector<IncarnationID>& all, IncarnationID one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

TEST_CASE("A queue's settings are stored, changed one at a time and removed, and a repeat changes nothing") {
  ON_EVERY_STORE(store);
  CHECK_FALSE(store->queue("gpu"));
  CHECK(store.apply(limitOf("gpu", 2)).verdict == Verdict::ok);
  CHECK(store.isRepeat(store.apply(limitOf("gpu", 2)).verdict));
  CHECK(settingsOf(store, "gpu") == QueueRow{"gpu", 2, false, 0});
  CHECK(store.apply(pauseOf("gpu")).verdict == Verdict::ok);
  CHECK(settingsOf(store, "gpu") == QueueRow{"gpu", 2, true, 0});
  CHECK(store.apply(limitOf("gpu", 0)).verdict == Verdict::ok);
  CHECK(settingsOf(store, "gpu") == QueueRow{"gpu", 0, true, 0});
  CHECK(store.apply(pauseOf("disk")).verdict == Verdict::ok);
  REQUIRE(store->queues().size() == 2);
  CHECK(store->queues()[0].row.name == "disk");
  CHECK(store->queues()[1].isSet);
  store.apply(DeleteQueue{"gpu"});
  CHECK_FALSE(store->queue("gpu"));
  CHECK(store.apply(DeleteQueue{"gpu"}).verdict == Verdict::notFound);
  // What is usual for a queue needs no row.
  CHECK(store.isRepeat(store.apply(pauseOf("other", false)).verdict));
  CHECK(store.isRepeat(store.apply(limitOf("other", 0)).verdict));
  CHECK_FALSE(store->queue("other"));
}

TEST_CASE("A queue that is to be new is not one that has other settings") {
  ON_EVERY_STORE(store);
  CHECK(store.apply(SetQueue{"gpu", 2, {}, true}).verdict == Verdict::ok);
  CHECK(store.isRepeat(store.apply(SetQueue{"gpu", 2, {}, true}).verdict));
  const auto answer = store.apply(SetQueue{"gpu", 3, {}, true});
  CHECK(answer.verdict == Verdict::conflict);
  CHECK(answer.why.find("'gpu'") != std::string::npos);
  CHECK(settingsOf(store, "gpu").parallel == 2);
  CHECK(store.apply(SetQueue{"plain", {}, {}, true}).verdict == Verdict::ok);
  CHECK(store->queue("plain"));
}

TEST_CASE("A queue needs a name, and a store has no more than a thousand with settings") {
  ON_EVERY_STORE(store);
  for (const char* name : {"", ".x", "a b", "a/b"}) {
    CHECK(store.apply(limitOf(name, 1)).verdict == Verdict::refused);
    CHECK(store.apply(DeleteQueue{name}).verdict == Verdict::refused);
  }
  for (std::size_t i = 0; i < limits::queuesMax; ++i)
    REQUIRE(store.apply(limitOf("q" + std::to_string(i), 1)).verdict == Verdict::ok);
  CHECK(store.apply(limitOf("one-more", 1)).verdict == Verdict::refused);
  CHECK(store.apply(limitOf("q7", 2)).verdict == Verdict::ok);
}

TEST_CASE("Of a queue with a limit no more jobs are handed out than it says, to whomever and of whatever kind") {
  ON_EVERY_STORE(store);
  const auto principal = store.open(Role::principal, {}, {"k", "m"});
  const auto left = store.open(Role::assistant, "left", {"k", "m"});
  store.apply(limitOf("gpu", 3));
  for (int i = 0; i < 3; ++i) {
    store.add(jobIn("gpu"), principal);
    store.add(jobIn("gpu", "m"), left);
  }
  const auto ofLeft = claimAll(store, left, {"k", "m"});
  CHECK(ofLeft.size() == 3);
  CHECK(claimAll(store, principal, {"k", "m"}).empty());
  CHECK(settingsOf(store, "gpu").running == 3);
  // An end makes room for one, and tells whoever has jobs there.
  const auto touched = store.touchedBy(Succeed{attemptOf(ofLeft[0]), "1", {}});
  CHECK(contains(touched, principalOwner));
  CHECK(settingsOf(store, "gpu").running == 2);
  CHECK(claimAll(store, principal, {"k", "m"}).size() == 1);
  CHECK(claimAll(store, left, {"k", "m"}).empty());
}

TEST_CASE("The limit of a queue holds within one claim, over kinds and for jobs that are only requested") {
  ON_EVERY_STORE(store);
  const auto left = store.open(Role::assistant, "left", {"k", "m"});
  store.apply(limitOf("gpu", 2));
  for (int i = 0; i < 4; ++i) {
    store.add(jobIn("gpu"), left);
    store.add(jobIn("gpu", "m"), left);
  }
  Claim claim = claimOf(left, 3, {"k", "m"});
  claim.start = false;
  const auto first = store.apply(claim);
  CHECK(first.jobs.size() == 2);
  CHECK_FALSE(first.more);
  CHECK(store.apply(Unclaim{attemptOf(first.jobs[0].row), "not today"}).verdict == Verdict::ok);
  CHECK(settingsOf(store, "gpu").running == 1);
}

TEST_CASE("A queue without room hides no other one, whatever stands before it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  store.apply(limitOf("a", 1));
  store.apply(pauseOf("b"));
  for (int i = 0; i < 30; ++i) {
    NewJob urgent = jobIn(i % 2 == 0 ? "a" : "b");
    urgent.priority = 10;
    store.add(urgent, left);
  }
  const JobID plain = store.add(jobIn("c"), left);
  const auto answer = store.apply(claimOf(left, 2));
  REQUIRE(answer.jobs.size() == 2);
  CHECK(answer.jobs[0].row.queue == "a");
  CHECK(answer.jobs[1].row.id == plain);
  CHECK(claimAll(store, left).empty());
}

TEST_CASE("A paused queue hands nothing out while what runs goes on, and its resumption wakes who has jobs there") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobRow running = store.addRunning(left, jobIn("gpu"));
  store.add(jobIn("gpu"), left);
  CHECK(store.apply(pauseOf("gpu")).verdict == Verdict::ok);
  CHECK(settingsOf(store, "gpu").running == 1);
  CHECK(claimAll(store, left).empty());
  // What has ended makes no room in a queue that is paused.
  CHECK(store.touchedBy(Succeed{attemptOf(running), "1", {}}).empty());
  CHECK(store.row(running.id).outcome == JobOutcome::succeeded);
  store.add(jobIn("gpu"), principal);
  CHECK(claimAll(store, principal).empty());
  const auto touched = store.touchedBy(pauseOf("gpu", false));
  CHECK(contains(touched, left));
  CHECK(contains(touched, principalOwner));
  CHECK(claimAll(store, left).size() == 1);
  CHECK(claimAll(store, principal).size() == 1);
}

TEST_CASE("A limit below what runs stops nothing, and holds as soon as it can") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  for (int i = 0; i < 5; ++i) store.add(jobIn("gpu"), left);
  auto running = store.apply(claimOf(left, 3)).jobs;
  REQUIRE(running.size() == 3);
  store.apply(limitOf("gpu", 1));
  CHECK(settingsOf(store, "gpu").running == 3);
  for (int i = 0; i < 2; ++i) {
    CHECK(store.verdictOfSucceed(running[static_cast<std::size_t>(i)].row) == Verdict::ok);
    CHECK(claimAll(store, left).empty());
  }
  CHECK(store.verdictOfSucceed(running[2].row) == Verdict::ok);
  CHECK(claimAll(store, left).size() == 1);
  const auto touched = store.touchedBy(limitOf("gpu", 2));
  CHECK(contains(touched, left));
  CHECK(claimAll(store, left).size() == 1);
  CHECK(contains(store.touchedBy(DeleteQueue{"gpu"}), principalOwner));
}

TEST_CASE("However an attempt ends, its queue counts it no more") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  store.apply(limitOf("gpu", 10));
  NewJob limited = jobIn("gpu");
  limited.body.attemptLimitMicros = minute;
  std::vector<JobRow> rows;
  for (int i = 0; i < 7; ++i) rows.push_back(store.addRunning(left, i == 6 ? limited : jobIn("gpu")));
  CHECK(settingsOf(store, "gpu").running == 7);
  CHECK(store.apply(failOf(rows[0])).verdict == Verdict::ok);
  CHECK(store.apply(failOf(rows[1], false)).verdict == Verdict::ok);
  CHECK(store.apply(Transfer{attemptOf(rows[2])}).verdict == Verdict::ok);
  CHECK(store.apply(Unclaim{attemptOf(rows[3]), "no"}).verdict == Verdict::ok);
  CHECK(store.apply(Cancel{rows[4].id, "no"}).verdict == Verdict::ok);
  CHECK(settingsOf(store, "gpu").running == 3);  // the canceled one is asked to end
  store.clock().advanceMicros(2 * minute);
  CHECK(store.apply(Expire{}).verdict == Verdict::ok);
  CHECK(settingsOf(store, "gpu").running == 2);
  store.close(left, Closing::died, principal);
  store.adoptAll(left, principal);
  CHECK(settingsOf(store, "gpu").running == 0);
}

TEST_CASE("Lanes of a kind and limits of queues hold together") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  Definition definition;
  definition.kind = "k";
  definition.concurrencyLimit = 2;
  REQUIRE(store.apply(PutDefinitions{{definition}}).verdict == Verdict::ok);
  store.apply(limitOf("a", 1));
  store.apply(pauseOf("b"));
  for (const char* queue : {"a", "a", "b", "b", "c", "c"}) store.add(jobIn(queue), left);
  const auto rows = claimAll(store, left);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].queue == "a");
  CHECK(rows[1].queue == "c");
  CHECK(store.verdictOfSucceed(rows[1]) == Verdict::ok);
  const auto more = claimAll(store, left);
  REQUIRE(more.size() == 1);
  CHECK(more[0].queue == "c");
}

TEST_CASE("What can be claimed over the API leaves out what a queue holds back") {
  ON_EVERY_STORE(store);
  const bool hasLanes = GENERATE(false, true);
  Definition definition;
  definition.kind = "k";
  definition.runner = Runner::remote;
  definition.concurrencyLimit = hasLanes ? 10 : 0;
  REQUIRE(store.apply(PutDefinitions{{definition}}).verdict == Verdict::ok);
  store.apply(limitOf("a", 2));
  store.apply(pauseOf("b"));
  for (const char* queue : {"a", "a", "a", "b", "c"}) store.add(jobIn(queue));
  CHECK(store->claimable({"k"}, 100).counts == std::vector<std::size_t>{3});
  store.apply(pauseOf("a"));
  CHECK(store->claimable({"k"}, 100).counts == std::vector<std::size_t>{1});
}

TEST_CASE("Queues are listed with their settings and their open jobs, those too for which nothing is set") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  store.apply(limitOf("gpu", 1));
  NewJob later = jobIn("gpu");
  later.delayMicros = hour;
  store.add(later, left);
  for (int i = 0; i < 3; ++i) store.add(jobIn("gpu"), left);
  store.add(jobIn("plain"));
  REQUIRE(claimAll(store, left).size() == 1);
  const std::vector<QueueState> expected{{{"gpu", 1, false, 1}, true, {1, 2, 1}},
                                         {{"plain", 0, false, 0}, false, {0, 1, 0}}};
  CHECK(store->queues() == expected);
}
