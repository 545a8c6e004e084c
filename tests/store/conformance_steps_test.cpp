// What every job store must do with the results of a job's steps: the first one stands, whatever ends the attempts.
#include <catch2/catch.hpp>

#include "tests/support/steps.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

std::string valueOf(StoreUnderTest& store, JobID job, std::uint16_t number) {
  const auto memo = store->memo(job, fingerprint(number));
  return memo ? memo->value : "none";
}

/// Fingerprints of all that a job remembers, in pages.
std::vector<Fingerprint> remembered(StoreUnderTest& store, JobID job, std::size_t page = 1000) {
  std::vector<Fingerprint> all;
  Fingerprint after;
  for (;;) {
    const auto memos = store->memos(job, after, page);
    for (const MemoRow& memo : memos) all.push_back(memo.id);
    if (memos.size() < page) return all;
    after = memos.back().id;
  }
}

/// `count` steps from `first` on, of the running attempt, in as many verbs as it takes.
void saveMany(StoreUnderTest& store, const JobRow& row, std::uint16_t first, std::size_t count) {
  while (count > 0) {
    SaveResult save{attemptOf(row), {}};
    for (; count > 0 && save.memos.size() < limits::sliceRowsMax; --count) save.memos.push_back(stepOf(first++));
    REQUIRE(store.apply(save).verdict == Verdict::ok);
  }
}

}  // namespace

TEST_CASE("The result of a step stands under its job and fingerprint, with all that was said of it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const JobRow other = store.addRunning(left);
  store.clock().advanceMicros(second);
  MemoRow step = stepOf(7, R"({"rows":3})");
  step.parent = fingerprint(1);
  step.attempts = 2;
  const SaveResult save{attemptOf(row), {step, failedStepOf(3)}};
  const auto answer = store.apply(save);
  CHECK(answer.verdict == Verdict::ok);
  CHECK(answer.state == JobState::inProgress);
  step.storedAt = store.clock().now().utcMicros;
  step.valueBytes = 10;
  CHECK(store->memo(row.id, step.id) == step);
  const auto failed = store->memo(row.id, fingerprint(3));
  REQUIRE(failed);
  CHECK(failed->state == MemoState::failed);
  CHECK(failed->failure == failedStepOf(3).failure);
  // Listed in the order of fingerprints, without values.
  const auto all = store->memos(row.id, {}, 10);
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == fingerprint(3));
  step.value.clear();
  CHECK(all[1] == step);
  CHECK(store->memos(row.id, fingerprint(3), 10) == std::vector{step});
  CHECK(store->memos(row.id, {}, 1).size() == 1);
  CHECK(store->memos(row.id, fingerprint(7), 10).empty());
  // No transition: nothing is logged and nothing else moves.
  JobRow expected = row;
  expected.memoCount = 2;
  expected.memoBytes = 10;
  expected.version = store.row(row.id).version;
  CHECK(expected.version > row.version);
  CHECK(store.row(row.id) == expected);
  // And nobody else's.
  CHECK(store->memos(other.id, {}, 10).empty());
  CHECK_FALSE(store->memo(other.id, step.id));
  CHECK_FALSE(store->memo(makeJobID(), step.id));
  CHECK(store->memos(makeJobID(), {}, 10).empty());
}

TEST_CASE("The first result of a step stands, and a repeat changes nothing") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const SaveResult save{attemptOf(row), {stepOf(1, "10"), stepOf(2, "20")}};
  REQUIRE(store.apply(save).verdict == Verdict::ok);
  const JobRow saved = store.row(row.id);
  store.clock().advanceMicros(second);
  CHECK(store.isRepeat(store.apply(save).verdict));
  CHECK(store.isRepeat(store.apply(SaveResult{attemptOf(row), {stepOf(1, "11")}}).verdict));
  CHECK(store.row(row.id) == saved);
  // What is new in a list is taken, what is known is left.
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(2, "21"), stepOf(3, "30")}}).verdict == Verdict::ok);
  CHECK(valueOf(store, row.id, 1) == "10");
  CHECK(valueOf(store, row.id, 2) == "20");
  CHECK(valueOf(store, row.id, 3) == "30");
  CHECK(store.row(row.id).memoCount == 3);
  // Within one list too.
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(4, "40"), stepOf(4, "41")}}).verdict == Verdict::ok);
  CHECK(valueOf(store, row.id, 4) == "40");
  CHECK(store.row(row.id).memoCount == 4);
}

