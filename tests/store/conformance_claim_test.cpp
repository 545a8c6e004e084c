// What every job store must do with claim: order, kinds, repeats, due jobs, jobs that must run alone.
#include <catch2/catch.hpp>
#include <set>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
std::vector<JobID> idsOf(const Claim::Answer& answer) {
  std::vector<JobID> ids;
  for (const auto& item : answer.jobs) ids.push_back(item.row.id);
  return ids;
}

/// The job's holder, an assistant of the name, dies with it and is adopted; the job stands in the principal's queue
/// then.
void dieWith(StoreUnderTest& store, const JobRow& row, IncarnationID principal) {
  const IncarnationID holder{row.holder};
  store.close(holder, Closing::died, principal);
  store.adoptAll(holder, principal);
}

/// Gives a job so many deaths in a row, by executors that claim from the principal's queue.
void killHolders(StoreUnderTest& store, JobID id, std::uint32_t deaths, IncarnationID principal,
                 const std::string& kind = "k") {
  for (std::uint32_t i = 0; i < deaths; ++i) {
    store.clock().advanceMicros(hour);
    const auto executor = store.open(Role::executor, "e", {kind});
    const auto answer = store.apply(claimOf(executor, 1, {kind}));
    REQUIRE(idsOf(answer) == std::vector{id});
    dieWith(store, answer.jobs[0].row, principal);
  }
  store.clock().advanceMicros(hour);
}
}  // namespace

TEST_CASE("A claim starts a job under a new execId that belongs to the claimer") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID id = store.add(left);
  const Claim claim = claimOf(left);
  const auto answer = store.apply(claim);
  REQUIRE(answer.verdict == Verdict::ok);
  REQUIRE(answer.jobs.size() == 1);
  const JobRow& row = answer.jobs[0].row;
  CHECK(row.state == JobState::inProgress);
  CHECK(row.execID == execIDOf(claim.id, 0));
  CHECK(row.holderKind == HolderKind::incarnation);
  CHECK(IncarnationID{row.holder} == left);
  CHECK(row.attempt == 1);
  CHECK(row.started == 1);
  CHECK(row.startedAt == store.clock().now().utcMicros);
  CHECK(answer.jobs[0].body.parameters == "{}");
  CHECK(row == store.row(id));
  CHECK_FALSE(answer.more);
  CHECK(store.moves(id) == std::vector{Move::submit, Move::claim});
  CHECK(store->readLog(id, 1, 1).at(0).actor == left.value);
}

TEST_CASE("A claim takes only the kinds that it names, at most as many as it asks for") {
  ON_EVERY_STORE(store);
  const auto who = store.open(Role::principal, {}, {"a", "b", "c"});
  const JobID a1 = store.add(newJob("a"));
  const JobID b1 = store.add(newJob("b"));
  const JobID a2 = store.add(newJob("a"));
  const JobID ab = store.add(newJob("ab"));
  CHECK(idsOf(store.apply(claimOf(who, 10, {"c"}))).empty());
  CHECK(idsOf(store.apply(claimOf(who, 10, {"b"}))) == std::vector{b1});
  auto answer = store.apply(claimOf(who, 1, {"a", "b"}));
  CHECK(idsOf(answer) == std::vector{a1});
  CHECK(answer.more);
  answer = store.apply(claimOf(who, 10, {"a", "b"}));
  CHECK(idsOf(answer) == std::vector{a2});
  CHECK_FALSE(answer.more);
  CHECK(store.row(ab).state == JobState::ready);
}

TEST_CASE("A kind that a claim names twice is one kind") {
  ON_EVERY_STORE(store);
  const auto who = store.openPrincipal();
  const JobID first = store.add();
  const JobID second = store.add();
  const auto answer = store.apply(claimOf(who, 10, {"k", "k"}));
  CHECK(idsOf(answer) == std::vector{first, second});
  CHECK_FALSE(answer.more);
  CHECK(store->totals().inProgress == 2);
  CHECK(store->totals().ready == 0);
}

