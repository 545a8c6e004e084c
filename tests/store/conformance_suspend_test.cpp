// What every job store must do with named waits: suspend, the time or the event that ends them, and who is woken.
#include <catch2/catch.hpp>

#include "tests/support/steps.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

struct Suspended {
  IncarnationID left;
  JobRow row;  ///< of the attempt that was suspended
};

/// A job of an assistant, suspended for the waits.
Suspended addSuspended(StoreUnderTest& store, std::vector<MemoRow> waits, NewJob job = newJob()) {
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left, std::move(job));
  const auto answer = store.apply(Suspend{attemptOf(row), std::move(waits)});
  REQUIRE(answer.verdict == Verdict::ok);
  REQUIRE(answer.state == JobState::waiting);
  return {left, row};
}

std::int64_t now(StoreUnderTest& store) {
  return store.clock().now().utcMicros;
}

}  // namespace

TEST_CASE("A suspended job waits until the earliest of its waits and counts only an attempt") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = minute;
  const JobRow row = store.addRunning(left, job);
  REQUIRE(store.apply(Notify{attemptOf(row), 0.5f, "half", false}).verdict == Verdict::ok);
  const std::int64_t first = now(store) + hour;
  const Suspend suspend{attemptOf(row), {waitOf(1, first + day), waitOf(2, first), waitOf(3)}};
  const auto answer = store.apply(suspend);
  CHECK(answer.verdict == Verdict::ok);
  CHECK(answer.state == JobState::waiting);
  const JobRow waiting = store.row(row.id);
  CHECK(waiting.waitingFor == WaitReason::sleep);
  CHECK(waiting.wakeAt == first);
  CHECK(waiting.owner == left);
  CHECK(waiting.attempt == 1);
  CHECK(waiting.started == 1);
  CHECK(waiting.failures == 0);
  CHECK(waiting.holderDeaths == 0);
  CHECK(waiting.memoCount == 3);
  CHECK(waiting.holderKind == HolderKind::none);
  CHECK(waiting.deadlineNanos == 0);
  CHECK(waiting.progress == 0);
  CHECK(store->readLog(row.id, 2, 1).at(0).timer == first);
  CHECK(store->readLog(row.id, 2, 1).at(0).note == "wait-1");
  MemoRow wait = waitOf(3);
  wait.storedAt = now(store);
  wait.waitedBy = 1;
  CHECK(store->memo(row.id, fingerprint(3)) == wait);
  CHECK(store.isRepeat(store.apply(suspend).verdict));
  CHECK(store.row(row.id) == waiting);

  // Its attempt's limit does not go on meanwhile, and its time wakes it.
  CHECK(store.apply(claimOf(left)).nextDueAt == first);
  store.clock().advanceMicros(hour - 1);
  CHECK(store.apply(Expire{}).verdict == Verdict::ok);
  CHECK(store.apply(claimOf(left)).jobs.empty());
  CHECK(store.row(row.id) == waiting);
  store.clock().advanceMicros(1);
  const JobRow again = store.run(row.id, left);
  CHECK(again.attempt == 2);
  CHECK(again.failures == 0);
  CHECK(again.deadlineNanos == store.clock().now().bootNanos + minute * 1000);
  CHECK(store.apply(suspend).verdict == Verdict::fenced);
  CHECK(store.moves(row.id) == std::vector{Move::submit, Move::claim, Move::suspend, Move::promote, Move::claim});
  CHECK(store.verdictOfSucceed(again) == Verdict::ok);
}

TEST_CASE("A known wait keeps the time that it was first given") {
  ON_EVERY_STORE(store);
  const std::int64_t start = now(store);
  const auto [left, row] = addSuspended(store, {waitOf(1, start + hour), waitOf(2, start + minute)});
  store.clock().advanceMicros(minute);
  const JobRow second = store.run(row.id, left);
  // A wait that a list names twice is given its time by the first as well.
  const Suspend suspend{attemptOf(second),
                        {waitOf(1, start + day), waitOf(3, start + 2 * hour), waitOf(3, start + 2 * minute)}};
  CHECK(store.apply(suspend).state == JobState::waiting);
  CHECK(store.row(row.id).wakeAt == start + hour);
  CHECK(store.row(row.id).memoCount == 3);
  CHECK(store->memo(row.id, fingerprint(1))->wakeAt == start + hour);
  CHECK(store->memo(row.id, fingerprint(1))->storedAt == start);
  CHECK(store->memo(row.id, fingerprint(3))->wakeAt == start + 2 * hour);
  // When it is over at last, the job is ready at once whatever time comes with it now.
  store.clock().advanceMicros(hour);
  const JobRow third = store.run(row.id, left);
  CHECK(store.apply(Suspend{attemptOf(third), {waitOf(1, start + day)}}).state == JobState::ready);
}

