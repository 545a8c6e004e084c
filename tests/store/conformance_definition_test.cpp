// What every job store must do with the settings of kinds: whose attempts have which limits, and what is handed out to
// those who take jobs over the API.
#include <catch2/catch.hpp>

#include "core/names.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

Definition remoteDefinition(std::string kind = "k") {
  Definition definition;
  definition.kind = std::move(kind);
  definition.runner = Runner::remote;
  return definition;
}

Verdict put(StoreUnderTest& store, const Definition& definition) {
  return store.apply(PutDefinitions{{definition}}).verdict;
}

Claim poll(IncarnationID api, std::uint32_t max = 1, std::vector<std::string> kinds = {"k"}) {
  Claim claim = claimOf(api, max, std::move(kinds));
  claim.start = false;
  claim.remote = true;
  return claim;
}

JobRow pollOne(StoreUnderTest& store, IncarnationID api) {
  const auto answer = store.apply(poll(api));
  REQUIRE(answer.jobs.size() == 1);
  return answer.jobs[0].row;
}

JobRow startOne(StoreUnderTest& store, IncarnationID api) {
  const JobRow row = pollOne(store, api);
  REQUIRE(store.apply(Start{attemptOf(row)}).verdict == Verdict::ok);
  return store.row(row.id);
}

std::int64_t leftOf(StoreUnderTest& store, const JobRow& row) {
  return (row.deadlineNanos - store.clock().now().bootNanos) / 1000;
}

}  // namespace

TEST_CASE("A definition is stored, read, replaced and removed, and a repeat changes nothing") {
  ON_EVERY_STORE(store);
  Definition definition = remoteDefinition("a/b");
  definition.paramsSchema = R"({"type":"object"})";
  definition.rate = {5, second, 7};
  CHECK(put(store, definition) == Verdict::ok);
  CHECK(store.isRepeat(put(store, definition)));
  REQUIRE(store->definition("a/b"));
  CHECK(static_cast<Definition>(*store->definition("a/b")) == definition);
  CHECK(store->definition("a/b")->version == 1);
  CHECK(store->definition("a/b")->updatedAt == store.clock().now().utcMicros);
  CHECK_FALSE(store->definition("a"));
  definition.runner.reset();
  CHECK(put(store, definition) == Verdict::ok);
  CHECK(store->definition("a/b")->version == 2);
  CHECK(put(store, remoteDefinition("0")) == Verdict::ok);
  REQUIRE(store->definitions().size() == 2);
  CHECK(store->definitions()[0].kind == "0");
  store.apply(DeleteDefinition{"a/b"});
  CHECK(store->definitions().size() == 1);
  CHECK_FALSE(store->definition("a/b"));
  CHECK(store.apply(DeleteDefinition{"a/b"}).verdict == Verdict::notFound);
}

TEST_CASE("A definition that makes no sense is refused with a reason") {
  ON_EVERY_STORE(store);
  const auto isRefused = [&](auto change) {
    Definition definition = remoteDefinition();
    change(definition);
    const auto answer = store.apply(PutDefinitions{{definition}});
    return answer.verdict == Verdict::refused && !answer.why.empty();
  };
  CHECK(isRefused([](Definition& d) { d.kind = "no kind"; }));
  CHECK(isRefused([](Definition& d) { d.kind = commandKind; }));
  CHECK(isRefused([](Definition& d) { d.inProgressTimeoutMicros = -1; }));
  CHECK(isRefused([](Definition& d) { d.requestedToStartTimeoutMicros = limits::delayMax.count() + 1; }));
  CHECK(isRefused([](Definition& d) { d.allowedRetryCount = 0; }));
  CHECK(isRefused([](Definition& d) { d.retryBackoff = 0.5; }));
  CHECK(isRefused([](Definition& d) { d.concurrencyPath = "params.x"; }));
  CHECK(isRefused([](Definition& d) { d.concurrencyLimit = 1, d.concurrencyPath = "params..x"; }));
  CHECK(isRefused([](Definition& d) { d.rate = {1, 0, 1}; }));
  CHECK(isRefused([](Definition& d) { d.rate = {1, second, 0}; }));
  CHECK(isRefused([](Definition& d) { d.rate = {1, limits::delayMax.count(), 2}; }));
  CHECK(isRefused([](Definition& d) { d.paramsSchema.resize(limits::schemaBytesMax + 1, ' '); }));
  CHECK(store->definitions().empty());
}