TEST_CASE("Ready jobs are handed out by priority that ages, across kinds and queues, and by age among equals") {
  ON_EVERY_STORE(store);
  const auto who = store.open(Role::principal, {}, {"a", "b"});
  NewJob old = newJob("a");
  NewJob low = newJob("b");
  low.priority = -1;
  NewJob high = newJob("b");
  high.priority = 2;
  high.queue = "other";
  NewJob latest = newJob("a");
  NewJob urgent = newJob("a");
  urgent.priority = 1;  // worth one minute: not enough against what has waited for almost two
  store.add(old);
  store.add(low);
  store.clock().advanceMicros(119 * second);
  store.add(high);
  store.add(urgent);
  store.add(latest);
  const auto answer = store.apply(claimOf(who, 10, {"a", "b"}));
  CHECK(idsOf(answer) == std::vector{high.id, old.id, urgent.id, low.id, latest.id});
}

TEST_CASE("A claim of few takes the best of all queues") {
  ON_EVERY_STORE(store);
  const auto who = store.openPrincipal();
  std::vector<JobID> expected;
  for (int i = 0; i < 12; ++i) {
    NewJob job = newJob();
    job.queue = "q" + std::to_string(i % 4);
    store.add(job);
    expected.push_back(job.id);
  }
  std::vector<JobID> got;
  for (int i = 0; i < 4; ++i) {
    const auto answer = store.apply(claimOf(who, 3));
    CHECK(answer.more == (i < 3));
    for (const JobID id : idsOf(answer)) got.push_back(id);
  }
  CHECK(got == expected);
}

TEST_CASE("Nobody claims from another's queue, and executors claim from the principal's") {
  ON_EVERY_STORE(store);
  store.openPrincipal();
  const auto left = store.openAssistant("left");
  const auto right = store.openAssistant("right");
  const auto executor = store.open(Role::executor, "e");
  const JobID lefts = store.add(left);
  const JobID principals = store.add();
  CHECK(store.apply(claimOf(right, 10)).jobs.empty());
  CHECK(idsOf(store.apply(claimOf(executor, 10))) == std::vector{principals});
  CHECK(idsOf(store.apply(claimOf(left, 10))) == std::vector{lefts});
}

TEST_CASE("A repeated claim gives the same jobs with the same execIds in the same order") {
  ON_EVERY_STORE(store);
  const auto who = store.openPrincipal();
  for (int i = 0; i < 5; ++i) {
    NewJob job = newJob();
    job.priority = i;
    store.add(job);
  }
  NewJob later = newJob();
  later.delayMicros = minute;
  store.add(later);
  const Claim claim = claimOf(who, 4);
  const auto first = store.apply(claim);
  REQUIRE(first.jobs.size() == 4);
  const auto again = store.apply(claim);
  CHECK(store.isRepeat(again.verdict));
  CHECK(idsOf(again) == idsOf(first));
  for (std::size_t i = 0; i < 4; ++i) CHECK(again.jobs.at(i).row == first.jobs[i].row);
  CHECK(again.more);
  CHECK(again.nextDueAt == first.nextDueAt);
  CHECK(store->totals().inProgress == 4);
  // What has ended meanwhile is not handed out again.
  REQUIRE(store.verdictOfSucceed(first.jobs[0].row) == Verdict::ok);
  CHECK(store.apply(claim).jobs.size() == 3);
  CHECK(store->totals().inProgress == 3);
}

TEST_CASE("A claim that is repeated after a newer one is refused and hands nothing out a second time") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID id = store.add(left);
  store.add(left);
  const Claim old = claimOf(left);
  const auto first = store.apply(old);
  REQUIRE(first.jobs.size() == 1);
  CHECK(store.apply(Unclaim{attemptOf(first.jobs[0].row), {}}).verdict == Verdict::ok);
  const auto second = store.apply(claimOf(left, 2));
  REQUIRE(second.jobs.size() == 2);
  for (const auto& item : second.jobs) CHECK(store.apply(Unclaim{attemptOf(item.row), {}}).verdict == Verdict::ok);
  const auto late = store.apply(old);
  CHECK(late.verdict == Verdict::refused);
  CHECK(late.jobs.empty());
  CHECK(store.row(id).state == JobState::ready);
}