TEST_CASE("A result that was saved with the end of its attempt is known when both are repeated") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const SaveResult save{attemptOf(row), {stepOf(1, "10")}};
  REQUIRE(store.apply(save).verdict == Verdict::ok);
  const auto end = GENERATE(as<std::string>{}, "succeed", "suspend", "unclaim");
  if (end == "succeed") REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
  if (end == "suspend") REQUIRE(store.apply(Suspend{attemptOf(row), {waitOf(2)}}).verdict == Verdict::ok);
  if (end == "unclaim") REQUIRE(store.apply(Unclaim{attemptOf(row), {}}).verdict == Verdict::ok);
  const JobRow ended = store.row(row.id);
  CHECK(store.isRepeat(store.apply(save).verdict));
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(1, "10"), stepOf(3)}}).verdict == Verdict::illegal);
  CHECK(store.row(row.id) == ended);
  CHECK_FALSE(store->memo(row.id, fingerprint(3)));
}

TEST_CASE("A result ends the wait of the same fingerprint and takes no second place") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  REQUIRE(store.apply(Suspend{attemptOf(row), {waitOf(1, 1), waitOf(2)}}).state == JobState::ready);
  const JobRow again = store.run(row.id, left);
  CHECK(store.apply(SaveResult{attemptOf(again), {stepOf(1, "10")}}).verdict == Verdict::ok);
  CHECK(valueOf(store, row.id, 1) == "10");
  CHECK(store->memo(row.id, fingerprint(1))->isFinished());
  CHECK_FALSE(store->memo(row.id, fingerprint(2))->isFinished());
  CHECK(store.row(row.id).memoCount == 2);
}

TEST_CASE("A wait that is saved while others run keeps the time that it was first given") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const std::int64_t first = store.clock().now().utcMicros + minute;
  CHECK(store.apply(SaveResult{attemptOf(row), {waitOf(1, first)}}).verdict == Verdict::ok);
  CHECK(store.row(row.id).state == JobState::inProgress);
  CHECK(store.row(row.id).memoCount == 1);
  CHECK(store.isRepeat(store.apply(SaveResult{attemptOf(row), {waitOf(1, first + hour)}}).verdict));
  CHECK(store->memo(row.id, fingerprint(1))->wakeAt == first);
  CHECK(store.apply(Suspend{attemptOf(row), {waitOf(1, first + hour)}}).verdict == Verdict::ok);
  CHECK(store.row(row.id).wakeAt == first);
  CHECK(store.row(row.id).memoCount == 1);
}

TEST_CASE("What a step is about is replaced until it has a result, and ends no wait") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const auto save = [&](MemoRow memo) { return store.apply(SaveResult{attemptOf(row), {std::move(memo)}}).verdict; };
  const auto state = [&](std::uint16_t number) { return store->memo(row.id, fingerprint(number))->state; };
  CHECK(save(openStepOf(1)) == Verdict::ok);
  CHECK(state(1) == MemoState::pending);
  CHECK(store.isRepeat(save(openStepOf(1))));
  CHECK(save(openStepOf(1, MemoState::running)) == Verdict::ok);
  CHECK(state(1) == MemoState::running);
  CHECK(store.row(row.id).memoCount == 1);
  CHECK(save(stepOf(1, "10")) == Verdict::ok);
  CHECK(store.isRepeat(save(openStepOf(1))));
  CHECK(valueOf(store, row.id, 1) == "10");
  CHECK(store.row(row.id).memoCount == 1);
  REQUIRE(save(waitOf(2)) == Verdict::ok);
  CHECK(store.isRepeat(save(openStepOf(2))));
  CHECK(state(2) == MemoState::waiting);
}

TEST_CASE("A suspension keeps what is pending, and is woken by its waits alone") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  REQUIRE(store.apply(SaveResult{attemptOf(row), {openStepOf(3, MemoState::running), stepOf(4)}}).verdict ==
          Verdict::ok);
  const std::int64_t wakeAt = store.clock().now().utcMicros + hour;
  const Suspend suspend{attemptOf(row), {waitOf(1, wakeAt), openStepOf(2), openStepOf(3), openStepOf(4)}};
  CHECK(store.apply(suspend).verdict == Verdict::ok);
  CHECK(store.row(row.id).state == JobState::waiting);
  CHECK(store.row(row.id).wakeAt == wakeAt);
  CHECK(store.row(row.id).memoCount == 4);
  CHECK(store->memo(row.id, fingerprint(2))->state == MemoState::pending);
  CHECK(store->memo(row.id, fingerprint(4))->state == MemoState::succeeded);
  CHECK(store.apply(completionOf(row.id, 1)).state == JobState::ready);
  const JobRow again = store.run(row.id, left);
  CHECK(store.apply(Suspend{attemptOf(again), {openStepOf(2)}}).verdict == Verdict::refused);
}