TEST_CASE("Of definitions that are put together all are stored or none") {
  ON_EVERY_STORE(store);
  PutDefinitions many{{remoteDefinition("a"), remoteDefinition("b")}};
  CHECK(store.apply(many).verdict == Verdict::ok);
  many.definitions[1].concurrencyLimit = 2;
  many.definitions.push_back(remoteDefinition("c"));
  auto wrong = many;
  wrong.definitions.push_back(remoteDefinition("no kind"));
  CHECK(store.apply(wrong).verdict == Verdict::refused);
  wrong = many;
  wrong.definitions.push_back(remoteDefinition("a"));
  CHECK_THAT(store.apply(wrong).why, Catch::Contains("'a'") && Catch::Contains("twice"));
  CHECK(store->definitions().size() == 2);
  CHECK(store.apply(many).verdict == Verdict::ok);
  REQUIRE(store->definitions().size() == 3);
  CHECK(store->definition("a")->version == 1);  // it was no other
  CHECK(store->definition("b")->version == 2);
  CHECK(store->definition("b")->concurrencyLimit == 2);
}

TEST_CASE("A store takes so many definitions, and of more none") {
  ON_EVERY_STORE(store);
  PutDefinitions many;
  for (std::size_t i = 0; i + 1 < limits::definitionsMax; ++i)
    many.definitions.push_back(remoteDefinition("k" + std::to_string(i)));
  REQUIRE(store.apply(many).verdict == Verdict::ok);
  const auto tooMany = store.apply(PutDefinitions{{remoteDefinition("x"), remoteDefinition("y")}});
  CHECK(tooMany.verdict == Verdict::refused);
  CHECK_THAT(tooMany.why, Catch::Contains(std::to_string(limits::definitionsMax)));
  CHECK_FALSE(store->definition("x"));
  CHECK(store.apply(PutDefinitions{{remoteDefinition("x")}}).verdict == Verdict::ok);
  // What stands there is replaced all the same.
  Definition other = remoteDefinition("k0");
  other.retryOnFail = true;
  CHECK(store.apply(PutDefinitions{{other}}).verdict == Verdict::ok);
  CHECK(store.apply(PutDefinitions{{remoteDefinition("y")}}).verdict == Verdict::refused);
}

TEST_CASE("Only jobs of a kind that is defined as remote are handed out over the API") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  store.add();
  CHECK(store.apply(poll(api)).jobs.empty());
  Definition native = remoteDefinition();
  native.runner = Runner::native;
  put(store, native);
  CHECK(store.apply(poll(api)).jobs.empty());
  put(store, remoteDefinition());
  CHECK(store.apply(poll(api)).jobs.size() == 1);
  store.add();
  store.apply(DeleteDefinition{"k"});
  CHECK(store.apply(poll(api)).jobs.empty());
}

TEST_CASE("A job of a kind that is defined as remote stands in the principal's queue, whoever submits it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  put(store, remoteDefinition());
  Submit submit = submitOf({newJob()}, left);
  submit.ownerName = "left";
  REQUIRE(store.apply(submit).verdict == Verdict::ok);
  const JobRow row = store.row(submit.jobs[0].id);
  CHECK(row.owner == principalOwner);
  CHECK(row.runner == Runner::remote);
  CHECK(store->find(row.id)->body.definitionVersion == 1);
}