TEST_CASE("A closed claimer's claim is fenced") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobID id = store.add(left);
  store.close(left, Closing::died, principal);
  const auto answer = store.apply(claimOf(left));
  CHECK(answer.verdict == Verdict::fenced);
  CHECK(answer.jobs.empty());
  CHECK(store.apply(claimOf(makeIncarnationID())).verdict == Verdict::fenced);
  CHECK(store.row(id).state == JobState::ready);
}

TEST_CASE("A claim promotes at most a thousand due jobs of its own queue first") {
  ON_EVERY_STORE(store);
  const auto who = store.openPrincipal();
  const auto left = store.openAssistant();
  NewJob lefts = newJob();
  lefts.delayMicros = second;
  store.add(lefts, left);
  for (int batch = 0; batch < 2; ++batch) {
    std::vector<NewJob> jobs(600);
    for (auto& job : jobs) {
      job = newJob("other");
      job.delayMicros = second;
    }
    REQUIRE(store.apply(submitOf(jobs)).verdict == Verdict::ok);
  }
  store.clock().advanceMicros(second);
  Claim claim = claimOf(who, 1, {"k"});
  const auto answer = store.apply(claim);
  CHECK(answer.jobs.empty());
  if (!store.isLossy()) {  // a claim that found nothing may be repeated, and then promotes the next thousand
    CHECK(answer.more);
    CHECK(store->totals().ready == 1000);
  }
  claim.id = makeClaimID();
  CHECK_FALSE(store.apply(claim).more);
  CHECK(store->totals().ready == 1200);
  CHECK(store.row(lefts.id).state == JobState::waiting);
}

TEST_CASE("Promote is a slice that says more") {
  ON_EVERY_STORE(store);
  for (int i = 0; i < 5; ++i) {
    NewJob job = newJob();
    job.delayMicros = (i + 1) * second;
    store.add(job);
  }
  store.clock().advanceMicros(4 * second);
  Promote promote{principalOwner, 3};
  const auto first = store.apply(promote);
  if (!store.isLossy()) {
    CHECK(first.moved == 3);
    CHECK(first.more);
  }
  CHECK_FALSE(store.apply(promote).more);
  CHECK(store->totals().ready == 4);
  CHECK(store->totals().waiting[static_cast<int>(WaitReason::due)] == 1);
}

TEST_CASE("A job whose holders died three times runs alone") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const JobID poison = store.add();
  killHolders(store, poison, 3, principal);
  CHECK(store.row(poison).holderDeaths == 3);
  const JobID other = store.add();

  // Somebody who runs something gets other jobs, also those behind it.
  Claim busy = claimOf(principal, 1);
  busy.idle = false;
  auto answer = store.apply(busy);
  CHECK(idsOf(answer) == std::vector{other});
  // Somebody idle gets it, and nothing with it.
  const JobID third = store.add();
  answer = store.apply(claimOf(principal, 10));
  REQUIRE(idsOf(answer) == std::vector{poison});
  CHECK(answer.jobs[0].row.alone);
  CHECK(answer.more);
  CHECK(store.row(third).state == JobState::ready);
  // Its success makes it an ordinary job again, were it to come back.
  CHECK(store.verdictOfSucceed(answer.jobs[0].row) == Verdict::ok);
  CHECK(store.row(poison).holderDeaths == 0);
}

TEST_CASE("A job that must run alone is handed out over the API with no other job") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  Definition definition;
  definition.kind = "k";
  definition.runner = Runner::remote;
  store.apply(PutDefinitions{{definition}});
  const JobID poison = store.add();
  killHolders(store, poison, 3, principal);
  store.apply(Promote{principalOwner, 10});
  const JobID other = store.add();
  Claim poll = claimOf(store.open(Role::executor, "api"), 10);
  poll.start = false;
  poll.remote = true;
  auto answer = store.apply(poll);
  REQUIRE(idsOf(answer) == std::vector{poison});
  CHECK(answer.jobs[0].row.alone);
  // The server runs nothing itself, so its next claim does not wait for that job's end.
  poll.id = makeClaimID();
  answer = store.apply(poll);
  CHECK(idsOf(answer) == std::vector{other});
}

