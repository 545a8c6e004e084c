// What every job store must do when it forgets: retention, and the keys that end with their jobs.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
void finishJob(StoreUnderTest& store, JobID id) {
  REQUIRE(store.apply(Cancel{id, {}}).state == JobState::done);
}
}  // namespace

TEST_CASE("Retention by age removes old done jobs, with everything of them") {
  ON_EVERY_STORE(store);
  const JobID old = store.add(keyedJob("old"));
  const JobID living = store.add();
  finishJob(store, old);
  store.clock().advanceMicros(2 * day);
  const JobID fresh = store.add();
  finishJob(store, fresh);
  store.clock().advanceMicros(2 * hour);
  Prune prune;
  prune.maxAgeMicros = day;
  const auto answer = store.apply(prune);
  if (!store.isLossy()) CHECK(answer.moved == 1);
  CHECK_FALSE(answer.more);
  CHECK_FALSE(store->find(old));
  CHECK(store->readLog(old, 0, 10).empty());
  CHECK_FALSE(store->findByKey("old"));
  CHECK(store->resolve(shortIDOf(old), 10).empty());
  CHECK(store->find(fresh));
  CHECK(store.row(living).state == JobState::ready);
  CHECK(store->totals().jobs() == 2);
  CHECK(store->totals().submitted == 3);
}

TEST_CASE("Retention by count removes the oldest done jobs and says when there are more") {
  ON_EVERY_STORE(store);
  std::vector<JobID> ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(store.add());
    finishJob(store, ids.back());
    store.clock().advanceMicros(second);
  }
  store.clock().advanceMicros(2 * hour);
  Prune prune;
  prune.maxCount = 4;
  prune.limit = 4;
  const auto first = store.apply(prune);
  if (!store.isLossy()) {
    CHECK(first.moved == 4);
    CHECK(first.more);
  }
  while (store.apply(prune).more) {
  }
  for (std::size_t i = 0; i < ids.size(); ++i) CHECK(store->find(ids[i]).has_value() == (i >= 6));
  Prune nothing;
  store.apply(nothing);
  CHECK(store->totals().jobs() == 4);
}

TEST_CASE("A done job is kept for at least an hour and while its key's window is open") {
  ON_EVERY_STORE(store);
  const JobID plain = store.add();
  const JobID keyed = store.add(keyedJob("k", day));
  finishJob(store, plain);
  finishJob(store, keyed);
  Prune prune;
  prune.maxAgeMicros = 1;
  prune.maxCount = 1;
  store.clock().advanceMicros(hour);
  store.apply(prune);
  CHECK(store->find(plain));
  store.clock().advanceMicros(1);
  store.apply(prune);
  CHECK_FALSE(store->find(plain));
  CHECK(store->find(keyed));
  CHECK(store.apply(submitOf({keyedJob("k")})).jobs.at(0).verdict == Verdict::duplicate);
  store.clock().advanceMicros(day);
  store.apply(prune);
  CHECK_FALSE(store->find(keyed));
}

TEST_CASE("A key without a window of its own answers duplicate until retention removes the done job") {
  ON_EVERY_STORE(store);
  const JobID first = store.add(keyedJob("k", std::nullopt));
  finishJob(store, first);
  store.clock().advanceMicros(30 * day);
  CHECK(store.apply(submitOf({keyedJob("k")})).jobs.at(0).verdict == Verdict::duplicate);
  Prune prune;
  prune.maxAgeMicros = 31 * day;
  store.apply(prune);
  CHECK(store.apply(submitOf({keyedJob("k")})).jobs.at(0).id == first);
  store.clock().advanceMicros(2 * day);
  store.apply(prune);
  CHECK_FALSE(store->find(first));
  CHECK_FALSE(store->findByKey("k"));
  const JobID second = store.add(keyedJob("k", std::nullopt));
  CHECK(store->findByKey("k") == second);
  finishJob(store, second);
  store.clock().advanceMicros(2 * hour);
  store.add();
  finishJob(store, store.add());
  prune = Prune{0, 1, 1000};  // by count it goes as well
  store.apply(prune);
  CHECK_FALSE(store->find(second));
  CHECK_FALSE(store->findByKey("k"));
}

