// What every job store must do when a job is canceled.
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

TEST_CASE("Cancel is final at once for a job that nobody runs") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const auto where = GENERATE(as<std::string>{}, "ready", "waiting", "requested", "quarantine", "backoff");
  INFO(where);
  JobID id;
  if (where == "ready") id = store.add(left);
  if (where == "waiting") {
    NewJob job = newJob();
    job.delayMicros = hour;
    id = store.add(job, left);
  }
  std::optional<JobRow> row;
  if (where == "requested") row = store.addRequested(left);
  if (where == "backoff") {
    row = store.addRunning(left);
    store.apply(failOf(*row));
  }
  if (where == "quarantine") {
    const auto principal = store.openPrincipal();
    id = store.add();
    for (std::uint32_t i = 0; i < limits::deathsBeforeQuarantine; ++i) {
      store.clock().advanceMicros(hour);
      const auto executor = store.open(Role::executor, "e");
      store.run(id, executor);
      store.close(executor, Closing::died, principal);
      store.adoptAll(executor, principal);
    }
    REQUIRE(store.row(id).waitingFor == WaitReason::quarantine);
  }
  if (row) id = row->id;
  const auto answer = store.apply(Cancel{id, "not needed"});
  CHECK(answer.verdict == Verdict::ok);
  CHECK(answer.state == JobState::done);
  CHECK(store.row(id).outcome == JobOutcome::canceled);
  CHECK(store->readLog(id, 0, 100).back().note == "not needed");
  CHECK(store.isRepeat(store.apply(Cancel{id, {}}).verdict));
  if (row) {
    CHECK(store.apply(Start{attemptOf(*row)}).verdict == Verdict::fenced);
    CHECK(store.verdictOfSucceed(*row) == Verdict::fenced);
  }
}

TEST_CASE("Cancel of a running job asks its attempt, and every end but success is then canceled") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = minute;
  const JobRow row = store.addRunning(left, job);
  const auto asked = store.apply(Cancel{row.id, "enough"});
  CHECK(asked.verdict == Verdict::ok);
  CHECK(asked.cancelRequested);
  CHECK(asked.state == JobState::inProgress);
  CHECK(store.isRepeat(store.apply(Cancel{row.id, {}}).verdict));
  // The attempt hears of it with its next sign of life.
  CHECK(store.apply(Notify{attemptOf(row), 0.5f, {}, false}).cancelRequested);

  const auto end = GENERATE(as<std::string>{}, "fail", "unclaim", "transfer", "deadline", "death", "stop",
                            "transfer asked, then succeed");
  INFO(end);
  if (end == "fail") CHECK(store.apply(failOf(row)).verdict == Verdict::ok);
  if (end == "unclaim") CHECK(store.apply(Unclaim{attemptOf(row), {}}).verdict == Verdict::ok);
  if (end == "transfer") CHECK(store.apply(Transfer{attemptOf(row)}).verdict == Verdict::ok);
  if (end == "deadline") {
    store.clock().advanceMicros(2 * minute);
    store.apply(Expire{});
  }
  if (end == "death" || end == "stop") {
    store.close(left, end == "death" ? Closing::died : Closing::stopped, principal);
    store.adoptAll(left, principal);
  }
  if (end == "transfer asked, then succeed") {
    CHECK(store.apply(RequestTransfer{attemptOf(row)}).verdict == Verdict::ok);
    store.apply(Succeed{attemptOf(row), "1", {}});
  }
  const JobRow after = store.row(row.id);
  CHECK(after.state == JobState::done);
  CHECK(after.outcome == JobOutcome::canceled);
  CHECK(after.failures == 0);
  CHECK(store.moves(row.id).back() == Move::cancel);
}

TEST_CASE("A running job that succeeds in spite of a cancel has succeeded") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  store.apply(Cancel{row.id, {}});
  CHECK(store.verdictOfSucceed(row) == Verdict::ok);
  CHECK(store.row(row.id).outcome == JobOutcome::succeeded);
}

TEST_CASE("A job that can be read is not discarded, whatever its state") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob later = newJob();
  later.delayMicros = hour;
  const JobRow done = store.addRunning(left);
  store.verdictOfSucceed(done);
  const JobID running = store.addRunning(left).id;
  for (const JobID id : {store.add(), store.add(later), running, done.id}) {
    const JobRow before = store.row(id);
    const auto answer = store.apply(Discard{id});
    CHECK(answer.verdict == Verdict::illegal);
    CHECK_FALSE(answer.why.empty());
    CHECK(store.row(id) == before);
  }
  CHECK(store.apply(Discard{makeJobID()}).verdict == Verdict::notFound);
}