TEST_CASE("A remote attempt has its definition's times, and the seed's where it says nothing") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  put(store, remoteDefinition());
  store.add();
  JobRow row = pollOne(store, api);
  CHECK(row.state == JobState::requested);
  CHECK(row.holderKind == HolderKind::remote);
  CHECK(leftOf(store, row) == 10 * second);
  CHECK(store.apply(Start{attemptOf(row)}).verdict == Verdict::ok);
  CHECK(leftOf(store, store.row(row.id)) == 120 * second);
  store.apply(Succeed{attemptOf(row), {}, {}});

  Definition definition = remoteDefinition();
  definition.requestedToStartTimeoutMicros = second / 2;
  definition.inProgressTimeoutMicros = second;
  put(store, definition);
  store.add();
  row = pollOne(store, api);
  CHECK(leftOf(store, row) == second / 2);
  store.apply(Start{attemptOf(row)});
  CHECK(leftOf(store, store.row(row.id)) == second);
}

TEST_CASE("A change of a definition's times applies to what is handed out or started later") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  put(store, remoteDefinition());
  store.add();
  const JobRow row = startOne(store, api);
  Definition shorter = remoteDefinition();
  shorter.inProgressTimeoutMicros = second;
  put(store, shorter);
  CHECK(leftOf(store, store.row(row.id)) == 120 * second);
  CHECK(store.apply(Notify{attemptOf(row), 0, "alive"}).verdict == Verdict::ok);
  CHECK(leftOf(store, store.row(row.id)) == second);
}

TEST_CASE(
    "A sign of life gives an attempt its definition's whole time again, and no more of a limit of the job's own") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  const auto executor = store.open(Role::executor, "e");
  Definition definition = remoteDefinition();
  definition.inProgressTimeoutMicros = minute;
  put(store, definition);
  store.add();
  const JobRow remote = startOne(store, api);
  const JobRow held = store.addRunning(executor);
  CHECK(leftOf(store, held) == minute);
  NewJob hurried = newJob();
  hurried.body.attemptLimitMicros = minute;
  const JobRow own = store.addRunning(executor, hurried);
  store.clock().advanceMicros(50 * second);
  CHECK(store.apply(Notify{attemptOf(remote), 0.5F, "half", true, R"({"progress-current":1})"}).verdict == Verdict::ok);
  CHECK(store.apply(Notify{attemptOf(held), 0.5F, "half", true}).verdict == Verdict::ok);
  CHECK(leftOf(store, store.row(remote.id)) == minute);
  CHECK(store.apply(Notify{attemptOf(own), 0.5F, "half", true}).verdict == Verdict::ok);
  CHECK(leftOf(store, store.row(held.id)) == minute);
  CHECK(leftOf(store, store.row(own.id)) == 10 * second);
  const auto log = store->readLog(remote.id, 0, 10);
  CHECK(log.back().note == R"({"progress-current":1})");
  CHECK(log.back().timer == store.clock().now().utcMicros + minute);
}

TEST_CASE("An attempt that a lock holds has no time limit without a definition that sets one") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  put(store, remoteDefinition());
  const JobRow row = store.addRunning(executor);
  CHECK(row.deadlineNanos == 0);
}

TEST_CASE("A remote attempt whose time is over is tried again after the delay, as often as all attempts are allowed") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  Definition definition = remoteDefinition();
  definition.retryDelayMicros = second / 5;
  put(store, definition);
  store.add();
  const JobRow first = startOne(store, api);
  store.clock().advanceMicros(121 * second);
  store.apply(Expire{});
  JobRow row = store.row(first.id);
  CHECK(row.state == JobState::waiting);
  CHECK(row.wakeAt == store.clock().now().utcMicros + second / 5);
  CHECK(row.failures == 1);
  CHECK(store.verdictOfSucceed(first) == Verdict::fenced);
  store.clock().advanceMicros(second);
  row = startOne(store, api);
  CHECK(row.execID != first.execID);
  CHECK(row.started == 2);
  store.clock().advanceMicros(121 * second);
  store.apply(Expire{});
  CHECK(store.row(first.id).outcome == JobOutcome::failed);
  CHECK(store->find(first.id)->result->failure.type == "deadline");
}