TEST_CASE("Retention goes on behind done jobs whose keys' windows are open") {
  ON_EVERY_STORE(store);
  std::vector<JobID> keyed;
  for (int i = 0; i < 7; ++i) {
    keyed.push_back(store.add(keyedJob("k" + std::to_string(i), 30 * day)));
    finishJob(store, keyed.back());
  }
  const JobID plain = store.add();
  finishJob(store, plain);
  store.clock().advanceMicros(2 * day);
  Prune prune;
  prune.maxAgeMicros = day;
  prune.limit = 3;
  int slices = 0;
  for (bool more = true; more && slices < 10; ++slices) {
    const auto answer = store.apply(prune);
    more = answer.more;
    prune.from = answer.next;
  }
  CHECK(slices == 3);
  CHECK_FALSE(store->find(plain));
  for (const JobID id : keyed) CHECK(store->find(id));
}

TEST_CASE("A key that points to a newer job outlives the pruning of the older one") {
  ON_EVERY_STORE(store);
  const JobID first = store.add(keyedJob("k"));
  finishJob(store, first);
  store.clock().advanceMicros(2 * hour);
  const JobID second = store.add(keyedJob("k"));
  Prune prune;
  prune.maxAgeMicros = 1;
  store.apply(prune);
  CHECK_FALSE(store->find(first));
  CHECK(store->findByKey("k") == second);
}

TEST_CASE("Retention forgets incarnations that were emptied, and no others") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto emptied = store.openAssistant("emptied");
  const auto leftover = store.openAssistant("leftover");
  const JobID id = store.add(leftover);
  store.close(emptied, Closing::stopped, emptied);
  store.close(leftover, Closing::stopped, leftover);
  store.adoptAll(emptied, principal);
  store.clock().advanceMicros(30 * day);
  Prune prune;
  prune.maxAgeMicros = day;
  store.apply(prune);
  const auto rows = store->incarnations();
  const auto has = [&](IncarnationID which) {
    return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.id == which; });
  };
  CHECK_FALSE(has(emptied));
  CHECK(has(leftover));
  CHECK(has(principal));
  store.adoptAll(leftover, principal);
  CHECK(store.row(id).owner == principalOwner);
}

TEST_CASE("The validator refuses slices without bounds") {
  ON_EVERY_STORE(store);
  const std::uint32_t limit = GENERATE(0u, 1001u);
  Prune prune;
  prune.limit = limit;
  Expire expire;
  expire.limit = limit;
  CHECK(store.apply(prune).verdict == Verdict::refused);
  CHECK(store.apply(expire).verdict == Verdict::refused);
  CHECK(store.apply(Promote{principalOwner, limit}).verdict == Verdict::refused);
  prune.limit = 10;
  prune.maxAgeMicros = -1;
  CHECK(store.apply(prune).verdict == Verdict::refused);
}

TEST_CASE("A forgotten job is out of sight, and runs, ends and is kept as any other") {
  ON_EVERY_STORE(store);
  const IncarnationID principal = store.openPrincipal();
  const JobID seen = store.add();
  const JobID forgotten = store.add();
  const auto listed = [&](bool forgottenToo) {
    JobFilter filter;
    filter.forgottenToo = forgottenToo;
    std::vector<JobID> ids;
    for (const JobView& job : store->list(filter, {}, 10).jobs) ids.push_back(job.row.id);
    return ids;
  };
  const auto answer = store.apply(Forget{forgotten});
  CHECK(isAccepted(answer.verdict));
  CHECK(answer.state == JobState::ready);
  const auto again = store.apply(Forget{forgotten}).verdict;
  CHECK(isAccepted(again));
  if (!store.isLossy()) CHECK(again == Verdict::alreadyApplied);
  CHECK(store.apply(Forget{makeJobID()}).verdict == Verdict::notFound);
  CHECK(listed(false) == std::vector{seen});
  CHECK(listed(true) == std::vector{seen, forgotten});
  CHECK(store.row(forgotten).isForgotten);
  CHECK(store.moves(forgotten).back() == Move::forget);

  for (const JobID id : {seen, forgotten}) {
    const JobRow row = store.run(id, principal);
    CHECK(isAccepted(store.apply(Succeed{{id, row.execID, principal}, {}, {}}).verdict));
  }
  CHECK(store.row(forgotten).outcome == JobOutcome::succeeded);
  CHECK(store.row(forgotten).isForgotten);
  CHECK(isAccepted(store.apply(Forget{seen}).verdict));
  CHECK(store.row(seen).state == JobState::done);
  CHECK(listed(false).empty());
  CHECK(store->resolve(shortIDOf(seen), 2) == std::vector{seen});
}