TEST_CASE("Steps are fenced with their attempt, and change nothing then") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = minute;
  const JobRow row = store.addRunning(left, job);
  AttemptRef ref = attemptOf(row);
  const auto how = GENERATE(as<std::string>{}, "replaced", "wrong", "nil", "closed", "closed holder", "deadline");
  INFO(how);
  if (how == "replaced") {
    REQUIRE(store.apply(Unclaim{ref, {}}).verdict == Verdict::ok);
    store.run(row.id, left);
  }
  if (how == "wrong") ref.exec = execIDOf(makeClaimID(), 0);
  if (how == "nil") ref.exec = ExecID{};
  if (how == "closed" || how == "closed holder") store.close(left, Closing::died, principal);
  if (how == "closed holder") ref.sender = IncarnationID{};
  if (how == "deadline") store.clock().advanceMicros(2 * minute);
  const JobRow before = store.row(row.id);
  CHECK(store.apply(SaveResult{ref, {stepOf(1)}}).verdict == Verdict::fenced);
  CHECK(store.apply(Suspend{ref, {waitOf(2)}}).verdict == Verdict::fenced);
  CHECK(store.row(row.id) == before);
  CHECK(store->memos(row.id, {}, 10).empty());
}

TEST_CASE("An attempt that has not started saves nothing and is not suspended, nor is a job that is not there") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  const JobRow row = store.addRequested(executor);
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(1)}}).verdict == Verdict::illegal);
  CHECK(store.apply(Suspend{attemptOf(row), {waitOf(1)}}).verdict == Verdict::illegal);
  CHECK(store.row(row.id) == row);
  const AttemptRef nowhere{makeJobID(), execIDOf(makeClaimID(), 0), executor};
  CHECK(store.apply(SaveResult{nowhere, {stepOf(1)}}).verdict == Verdict::notFound);
  CHECK(store.apply(Suspend{nowhere, {waitOf(1)}}).verdict == Verdict::notFound);
  CHECK_FALSE(store->find(nowhere.job));
}

TEST_CASE("The results of a job's steps hold no more bytes than the limit, and go when the job has succeeded") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const std::string large(limits::payloadBytesMax, '7');
  constexpr auto most = static_cast<std::uint16_t>(limits::treeBytesMax / limits::payloadBytesMax);
  for (std::uint16_t number = 1; number < most; ++number)
    REQUIRE(store.apply(SaveResult{attemptOf(row), {stepOf(number, large)}}).verdict == Verdict::ok);
  const JobRow before = store.row(row.id);
  CHECK(before.memoBytes == limits::treeBytesMax - limits::payloadBytesMax);
  const std::uint16_t over = most + 1;
  const auto refused = store.apply(SaveResult{attemptOf(row), {stepOf(most, large), stepOf(over, "1")}});
  CHECK(refused.verdict == Verdict::refused);
  CHECK(refused.why.find("keep large ones in files") != std::string::npos);
  CHECK(store.row(row.id) == before);
  // What is known counts once, and what has no value yet goes in.
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(1, large), stepOf(most, large)}}).verdict == Verdict::ok);
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(over, "1")}}).verdict == Verdict::refused);
  CHECK(store.apply(completionOf(row.id, over)).verdict == Verdict::refused);
  CHECK(store.row(row.id).memoBytes == limits::treeBytesMax);
  CHECK(store.apply(SaveResult{attemptOf(row), {waitOf(over)}}).verdict == Verdict::ok);
  CHECK(store.apply(Succeed{attemptOf(row), "1", {}}).verdict == Verdict::ok);
  CHECK(store.row(row.id).memoBytes == 0);
  CHECK(store.row(row.id).memoCount == most + 1);
}

