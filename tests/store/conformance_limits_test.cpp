// What every job store must do with the limits of kinds: how many attempts run at once, for each value of a parameter,
// and how often they begin. Decided in the claim, so exact whoever claims.
#include <catch2/catch.hpp>
#include <map>

#include "tests/support/seed.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

Definition limited(std::uint32_t limit, std::string path = {}) {
  Definition definition;
  definition.kind = "k";
  definition.concurrencyLimit = limit;
  definition.concurrencyPath = std::move(path);
  return definition;
}

NewJob jobFor(const std::string& host) {
  NewJob job = newJob();
  job.body.parameters = R"({"input":{"host":")" + host + R"("}})";
  return job;
}

/// Puts it, and goes on until all jobs stand in their lanes.
void put(StoreUnderTest& store, const Definition& definition) {
  bool more = store.apply(PutDefinitions{{definition}}).more;
  for (int slices = 0; more && slices < 1000; ++slices) more = store.apply(Relane{}).more;
  REQUIRE_FALSE(more);
}

std::vector<Claim::Item> claim(StoreUnderTest& store, IncarnationID who, std::uint32_t max = 10) {
  return store.apply(claimOf(who, max)).jobs;
}

}  // namespace

TEST_CASE("No more attempts of a kind run at once than its limit, whoever claims, and each end makes room for one") {
  ON_EVERY_STORE(store);
  const auto one = store.open(Role::executor, "one");
  const auto two = store.open(Role::executor, "two");
  put(store, limited(2));
  for (int i = 0; i < 5; ++i) store.add();
  const auto first = claim(store, one, 1);
  REQUIRE(first.size() == 1);
  REQUIRE(claim(store, two).size() == 1);
  const auto none = store.apply(claimOf(one, 10));
  CHECK(none.jobs.empty());
  CHECK_FALSE(none.more);  // there is nothing to be had by asking again
  CHECK(store.verdictOfSucceed(first[0].row) == Verdict::ok);
  CHECK(claim(store, two).size() == 1);
  CHECK(claim(store, one).empty());
}

TEST_CASE("Every way in which an attempt can end makes room in its lane") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto executor = store.open(Role::executor, "e");
  put(store, limited(1));
  for (int i = 0; i < 9; ++i) store.add();
  const auto next = [&](IncarnationID who) {
    const auto items = claim(store, who);
    REQUIRE(items.size() == 1);
    REQUIRE(claim(store, who).empty());
    return items[0].row;
  };
  store.apply(Unclaim{attemptOf(next(executor)), "given back"});
  store.apply(failOf(next(executor), false));
  store.apply(failOf(next(executor)));
  JobRow row = next(executor);
  store.apply(RequestTransfer{attemptOf(row)});
  store.apply(Transfer{attemptOf(row)});
  row = next(executor);
  store.apply(Cancel{row.id, {}});
  store.apply(failOf(row));
  row = next(executor);
  store.close(executor, Closing::died, principal);
  store.adoptAll(executor, principal);
  CHECK(store.row(row.id).state == JobState::ready);
  CHECK(next(principal).id == row.id);
}

TEST_CASE("With a path the limit holds for each value there, and a blocked value keeps no other back") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  put(store, limited(1, "params.input.host"));
  const JobID a1 = store.add(jobFor("a"));
  const JobID a2 = store.add(jobFor("a"));
  const JobID b1 = store.add(jobFor("b"));
  const JobID none1 = store.add();
  const JobID none2 = store.add();
  auto items = claim(store, executor);
  REQUIRE(items.size() == 3);
  CHECK(items[0].row.id == a1);
  CHECK(items[1].row.id == b1);
  CHECK(items[2].row.id == none1);  // a value that is missing is a value too
  CHECK(claim(store, executor).empty());
  store.verdictOfSucceed(items[2].row);
  CHECK(claim(store, executor).at(0).row.id == none2);
  store.verdictOfSucceed(items[0].row);
  CHECK(claim(store, executor).at(0).row.id == a2);
}

TEST_CASE("Among open lanes the order of priority and time holds, also across queues and kinds") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  put(store, limited(2, "params.input.host"));
  std::vector<JobID> expected;
  NewJob late = jobFor("a");
  late.queue = "slow";
  store.add(late);
  store.clock().advanceMicros(second);
  NewJob urgent = jobFor("b");
  urgent.priority = 5;
  store.add(urgent);
  const NewJob last = jobFor("a");
  store.add(last);
  store.add(jobFor("a"));
  auto items = claim(store, executor, 2);
  REQUIRE(items.size() == 2);
  CHECK(items[0].row.id == urgent.id);
  CHECK(items[1].row.id == late.id);
  items = claim(store, executor, 10);
  REQUIRE(items.size() == 1);  // two of "a" run: one of each queue
  CHECK(items[0].row.id == last.id);
}

TEST_CASE("A limit that is set, changed or taken away applies to jobs that are ready and running already") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  const auto left = store.openAssistant();
  for (int i = 0; i < 6; ++i) store.add(jobFor(i % 2 == 0 ? "a" : "b"));
  const auto running = claim(store, executor, 2);
  REQUIRE(running.size() == 2);
  put(store, limited(2));
  CHECK(claim(store, executor).empty());
  put(store, limited(3));
  CHECK(claim(store, executor).size() == 1);
  put(store, limited(2, "input.host"));
  CHECK(claim(store, executor).size() == 1);  // three run, of "a" two and of "b" one
  Definition none = limited(1);
  none.concurrencyLimit = 0;
  put(store, none);
  CHECK(claim(store, executor).size() == 2);
  put(store, limited(1));
  store.add(left);
  CHECK(claim(store, left).empty());
  store.apply(DeleteDefinition{"k"});
  store.apply(Relane{});
  CHECK(claim(store, left).size() == 1);
}