TEST_CASE("A claimer with company learns that a job waits to run alone") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const JobID poison = store.add();
  killHolders(store, poison, 3, principal);
  Claim busy = claimOf(principal, 4);
  busy.idle = false;
  const auto answer = store.apply(busy);
  CHECK(answer.jobs.empty());
  CHECK(answer.aloneWaiting);
  CHECK_FALSE(answer.more);
  CHECK(store.row(poison).state == JobState::ready);
}

TEST_CASE("Jobs that must run alone do not hide what stands behind them from a busy claimer") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  std::vector<JobID> poison;
  for (int i = 0; i < 4; ++i) {
    const std::string kind = "poison-" + std::to_string(i);
    poison.push_back(store.add(newJob(kind)));
    killHolders(store, poison.back(), 3, principal, kind);
  }
  std::vector<std::string> kinds{"k"};
  for (int i = 0; i < 4; ++i) kinds.push_back("poison-" + std::to_string(i));
  const JobID behind = store.add();
  Claim busy = claimOf(principal, 1, kinds);
  busy.idle = false;
  CHECK(idsOf(store.apply(busy)) == std::vector{behind});
}

TEST_CASE("Poison of the same kind and queue does not hide what stands behind it from a busy claimer") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  std::vector<JobID> poison;
  for (int i = 0; i < 4; ++i) poison.push_back(store.add());
  for (int death = 0; death < 3; ++death) {
    store.clock().advanceMicros(hour);
    const auto executor = store.open(Role::executor, "e");
    REQUIRE(store.apply(claimOf(executor, 4)).jobs.size() == 4);
    store.close(executor, Closing::died, principal);
    store.adoptAll(executor, principal);
  }
  store.clock().advanceMicros(hour);
  const JobID behind = store.add();
  Claim busy = claimOf(principal, 1);
  busy.idle = false;
  const auto answer = store.apply(busy);
  CHECK(idsOf(answer) == std::vector{behind});
}

TEST_CASE("A claim leaves jobs of a later version to those who know it, and they hide nothing from it") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  NewJob later = newJob();
  later.body.kindVersion = 3;
  for (int i = 0; i < 20; ++i) {
    later.id = makeJobID();
    store.add(later);
  }
  const JobID behind = store.add();
  const auto otherKind = store.add(newJob("k-other"));
  CHECK(idsOf(store.apply(claimOf(principal, 1, {"k", "k-other@9"}))) == std::vector{behind});
  CHECK(idsOf(store.apply(claimOf(principal, 10, {"k@2", "k-other@9"}))) == std::vector{otherKind});
  const auto nothing = store.apply(claimOf(principal, 10, {"k@2"}));
  CHECK(nothing.jobs.empty());
  CHECK_FALSE(nothing.more);
  CHECK(store.row(later.id).state == JobState::ready);
  CHECK(store.row(later.id).attempt == 0);
  CHECK(store.apply(claimOf(principal, 10, {"k@3"})).jobs.size() == 10);
  CHECK(store.apply(claimOf(principal, 20, {"k", "k@4"})).jobs.size() == 10);
}

TEST_CASE("The validator refuses claims without an id, of too many, or of things that are no kinds") {
  ON_EVERY_STORE(store);
  const auto who = store.openPrincipal();
  Claim claim = claimOf(who);
  const auto what = GENERATE(as<std::string>{}, "id", "tail", "none", "many", "kind", "limit");
  INFO(what);
  if (what == "id") claim.id = {};
  if (what == "tail") claim.id.value.bytes[15] = 1;
  if (what == "none") claim.max = 0;
  if (what == "many") claim.max = limits::claimJobsMax + 1;
  if (what == "kind") claim.kinds = {"a b"};
  if (what == "limit") claim.startLimitMicros = -1;
  const auto answer = store.apply(claim);
  CHECK(answer.verdict == Verdict::refused);
  CHECK(answer.why.size() > 10);
}