TEST_CASE("A job remembers no more steps than the limit, and a list that goes over it changes nothing") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  saveMany(store, row, 1, limits::treeNodesMax - 2);
  const std::uint16_t next = limits::treeNodesMax - 1;
  REQUIRE(store.apply(SaveResult{attemptOf(row), {stepOf(next)}}).verdict == Verdict::ok);
  const JobRow before = store.row(row.id);
  CHECK(before.memoCount == limits::treeNodesMax - 1);
  const auto last = static_cast<std::uint16_t>(next + 1);
  const auto over = static_cast<std::uint16_t>(next + 2);
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(last), stepOf(over)}}).verdict == Verdict::refused);
  CHECK(store.apply(Suspend{attemptOf(row), {waitOf(last), waitOf(over)}}).verdict == Verdict::refused);
  CHECK(store.row(row.id) == before);
  CHECK_FALSE(store->memo(row.id, fingerprint(last)));
  // The same step twice is one step, and what is known takes no place.
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(1), stepOf(last), stepOf(last)}}).verdict == Verdict::ok);
  CHECK(store.row(row.id).memoCount == limits::treeNodesMax);
  CHECK(store.apply(completionOf(row.id, over)).verdict == Verdict::refused);
  CHECK(store.isRepeat(store.apply(SaveResult{attemptOf(row), {stepOf(1), stepOf(last)}}).verdict));
  CHECK(remembered(store, row.id, 997).size() == limits::treeNodesMax);
  // It can be suspended all the same for what it knows, and end.
  CHECK(store.apply(Suspend{attemptOf(row), {waitOf(1)}}).state == JobState::ready);
  CHECK(store.verdictOfSucceed(store.run(row.id, left)) == Verdict::ok);
  CHECK(store->memos(row.id, {}, 1000).size() == 1000);
}

TEST_CASE("The validator refuses steps over their limits") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const std::string big(limits::payloadBytesMax + 1, 'x');
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(1), stepOf(2, big)}}).verdict == Verdict::refused);
  CHECK(store.apply(Suspend{attemptOf(row), {waitOf(1), stepOf(2)}}).verdict == Verdict::refused);
  CHECK(store.apply(completionOf(row.id, 1, big)).verdict == Verdict::refused);
  CHECK(store.row(row.id) == row);
  CHECK(store->memos(row.id, {}, 10).empty());
  const std::string largest(limits::payloadBytesMax, 'x');
  CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(1, largest)}}).verdict == Verdict::ok);
  CHECK(valueOf(store, row.id, 1) == largest);
}

TEST_CASE("Results outlive their attempt, however it ends") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = minute;
  const JobRow row = store.addRunning(left, job);
  REQUIRE(store.apply(SaveResult{attemptOf(row), {stepOf(1, "10"), failedStepOf(2)}}).verdict == Verdict::ok);
  const auto end = GENERATE(as<std::string>{}, "death", "stop", "transfer", "asked transfer", "unclaim", "fail",
                            "final fail", "deadline", "cancel");
  INFO(end);
  if (end == "death" || end == "stop") {
    store.close(left, end == "death" ? Closing::died : Closing::stopped, principal);
    store.adoptAll(left, principal);
  }
  if (end == "transfer") REQUIRE(store.apply(Transfer{attemptOf(row)}).verdict == Verdict::ok);
  if (end == "asked transfer") {
    REQUIRE(store.apply(RequestTransfer{attemptOf(row)}).verdict == Verdict::ok);
    CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(3, "30")}}).transferRequested);
    REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
    CHECK(store.row(row.id).state == JobState::ready);
    CHECK(valueOf(store, row.id, 3) == "30");
  }
  if (end == "unclaim") REQUIRE(store.apply(Unclaim{attemptOf(row), {}}).verdict == Verdict::ok);
  if (end == "fail" || end == "final fail") REQUIRE(store.apply(failOf(row, end == "fail")).verdict == Verdict::ok);
  if (end == "deadline") {
    store.clock().advanceMicros(2 * minute);
    REQUIRE(store.apply(Expire{}).verdict == Verdict::ok);
  }
  if (end == "cancel") {
    REQUIRE(store.apply(Cancel{row.id, {}}).verdict == Verdict::ok);
    CHECK(store.apply(SaveResult{attemptOf(row), {stepOf(3)}}).cancelRequested);
    REQUIRE(store.apply(failOf(row)).state == JobState::done);
  }
  CHECK(store.row(row.id).memoCount == remembered(store, row.id).size());
  CHECK(valueOf(store, row.id, 1) == "10");
  CHECK(store->memo(row.id, fingerprint(2))->failure.type == "io");
}

