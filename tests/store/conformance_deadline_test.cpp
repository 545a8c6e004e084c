// What every job store must do with attempts whose time is over.
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
Uuid otherBoot(int last) {
  return *Uuid::parse(last == 0 ? "10000000-0000-4000-8000-000000000000" : "f0000000-0000-4000-8000-000000000000");
}
}  // namespace

TEST_CASE("A passed deadline fences the attempt before any sweep and the sweep retries the job") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = minute;
  job.body.retry.maxAttempts = 2;
  JobRow row = store.addRunning(left, job);
  store.clock().advanceMicros(minute);
  CHECK(store.apply(Expire{}).verdict == Verdict::ok);
  CHECK(store.row(row.id).state == JobState::inProgress);
  store.clock().advanceMicros(1);
  CHECK(store.verdictOfSucceed(row) == Verdict::fenced);
  CHECK(store.apply(Expire{}).verdict == Verdict::ok);
  CHECK(store.row(row.id).state == JobState::waiting);
  CHECK(store.row(row.id).waitingFor == WaitReason::backoff);
  CHECK(store.row(row.id).failures == 1);
  CHECK(store.apply(failOf(row)).verdict == Verdict::fenced);

  store.clock().advanceMicros(10 * second);
  row = store.run(job.id, left);
  store.clock().advanceMicros(2 * minute);
  store.apply(Expire{});
  const auto view = store->find(job.id);
  CHECK(view->row.outcome == JobOutcome::failed);
  CHECK(view->row.failures == 2);
  REQUIRE(view->result);
  CHECK(view->result->failure.type == "deadline");
  CHECK(store.moves(job.id).back() == Move::deadline);
}

TEST_CASE("A requested attempt that never starts goes back uncounted") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  const JobRow row = store.addRequested(executor, second);
  store.clock().advanceMicros(2 * second);
  CHECK(store.apply(Start{attemptOf(row)}).verdict == Verdict::fenced);
  store.apply(Expire{});
  const JobRow after = store.row(row.id);
  CHECK(after.state == JobState::ready);
  CHECK(after.attempt == 1);
  CHECK(after.started == 0);
  CHECK(after.failures == 0);
  CHECK(store.moves(row.id).back() == Move::startTimeOut);
}

TEST_CASE("Deadlines of another boot have passed, each is ended once, whatever the boot ids are") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  // The new boot's id may sort before or behind the old one's, and it may have deadlines of its own or not.
  const int boot = GENERATE(0, 1);
  const bool hasOwn = GENERATE(true, false);
  INFO("boot " << boot << ", own deadlines " << hasOwn);
  NewJob job = newJob();
  job.body.attemptLimitMicros = hour;
  std::vector<JobRow> old;
  for (int i = 0; i < 3; ++i) {
    job.id = makeJobID();
    old.push_back(store.addRunning(left, job));
  }
  store.clock().reboot(otherBoot(boot));
  CHECK(store.verdictOfSucceed(old[0]) == Verdict::fenced);
  std::optional<JobRow> own;
  if (hasOwn) {
    job.id = makeJobID();
    own = store.addRunning(left, job);
  }
  for (int i = 0; i < 5; ++i) {
    Expire expire;
    expire.limit = 2;
    CHECK(store.apply(expire).verdict == Verdict::ok);
  }
  for (const auto& row : old) {
    CHECK(store.row(row.id).state == JobState::waiting);
    CHECK(store.row(row.id).failures == 1);
  }
  if (own) CHECK(store.row(own->id).state == JobState::inProgress);
}

TEST_CASE("Expire is a slice that says more") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = second;
  for (int i = 0; i < 5; ++i) {
    job.id = makeJobID();
    store.addRunning(left, job);
  }
  store.clock().advanceMicros(minute);
  Expire expire;
  expire.limit = 3;
  const auto first = store.apply(expire);
  if (!store.isLossy()) {
    CHECK(first.moved == 3);
    CHECK(first.more);
    const auto second = store.apply(expire);
    CHECK(second.moved == 2);
    CHECK_FALSE(second.more);
  }
  for (int i = 0; i < 3; ++i) store.apply(expire);
  CHECK(store->totals().inProgress == 0);
}

TEST_CASE("The next deadline is the earliest one, and has passed for an attempt of another boot") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  CHECK(store->nextDeadline() == never);
  const JobRow later = store.addRequested(executor, minute);
  const JobRow sooner = store.addRequested(executor, second);
  CHECK(store->nextDeadline() == sooner.deadlineNanos);
  store.apply(Start{attemptOf(sooner)});
  CHECK(store->nextDeadline() == later.deadlineNanos);
  store.clock().reboot(otherBoot(GENERATE(0, 1)));
  CHECK(store->nextDeadline() < store.clock().now().bootNanos);
}