TEST_CASE("A job is ready at once when one of its waits is over or its completion came before") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const auto how = GENERATE(as<std::string>{}, "past", "now", "completed", "failed", "saved");
  INFO(how);
  std::int64_t wakeAt = never;
  if (how == "past") wakeAt = now(store) - hour;
  if (how == "now") wakeAt = now(store);
  CompleteExternal complete = completionOf(row.id, 1, "10");
  if (how == "failed") complete.failure = {"io", "no", {}, {}};
  if (how == "completed" || how == "failed") {
    const auto answer = store.apply(complete);
    CHECK(answer.verdict == Verdict::ok);
    CHECK(answer.state == JobState::inProgress);
  }
  if (how == "saved") REQUIRE(store.apply(SaveResult{attemptOf(row), {stepOf(1)}}).verdict == Verdict::ok);
  const Suspend suspend{attemptOf(row), {waitOf(2), waitOf(1, wakeAt)}};
  CHECK(store.apply(suspend).state == JobState::ready);
  const JobRow after = store.row(row.id);
  CHECK(after.owner == left);
  CHECK(after.waitingFor == WaitReason::none);
  CHECK(after.holderKind == HolderKind::none);
  CHECK(after.memoCount == 2);
  CHECK(store.moves(row.id) == std::vector{Move::submit, Move::claim, Move::suspend});
  CHECK(store.isRepeat(store.apply(suspend).verdict));
  CHECK(store.row(row.id) == after);
  CHECK(store.run(row.id, left).attempt == 2);
}

TEST_CASE("A job that waits for events alone is woken by nothing else") {
  ON_EVERY_STORE(store);
  const auto [left, row] = addSuspended(store, {waitOf(1), waitOf(2)});
  const JobRow waiting = store.row(row.id);
  CHECK(waiting.waitingFor == WaitReason::external);
  CHECK(waiting.wakeAt == never);
  CHECK(store->readLog(row.id, 2, 1).at(0).timer == 0);
  store.clock().advanceMicros(1000 * day);
  CHECK(store.apply(Promote{left, 100}).verdict == Verdict::ok);
  CHECK(store.apply(claimOf(left)).jobs.empty());
  CHECK(store.row(row.id) == waiting);
  const CompleteExternal complete = completionOf(row.id, 2, R"({"paid":true})");
  const auto answer = store.apply(complete);
  CHECK(answer.verdict == Verdict::ok);
  CHECK(answer.state == JobState::ready);
  const JobRow ready = store.row(row.id);
  CHECK(ready.owner == left);
  CHECK(ready.readyAt == now(store));
  CHECK(ready.attempt == 1);
  CHECK(store->readLog(row.id, 3, 1).at(0).move == Move::promote);
  CHECK(store->readLog(row.id, 3, 1).at(0).note == "wait-2");
  const auto memo = store->memo(row.id, fingerprint(2));
  REQUIRE(memo);
  CHECK(memo->state == MemoState::succeeded);
  CHECK(memo->value == complete.value);
  CHECK(memo->valueBytes == complete.value.size());
  CHECK(memo->storedAt == now(store));
  CHECK(memo->name == "wait-2");
  CHECK(ready.memoCount == 2);
  CHECK(store.isRepeat(store.apply(complete).verdict));
  CHECK(store.row(row.id) == ready);
  CHECK(store.run(row.id, left).attempt == 2);
}

TEST_CASE("Promotion by a sweep wakes a sleeping job in its own queue") {
  ON_EVERY_STORE(store);
  const auto [left, row] = addSuspended(store, {waitOf(1, now(store) + minute)});
  store.clock().advanceMicros(minute);
  CHECK(store.touchedBy(Promote{left, 10}) == std::vector{left});
  CHECK(store.row(row.id).state == JobState::ready);
  CHECK(store.row(row.id).owner == left);
  // The time is over, but what it says is for the next attempt to store.
  CHECK_FALSE(store->memo(row.id, fingerprint(1))->isFinished());
}