TEST_CASE("When a job has succeeded it keeps what its steps were but not what they gave") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const SaveResult save{attemptOf(row), {stepOf(1, "12345"), failedStepOf(2), stepOf(3, {})}};
  REQUIRE(store.apply(save).verdict == Verdict::ok);
  auto expected = store->memos(row.id, {}, 10);
  REQUIRE(expected.size() == 3);
  store.clock().advanceMicros(second);
  REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
  CHECK(store->memos(row.id, {}, 10) == expected);
  CHECK(expected[0].valueBytes == 5);
  CHECK(valueOf(store, row.id, 1).empty());
  CHECK(store->find(row.id)->result->value == "1");
}

TEST_CASE("A job that does a failed or canceled one again begins with what that one's steps gave") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const bool canceled = GENERATE(true, false);
  REQUIRE(store.apply(Suspend{attemptOf(row), {waitOf(4, 1)}}).state == JobState::ready);
  const JobRow again = store.run(row.id, left);
  REQUIRE(store.apply(SaveResult{attemptOf(again), {stepOf(1, "10"), failedStepOf(2), stepOf(3, {})}}).verdict ==
          Verdict::ok);
  if (canceled) REQUIRE(store.apply(Cancel{row.id, {}}).verdict == Verdict::ok);
  REQUIRE(store.apply(failOf(again, false)).state == JobState::done);
  CHECK(valueOf(store, row.id, 1) == "10");

  NewJob retry = newJob();
  retry.body.retryOf = row.id;
  store.add(retry, left);
  CHECK(store.row(retry.id).memoCount == 2);
  CHECK(remembered(store, retry.id) == std::vector{fingerprint(1), fingerprint(3)});
  CHECK(store->memo(retry.id, fingerprint(1)) == store->memo(row.id, fingerprint(1)));
  // They are its own: the former one can go, and its own success empties them.
  store.clock().advanceMicros(2 * hour);
  REQUIRE(store.apply(Prune{hour, 0, 1000}).verdict == Verdict::ok);
  CHECK_FALSE(store->find(row.id));
  CHECK(valueOf(store, retry.id, 1) == "10");
  CHECK(store->memos(row.id, {}, 10).empty());
  const JobRow running = store.run(retry.id, left);
  CHECK(store.isRepeat(store.apply(SaveResult{attemptOf(running), {stepOf(1, "11")}}).verdict));
  REQUIRE(store.verdictOfSucceed(running) == Verdict::ok);
  CHECK(valueOf(store, retry.id, 1).empty());
}

TEST_CASE("A job takes over no steps of one that succeeded, lives or is not there") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const auto which = GENERATE(as<std::string>{}, "succeeded", "lives", "not there");
  INFO(which);
  JobID former = makeJobID();
  if (which != "not there") {
    const JobRow row = store.addRunning(left);
    former = row.id;
    REQUIRE(store.apply(SaveResult{attemptOf(row), {stepOf(1), stepOf(2, {})}}).verdict == Verdict::ok);
    if (which == "succeeded") REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
  }
  NewJob retry = newJob();
  retry.body.retryOf = former;
  store.add(retry, left);
  CHECK(store.row(retry.id).memoCount == 0);
  CHECK(store->memos(retry.id, {}, 10).empty());
}

TEST_CASE("Retention takes a job's steps with it, in slices that do not grow with them") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  std::vector<JobID> ids;
  for (std::uint16_t i = 0; i < 3; ++i) {
    const JobRow row = store.addRunning(left);
    ids.push_back(row.id);
    saveMany(store, row, 1, limits::treeNodesMax / 2);
    REQUIRE(store.apply(failOf(row, false)).state == JobState::done);
  }
  const JobRow kept = store.addRunning(left);
  saveMany(store, kept, 1, 3);
  store.clock().advanceMicros(day);
  Prune prune{hour, 0, 1000};
  auto answer = store.apply(prune);
  if (!store.isLossy()) CHECK(answer.moved == 2);
  for (; answer.more; answer = store.apply(prune)) prune.from = answer.next;
  for (const JobID id : ids) {
    CHECK_FALSE(store->find(id));
    CHECK(store->memos(id, {}, 10).empty());
    CHECK_FALSE(store->memo(id, fingerprint(1)));
  }
  CHECK(remembered(store, kept.id).size() == 3);
}
