// What every job store must do with jobs whose end answers a wait of another one.
#include <catch2/catch.hpp>

#include "core/new_job.h"
#include "tests/support/steps.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

NewJob answering(JobID waiting, std::uint16_t wait = 1) {
  NewJob job = newJob();
  job.body.parent = waiting;
  job.body.answers = fingerprint(wait);
  return job;
}

/// A job that is suspended for its first wait.
JobID addWaiting(StoreUnderTest& store, IncarnationID who) {
  const JobRow row = store.addRunning(who);
  REQUIRE(store.apply(Suspend{attemptOf(row), {waitOf(1)}}).state == JobState::waiting);
  return row.id;
}

MemoRow answerOf(StoreUnderTest& store, JobID waiting) {
  const auto memo = store->memo(waiting, fingerprint(1));
  REQUIRE(memo);
  return *memo;
}

}  // namespace

TEST_CASE("A job that succeeds ends the wait that it answers, and who waits is ready with it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const auto right = store.openAssistant("right");
  const JobID waiting = addWaiting(store, left);
  const JobRow row = store.addRunning(right, answering(waiting));
  CHECK(row.answersWait);
  CHECK(store.row(waiting).state == JobState::waiting);
  const auto touched = store.touchedBy(Succeed{attemptOf(row), R"({"a":1})", {}});
  CHECK(std::find(touched.begin(), touched.end(), left) != touched.end());
  CHECK(store.row(waiting).state == JobState::ready);
  CHECK(answerOf(store, waiting).state == MemoState::succeeded);
  CHECK(answerOf(store, waiting).value == R"({"a":1})");
  CHECK(store.moves(waiting).back() == Move::promote);
  CHECK(store.run(waiting, left).attempt == 2);
}

TEST_CASE("An answer that comes before anybody waits is there when somebody does") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow asker = store.addRunning(left);
  const JobRow row = store.addRunning(left, answering(asker.id));
  REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
  CHECK(store.apply(Suspend{attemptOf(asker), {waitOf(1)}}).state == JobState::ready);
  CHECK(answerOf(store, asker.id).value == "1");
}

TEST_CASE("Only a failure that is the last answers, and it is the failure that the wait ends with") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID waiting = addWaiting(store, left);
  NewJob job = answering(waiting);
  job.body.retry.maxAttempts = 2;
  const JobRow first = store.addRunning(left, job);
  Fail fail = failOf(first);
  REQUIRE(store.apply(fail).state == JobState::waiting);
  CHECK(store.row(waiting).state == JobState::waiting);
  store.clock().advanceMicros(hour);
  fail = failOf(store.run(job.id, left));
  fail.failure = {"io", "nobody came", "door", R"({"n":1})"};
  fail.value = "5";
  REQUIRE(store.apply(fail).state == JobState::done);
  CHECK(store.row(waiting).state == JobState::ready);
  CHECK(answerOf(store, waiting).state == MemoState::failed);
  CHECK(answerOf(store, waiting).failure == fail.failure);
  CHECK(answerOf(store, waiting).value.empty());
}

TEST_CASE("A job that is canceled or whose time is over answers too") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID waiting = addWaiting(store, left);
  NewJob job = answering(waiting);
  job.body.retry.maxAttempts = 1;
  job.body.attemptLimitMicros = minute;
  const bool isCanceled = GENERATE(true, false);
  if (isCanceled) {
    REQUIRE(store.apply(Cancel{store.add(job, left), "no"}).state == JobState::done);
  } else {
    store.addRunning(left, job);
    store.clock().advanceMicros(minute + second);
    REQUIRE(store.apply(Expire{}).verdict == Verdict::ok);
  }
  CHECK(store.row(job.id).state == JobState::done);
  CHECK(store.row(waiting).state == JobState::ready);
  CHECK(answerOf(store, waiting).failure.type == (isCanceled ? "canceled" : "deadline"));
}

TEST_CASE("What nobody waits for any more keeps no job from its end") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID waiting = addWaiting(store, left);
  const JobRow row = store.addRunning(left, answering(waiting));
  const JobRow lost = store.addRunning(left, answering(makeJobID()));
  REQUIRE(store.apply(Cancel{waiting, "no"}).state == JobState::done);
  const JobRow done = store.row(waiting);
  CHECK(store.verdictOfSucceed(row) == Verdict::ok);
  CHECK(store.verdictOfSucceed(lost) == Verdict::ok);
  CHECK(store.row(waiting) == done);
}

TEST_CASE("The first answer of a wait stands, whoever gives it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID waiting = addWaiting(store, left);
  const JobRow row = store.addRunning(left, answering(waiting));
  REQUIRE(store.apply(completionOf(waiting, 1, "10")).verdict == Verdict::ok);
  CHECK(store.verdictOfSucceed(row) == Verdict::ok);
  CHECK(answerOf(store, waiting).value == "10");
}

TEST_CASE("A job that is done again answers nobody") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID waiting = addWaiting(store, left);
  const JobID failed = store.add(answering(waiting), left);
  REQUIRE(store.apply(Cancel{failed, "no"}).state == JobState::done);
  const auto view = store->find(failed);
  REQUIRE(view);
  const NewJob again = againOf(view->row, view->body);
  CHECK(again.body.answers.isNil());
  CHECK(again.body.parent == waiting);
  CHECK_FALSE(store.row(store.add(again, left)).answersWait);
}

TEST_CASE("A wait that is answered is one of another job") {
  ON_EVERY_STORE(store);
  NewJob own = answering(makeJobID());
  own.body.parent = own.id;
  CHECK(store.apply(submitOf({own})).verdict == Verdict::refused);
  CHECK(store.apply(submitOf({answering(JobID{})})).verdict == Verdict::refused);
}

TEST_CASE("Where there is no room for an answer, the wait ends with a failure that says so") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow asker = store.addRunning(left);
  // As many bytes as a tree may hold, less than what is to come.
  const std::string large = "\"" + std::string(limits::payloadBytesMax - 2, 'x') + "\"";
  std::uint16_t step = 2;
  for (std::uint64_t bytes = 0; bytes + large.size() <= limits::treeBytesMax; bytes += large.size())
    REQUIRE(store.apply(SaveResult{attemptOf(asker), {stepOf(step++, large)}}).verdict == Verdict::ok);
  REQUIRE(store.apply(Suspend{attemptOf(asker), {waitOf(1)}}).state == JobState::waiting);
  const JobRow row = store.addRunning(left, answering(asker.id));
  REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
  CHECK(answerOf(store, asker.id).failure.type == "refused");
  CHECK(store.row(asker.id).state == JobState::ready);
}
