// What every job store must do with attempts at commands, which their shims hold and directors only attend to.
#include <catch2/catch.hpp>

#include "core/names.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
NewJob newCommand() {
  NewJob job = newJob(commandKind);
  job.runner = Runner::command;
  return job;
}
JobRow addRunningCommand(StoreUnderTest& store, IncarnationID who, const NewJob& job = newCommand()) {
  store.add(job, who);
  const auto answer = store.apply(claimOf(who, 1, {commandKind}));
  REQUIRE(answer.jobs.size() == 1);
  REQUIRE(answer.jobs[0].row.id == job.id);
  return answer.jobs[0].row;
}
AttemptRef attemptBy(const JobRow& row, IncarnationID sender) {
  return {row.id, row.execID, sender};
}
std::vector<JobID> commandsOf(StoreUnderTest& store, IncarnationID attendant) {
  std::vector<JobID> ids;
  for (const JobRow& row : store->commandsOf(attendant)) ids.push_back(row.id);
  return ids;
}
}  // namespace

TEST_CASE("A command's shim holds its attempt, and whoever claimed it attends to it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = addRunningCommand(store, left);
  CHECK(row.holderKind == HolderKind::shim);
  CHECK(row.holder == left.value);
  CHECK(row.state == JobState::inProgress);
  CHECK(row.deadlineBootID == store.clock().now().bootID);
  CHECK(commandsOf(store, left) == std::vector<JobID>{row.id});
  store.addRunning(left);
  CHECK(commandsOf(store, left) == std::vector<JobID>{row.id});
  CHECK(store.apply(Succeed{attemptBy(row, left), "1", {}}).verdict == Verdict::ok);
  CHECK(commandsOf(store, left).empty());
}

TEST_CASE("A command goes on when its attendant dies, stops or hangs, and the principal attends to it") {
  ON_EVERY_STORE(store);
  for (const Closing how : {Closing::died, Closing::stopped, Closing::hung}) {
    const auto principal = store.openPrincipal();
    const auto left = store.openAssistant();
    const JobRow row = addRunningCommand(store, left);
    store.close(left, how, principal);
    // Its former attendant says nothing any more, and nobody else does before the adoption.
    CHECK(store.apply(Succeed{attemptBy(row, left), "1", {}}).verdict == Verdict::fenced);
    store.adoptAll(left, principal);
    const JobRow after = store.row(row.id);
    CHECK(after.state == JobState::inProgress);
    CHECK(after.execID == row.execID);
    CHECK(after.owner == principalOwner);
    CHECK(after.holder == principal.value);
    CHECK(after.holderDeaths == 0);
    CHECK(store.moves(row.id).back() == Move::adopt);
    CHECK(commandsOf(store, left).empty());
    CHECK(commandsOf(store, principal) == std::vector<JobID>{row.id});

    // And the next principal goes on with it.
    RegisterIncarnation next;
    next.id = makeIncarnationID();
    next.role = Role::principal;
    next.expectedFormer = principal;
    REQUIRE(store.apply(next).verdict == Verdict::ok);
    store.adoptAll(principal, next.id);
    CHECK(commandsOf(store, next.id) == std::vector<JobID>{row.id});
    CHECK(store.apply(failOf(row, false)).verdict == Verdict::ok);
    CHECK(store.row(row.id).outcome == JobOutcome::failed);
    store.close(next.id, Closing::stopped, next.id);
  }
}

TEST_CASE("The time of a command is its shim's to keep, and no reboot ends its attempt unlooked") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newCommand();
  job.body.attemptLimitMicros = minute;
  const JobRow row = addRunningCommand(store, left, job);
  CHECK(row.deadlineNanos == store.clock().now().bootNanos + minute * 1000);
  CHECK(store->nextDeadline() == never);
  store.clock().advanceMicros(2 * minute);
  CHECK(store.apply(Expire{}).moved == 0);
  CHECK(store.row(row.id).execID == row.execID);
  store.clock().reboot(*Uuid::parse("b0000000-0000-4000-8000-000000000002"));
  CHECK(store.apply(Expire{}).moved == 0);
  CHECK(store.apply(Succeed{attemptBy(row, left), "1", {}}).verdict == Verdict::ok);
}

TEST_CASE("To cancel a running command asks its attendant, and any end but a success is a cancel then") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = addRunningCommand(store, left);
  CHECK(store.apply(Cancel{row.id, "no need"}).verdict == Verdict::ok);
  CHECK(store.row(row.id).state == JobState::inProgress);
  CHECK(store->commandsOf(left).at(0).cancelRequested);
  Fail fail = failOf(row);
  fail.attempt.sender = left;
  CHECK(store.apply(fail).verdict == Verdict::ok);
  CHECK(store.row(row.id).outcome == JobOutcome::canceled);
}

TEST_CASE("A command that gives no signs of life is marked until it does, and has no more time for that") {
  ON_EVERY_STORE(store);
  Definition definition;
  definition.kind = commandKind;
  definition.inProgressTimeoutMicros = minute;
  REQUIRE(store.apply(PutDefinitions{{definition}}).verdict == Verdict::ok);
  const auto left = store.openAssistant();
  const JobRow row = addRunningCommand(store, left);
  REQUIRE(row.deadlineNanos != 0);
  store.clock().advanceMicros(second);
  CHECK(store.apply(Notify{attemptBy(row, left), 0, {}, true, "silent", true}).verdict == Verdict::ok);
  CHECK(store.row(row.id).stalled);
  CHECK(store->readLog(row.id, 2, 1).at(0).note == "silent");
  CHECK(store.apply(Notify{attemptBy(row, left), 0, {}, true, "lives", false}).verdict == Verdict::ok);
  CHECK_FALSE(store.row(row.id).stalled);
  CHECK(store.row(row.id).deadlineNanos == row.deadlineNanos);
}

TEST_CASE("A command that was never begun is given back, and nothing but its hand-out counts") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = addRunningCommand(store, left);
  CHECK(store.apply(Unclaim{attemptBy(row, left), "it was never begun"}).verdict == Verdict::ok);
  const JobRow after = store.row(row.id);
  CHECK(after.state == JobState::ready);
  CHECK(after.holderKind == HolderKind::none);
  CHECK(after.failures == 0);
}