TEST_CASE("Putting many jobs into lanes goes in slices, and none is handed out before it is through") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  for (int batch = 0; batch < 3; ++batch) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < 500; ++i) jobs.push_back(jobFor(std::to_string(i % 7)));
    REQUIRE(store.apply(submitOf(std::move(jobs))).verdict == Verdict::ok);
  }
  const auto running = claim(store, executor, 5);
  REQUIRE(running.size() == 5);
  auto answer = store.apply(PutDefinitions{{limited(1, "input.host")}});
  REQUIRE(answer.more);
  CHECK(claim(store, executor).empty());
  const JobID between = store.add(jobFor("new"));
  CHECK(store.verdictOfSucceed(running[0].row) == Verdict::ok);
  CHECK(claim(store, executor).empty());
  int slices = 0;
  for (bool more = true; more && slices < 100; ++slices) more = store.apply(Relane{400}).more;
  CHECK(slices < 10);
  const auto items = claim(store, executor);
  CHECK(items.size() == 4);  // seven hosts of which four run, and the new one
  CHECK(items.back().row.id == between);
}

TEST_CASE("Jobs that are adopted while their kind is put into lanes come into the right ones") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const auto executor = store.open(Role::executor, "e");
  std::vector<NewJob> jobs;
  for (int i = 0; i < 10; ++i) jobs.push_back(jobFor("a"));
  const JobID first = jobs.front().id;
  REQUIRE(store.apply(submitOf(jobs, left)).verdict == Verdict::ok);
  const JobRow running = store.run(first, left);
  store.clock().advanceMicros(second);
  for (int batch = 0; batch < 2; ++batch) {
    std::vector<NewJob> more;
    for (int i = 0; i < 700; ++i) more.push_back(jobFor("b"));
    REQUIRE(store.apply(submitOf(std::move(more))).verdict == Verdict::ok);
  }
  REQUIRE(store.apply(PutDefinitions{{limited(1, "input.host")}}).more);
  store.close(left, Closing::died, principal);
  store.adoptAll(left, principal, 3);
  for (bool more = true; more;) more = store.apply(Relane{50}).more;
  const auto items = claim(store, executor);
  REQUIRE(items.size() == 2);
  CHECK(items[0].row.id == first);
  CHECK(items[0].row.attempt == running.attempt + 1);
  CHECK(claim(store, executor).empty());
}

TEST_CASE("A rate limits how often attempts begin, with a bucket that fills evenly") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  Definition definition = limited(0);
  definition.rate = {2, second, 3};
  put(store, definition);
  for (int i = 0; i < 20; ++i) store.add();
  CHECK(claim(store, executor).size() == 3);
  const auto none = store.apply(claimOf(executor, 10));
  CHECK(none.jobs.empty());
  CHECK_FALSE(none.more);
  CHECK(none.nextDueAt == store.clock().now().utcMicros + second / 2);
  store.clock().advanceMicros(second / 2 - 1);
  CHECK(claim(store, executor).empty());
  store.clock().advanceMicros(1);
  CHECK(claim(store, executor).size() == 1);
  store.clock().advanceMicros(minute);
  CHECK(claim(store, executor).size() == 3);
  store.clock().reboot(*Uuid::parse("b0000000-0000-4000-8000-000000000002"));
  CHECK(claim(store, executor).size() == 3);
  definition.rate.burst = 1;
  put(store, definition);
  CHECK(claim(store, executor).size() == 1);
}

TEST_CASE("Under random claims and ends no limit is exceeded and no room is left while a job waits for it") {
  ON_EVERY_STORE(store);
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  Dice dice(seed);
  constexpr std::uint32_t limit = 3;
  put(store, limited(limit, "input.host"));
  const std::vector<IncarnationID> executors{store.open(Role::executor, "a"), store.open(Role::executor, "b")};
  std::vector<std::pair<std::string, JobRow>> running;
  std::map<JobID, std::string> hosts;
  std::map<std::string, std::size_t> ready;
  std::map<std::string, std::size_t> taken;
  std::size_t handedOut = 0;
  for (int step = 0; step < 1500; ++step) {
    if (dice.oneIn(2)) {
      NewJob job = jobFor("h" + std::to_string(dice.roll(4)));
      if (dice.oneIn(3)) job.queue = "other";
      hosts[job.id] = job.body.parameters;
      ++ready[job.body.parameters];
      store.add(job);
    } else if (dice.oneIn(2)) {
      const std::uint32_t max = 1 + dice.roll(5);
      const auto items = claim(store, dice.pick(executors), max);
      for (const auto& item : items) {
        const std::string& host = hosts.at(item.row.id);
        running.emplace_back(host, item.row);
        --ready[host];
        if (++taken[host] > limit) FAIL("a limit was exceeded");
      }
      handedOut += items.size();
      if (items.size() == max) continue;
      for (const auto& [host, count] : ready)
        if (count > 0 && taken[host] < limit) FAIL("a job was left though there was room for it");
    } else if (!running.empty()) {
      const std::size_t which = dice.roll(static_cast<std::uint32_t>(running.size()));
      const auto [host, row] = running[which];
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
      const bool isGivenBack = dice.oneIn(3);
      const auto verdict = isGivenBack ? store.apply(Unclaim{attemptOf(row), {}}).verdict : store.verdictOfSucceed(row);
      REQUIRE(verdict == Verdict::ok);
      --taken[host];
      if (isGivenBack) ++ready[host];
    }
  }
  CHECK(handedOut > 200);
}