TEST_CASE("A remote attempt that says it failed is final, unless its definition wants it tried again") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  put(store, remoteDefinition());
  store.add();
  JobRow row = startOne(store, api);
  CHECK(store.apply(failOf(row)).verdict == Verdict::ok);
  CHECK(store.row(row.id).outcome == JobOutcome::failed);

  Definition again = remoteDefinition();
  again.retryOnFail = true;
  put(store, again);
  store.add();
  row = startOne(store, api);
  CHECK(store.apply(failOf(row)).verdict == Verdict::ok);
  CHECK(store.row(row.id).state == JobState::waiting);
  CHECK(store.row(row.id).wakeAt == store.clock().now().utcMicros + 10 * second);
}

TEST_CASE("A definition's retries and limit hold for jobs of native kinds too, in place of their own") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  Definition definition;
  definition.kind = "k";
  definition.allowedRetryCount = 1;
  definition.inProgressTimeoutMicros = minute;
  put(store, definition);
  const JobRow row = store.addRunning(left);
  CHECK(row.runner == Runner::native);
  CHECK(leftOf(store, row) == minute);
  NewJob hurried = newJob();
  hurried.body.attemptLimitMicros = second;
  CHECK(leftOf(store, store.addRunning(left, hurried)) == second);
  CHECK(store.apply(failOf(row)).verdict == Verdict::ok);
  CHECK(store.row(row.id).outcome == JobOutcome::failed);
}

TEST_CASE("What was handed out over the API lives on when the server dies, and nobody can repeat its claim") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto api = store.open(Role::executor, "api");
  put(store, remoteDefinition());
  store.add();
  store.add();
  const Claim claim = poll(api, 2);
  const auto first = store.apply(claim);
  REQUIRE(first.jobs.size() == 2);
  const auto again = store.apply(claim);
  CHECK(store.isRepeat(again.verdict));
  REQUIRE(again.jobs.size() == 2);
  CHECK(again.jobs[0].row.execID == first.jobs[0].row.execID);
  CHECK(store.apply(Start{attemptOf(first.jobs[0].row)}).verdict == Verdict::ok);
  store.close(api, Closing::died, principal);
  store.adoptAll(api, principal);
  for (const auto& item : first.jobs) {
    const JobRow row = store.row(item.row.id);
    CHECK(row.execID == item.row.execID);
    CHECK(row.holder.isNil());
    CHECK(row.deadlineNanos != 0);
  }
  CHECK(store.apply(claim).verdict == Verdict::fenced);
  CHECK(store.apply(Start{attemptOf(first.jobs[1].row)}).verdict == Verdict::ok);
  CHECK(store.verdictOfSucceed(first.jobs[0].row) == Verdict::ok);
}

TEST_CASE("A cancel of what a remote has taken is final at once and voids its execId") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  put(store, remoteDefinition());
  store.add();
  const JobRow row = startOne(store, api);
  Cancel cancel{row.id, "not needed"};
  cancel.wantsRow = true;
  const auto answer = store.apply(cancel);
  CHECK(answer.verdict == Verdict::ok);
  if (!store.isLossy()) {
    REQUIRE(answer.row);
    CHECK(*answer.row == store.row(row.id));
  }
  CHECK(store.row(row.id).outcome == JobOutcome::canceled);
  CHECK(store.verdictOfSucceed(row) == Verdict::fenced);
}

TEST_CASE("An accepted verb that wants it is answered with the row as it left it, and a refused one changes nothing") {
  ON_EVERY_STORE(store);
  const auto api = store.open(Role::executor, "api");
  put(store, remoteDefinition());
  store.add();
  const JobRow row = pollOne(store, api);
  AttemptRef attempt = attemptOf(row);
  attempt.wantsRow = true;
  const auto refused = store.apply(Succeed{attempt, {}, {}});
  CHECK(refused.verdict == Verdict::illegal);
  CHECK_FALSE(refused.row);
  CHECK(store.row(row.id) == row);
  const auto started = store.apply(Start{attempt});
  if (store.isLossy()) return;  // the answer with the row may be the one that was lost
  REQUIRE(started.row);
  CHECK(*started.row == store.row(row.id));
  CHECK(started.row->version > row.version);
  const auto done = store.apply(Succeed{attempt, "1", {}});
  REQUIRE(done.row);
  CHECK(done.row->version > started.row->version);
}