TEST_CASE("A suspension ends a row of deaths") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  store.close(left, Closing::died, principal);
  store.adoptAll(left, principal);
  REQUIRE(store.row(row.id).holderDeaths == 1);
  const JobRow again = store.run(row.id, principal);
  CHECK(store.apply(Suspend{attemptOf(again), {waitOf(1)}}).verdict == Verdict::ok);
  CHECK(store.row(row.id).holderDeaths == 0);
}

TEST_CASE("After a cancel was asked for, a suspension is the end") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  REQUIRE(store.apply(Cancel{row.id, {}}).cancelRequested);
  if (GENERATE(true, false)) REQUIRE(store.apply(RequestTransfer{attemptOf(row)}).verdict == Verdict::ok);
  const Suspend suspend{attemptOf(row), {waitOf(1, 1), waitOf(2)}};
  CHECK(store.apply(suspend).state == JobState::done);
  const JobRow done = store.row(row.id);
  CHECK(done.outcome == JobOutcome::canceled);
  CHECK(done.memoCount == 0);
  CHECK(store.isRepeat(store.apply(suspend).verdict));
  CHECK(store.row(row.id) == done);
}

TEST_CASE("After a transfer was asked for, a suspension is a transfer whose waits run on") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const std::int64_t wakeAt = now(store) + minute;
  REQUIRE(store.apply(RequestTransfer{attemptOf(row)}).verdict == Verdict::ok);
  const Suspend suspend{attemptOf(row), {waitOf(1, wakeAt)}};
  CHECK(store.apply(suspend).state == JobState::ready);
  const JobRow after = store.row(row.id);
  CHECK(after.owner == principalOwner);
  CHECK(after.attempt == 1);
  CHECK(after.failures == 0);
  CHECK_FALSE(after.transferRequested);
  CHECK(store.moves(row.id).back() == Move::transfer);
  CHECK(store.isRepeat(store.apply(suspend).verdict));
  store.clock().advanceMicros(second);
  const JobRow again = store.run(row.id, principal);
  CHECK(store.apply(Suspend{attemptOf(again), {waitOf(1, wakeAt + second)}}).state == JobState::waiting);
  CHECK(store.row(row.id).wakeAt == wakeAt);
  CHECK(store.row(row.id).owner == principalOwner);
}

TEST_CASE("A suspended job can be canceled, and is adopted as one that waits") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto [left, row] = addSuspended(store, {waitOf(1, now(store) + hour), waitOf(2)});
  if (GENERATE(true, false)) {
    CHECK(store.apply(Cancel{row.id, "no"}).state == JobState::done);
    CHECK(store->memos(row.id, {}, 10).size() == 2);
    CHECK(store.apply(completionOf(row.id, 1)).verdict == Verdict::illegal);
    return;
  }
  store.close(left, Closing::died, principal);
  store.adoptAll(left, principal);
  const JobRow adopted = store.row(row.id);
  CHECK(adopted.state == JobState::waiting);
  CHECK(adopted.waitingFor == WaitReason::sleep);
  CHECK(adopted.owner == principalOwner);
  CHECK(adopted.holderDeaths == 0);
  CHECK(store.touchedBy(completionOf(row.id, 2)) == std::vector{principalOwner});
  CHECK(store.run(row.id, principal).attempt == 2);
}

TEST_CASE("The first completion of a wait stands") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const bool failsFirst = GENERATE(true, false);
  CompleteExternal success = completionOf(row.id, 1, "10");
  CompleteExternal failure = completionOf(row.id, 1, {});
  failure.failure = {"io", "nobody came", "door", "{}"};
  CHECK(store.apply(failsFirst ? failure : success).verdict == Verdict::ok);
  const JobRow before = store.row(row.id);
  CHECK(before.memoCount == 1);
  CHECK(store.isRepeat(store.apply(failsFirst ? success : failure).verdict));
  CHECK(store.row(row.id) == before);
  const auto memo = store->memo(row.id, fingerprint(1));
  REQUIRE(memo);
  CHECK(memo->state == (failsFirst ? MemoState::failed : MemoState::succeeded));
  CHECK(memo->value == (failsFirst ? "" : "10"));
  CHECK(memo->failure == (failsFirst ? failure.failure : JobFailure{}));
  // A step's result is as final; and a completion that was accepted is still one when the job is done.
  REQUIRE(store.apply(SaveResult{attemptOf(row), {stepOf(2, "20")}}).verdict == Verdict::ok);
  CHECK(store.isRepeat(store.apply(completionOf(row.id, 2, "21")).verdict));
  CHECK(store->memo(row.id, fingerprint(2))->value == "20");
  REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
  CHECK(store.isRepeat(store.apply(success).verdict));
}

