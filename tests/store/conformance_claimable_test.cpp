// What every job store must say of the jobs that claims over the API could get, without claiming them.
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

Definition remote(std::string kind) {
  Definition definition;
  definition.kind = std::move(kind);
  definition.runner = Runner::remote;
  return definition;
}

std::size_t countOf(StoreUnderTest& store, const std::string& kind = "k", std::size_t limit = 100) {
  return store->claimable({kind}, limit).counts.at(0);
}

/// What a claim really gets.
std::size_t claimed(StoreUnderTest& store, IncarnationID api) {
  Claim claim = claimOf(api, 100);
  claim.start = false;
  claim.remote = true;
  return store.apply(claim).jobs.size();
}

}  // namespace

TEST_CASE("Ready jobs of remote kinds in the principal's queue can be claimed, up to the limit, and no others") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  store.add();
  CHECK(countOf(store) == 0);
  store.apply(PutDefinitions{{remote("k")}});
  store.add(left);  // remote: to the principal's queue
  store.add(newJob("other"));
  CHECK(countOf(store) == 2);
  CHECK(countOf(store, "k", 1) == 1);
  CHECK(countOf(store, "other") == 0);
  CHECK(countOf(store, "unheard") == 0);
  const auto both = store->claimable({"other", "k"}, 100);
  CHECK(both.counts == std::vector<std::size_t>{0, 2});
  store.apply(DeleteDefinition{"k"});
  CHECK(countOf(store) == 0);
}

TEST_CASE("What can be claimed says when more comes by itself: the first due job, and a rate's next token") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  store.apply(PutDefinitions{{remote("k")}});
  CHECK(store->claimable({"k"}, 100).nextDueAt == never);
  NewJob later = newJob();
  later.delayMicros = minute;
  store.add(later);
  CHECK(store->claimable({"k"}, 100).nextDueAt == store.clock().now().utcMicros + minute);
  Definition slow = remote("k");
  slow.rate = {1, second, 2};
  store.apply(PutDefinitions{{slow}});
  for (int i = 0; i < 3; ++i) store.add();
  CHECK(countOf(store) == 2);
  CHECK(claimed(store, api) == 2);
  CHECK(countOf(store) == 0);
  CHECK(store->claimable({"k"}, 100).nextDueAt == store.clock().now().utcMicros + second);
}

TEST_CASE("Of limited kinds as many can be claimed as there is room in their lanes, which a claim then gets") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  Definition limited = remote("k");
  limited.concurrencyLimit = 2;
  limited.concurrencyPath = "params.g";
  store.apply(PutDefinitions{{limited}});
  for (int i = 0; i < 12; ++i) {
    NewJob job = newJob();
    job.queue = i % 2 == 0 ? "one" : "other";  // queues share a lane
    job.body.parameters = R"({"g":)" + std::to_string(i % 3) + "}";
    store.add(job);
  }
  CHECK(countOf(store) == 6);
  CHECK(countOf(store, "k", 4) == 4);
  CHECK(claimed(store, api) == 6);
  CHECK(countOf(store) == 0);
}