TEST_CASE("Nothing is completed in a job that is done or not there") {
  ON_EVERY_STORE(store);
  const auto [left, row] = addSuspended(store, {waitOf(1)});
  REQUIRE(store.apply(Cancel{row.id, {}}).state == JobState::done);
  const JobRow done = store.row(row.id);
  CHECK(store.apply(completionOf(row.id, 1)).verdict == Verdict::illegal);
  CHECK(store.apply(completionOf(row.id, 2)).verdict == Verdict::illegal);
  CHECK(store.row(row.id) == done);
  CHECK(store->memos(row.id, {}, 10).size() == 1);
  const JobID nowhere = makeJobID();
  const auto answer = store.apply(completionOf(nowhere, 1));
  CHECK(answer.verdict == Verdict::notFound);
  CHECK_THAT(answer.why, Catch::Contains(nowhere.toString()));
  CHECK_FALSE(store->find(nowhere));
  CHECK_FALSE(store->memo(nowhere, fingerprint(1)));
}

TEST_CASE("A completion wakes only a job that waits for that very wait") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  const auto state =
      GENERATE(as<std::string>{}, "due", "ready", "in-progress", "backoff", "another wait", "quarantine");
  INFO(state);
  if (state == "due") job.delayMicros = hour;
  JobRow row;
  store.add(job, left);
  if (state != "due" && state != "ready") {
    row = store.run(job.id, left);
    // It knows the wait, but no longer waits for it.
    REQUIRE(store.apply(Suspend{attemptOf(row), {waitOf(1), waitOf(2, 1)}}).state == JobState::ready);
    row = store.run(job.id, left);
  }
  if (state == "backoff") REQUIRE(store.apply(failOf(row)).state == JobState::waiting);
  if (state == "another wait") REQUIRE(store.apply(Suspend{attemptOf(row), {waitOf(3)}}).state == JobState::waiting);
  if (state == "quarantine") {
    const auto principal = store.openPrincipal();
    IncarnationID holder = left;
    for (std::uint32_t deaths = 1; deaths <= limits::deathsBeforeQuarantine; ++deaths) {
      store.close(holder, Closing::died, principal);
      store.adoptAll(holder, principal);
      if (deaths == limits::deathsBeforeQuarantine) break;
      store.clock().advanceMicros(hour);
      holder = store.open(Role::executor, "e" + std::to_string(deaths));
      row = store.run(job.id, holder);
    }
    REQUIRE(store.row(job.id).waitingFor == WaitReason::quarantine);
  }
  const JobRow before = store.row(job.id);
  const std::uint32_t added = state == "due" || state == "ready" ? 1 : 0;
  const CompleteExternal complete = completionOf(job.id, 1, "10");
  // The holder of a running attempt hears of it: one of its steps may wait while others run.
  CHECK(store.touchedBy(complete) == (state == "in-progress" ? std::vector{left} : std::vector<IncarnationID>{}));
  JobRow expected = before;
  expected.memoCount += added;
  expected.memoBytes += 2;
  ++expected.version;
  CHECK(store.row(job.id) == expected);
  CHECK(store->memo(job.id, fingerprint(1))->value == "10");
  if (state != "another wait") return;
  CHECK(store.touchedBy(completionOf(job.id, 3)) == std::vector{left});
  CHECK(store.row(job.id).state == JobState::ready);
}

TEST_CASE("A job that waits again for a known wait is woken by it") {
  ON_EVERY_STORE(store);
  const auto [left, row] = addSuspended(store, {waitOf(1), waitOf(2)});
  REQUIRE(store.apply(completionOf(row.id, 1)).state == JobState::ready);
  const JobRow again = store.run(row.id, left);
  REQUIRE(store.apply(Suspend{attemptOf(again), {waitOf(2)}}).state == JobState::waiting);
  CHECK(store.apply(completionOf(row.id, 2)).state == JobState::ready);
}
