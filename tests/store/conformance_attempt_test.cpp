// What every job store must do with attempts: start, give back, progress, success, failure, transfer, fencing.
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

TEST_CASE("A requested job is started once, and its second start changes nothing") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  NewJob job = newJob();
  job.body.attemptLimitMicros = minute;
  const JobRow requested = store.addRequested(executor, 5 * second, job);
  CHECK(requested.state == JobState::requested);
  CHECK(requested.attempt == 1);
  CHECK(requested.started == 0);
  CHECK(requested.deadlineNanos == store.clock().now().bootNanos + 5 * second * 1000);
  const auto answer = store.apply(Start{attemptOf(requested)});
  CHECK(answer.verdict == Verdict::ok);
  CHECK(answer.state == JobState::inProgress);
  const JobRow started = store.row(job.id);
  CHECK(started.started == 1);
  CHECK(started.deadlineNanos == store.clock().now().bootNanos + minute * 1000);
  CHECK(started.deadlineBootID == store.clock().now().bootID);
  CHECK(store.isRepeat(store.apply(Start{attemptOf(requested)}).verdict));
  CHECK(store.row(job.id) == started);
  CHECK(store.moves(job.id) == std::vector{Move::submit, Move::request, Move::start});
}

TEST_CASE("Nothing but start, unclaim, transfer and cancel moves a requested job") {
  ON_EVERY_STORE(store);
  const auto executor = store.open(Role::executor, "e");
  const JobRow row = store.addRequested(executor);
  CHECK(store.verdictOfSucceed(row) == Verdict::illegal);
  CHECK(store.apply(failOf(row)).verdict == Verdict::illegal);
  CHECK(store.apply(Notify{attemptOf(row), 0.5f, "half", true}).verdict == Verdict::illegal);
  CHECK(store.apply(RequestTransfer{attemptOf(row)}).verdict == Verdict::illegal);
  CHECK(store.row(row.id) == row);
}

TEST_CASE("A job that is given back is ready at once and counts only an attempt") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = GENERATE(true, false) ? store.addRunning(left) : store.addRequested(left);
  CHECK(store.apply(Unclaim{attemptOf(row), "no room"}).verdict == Verdict::ok);
  const JobRow after = store.row(row.id);
  CHECK(after.state == JobState::ready);
  CHECK(after.owner == left);
  CHECK(after.attempt == 1);
  CHECK(after.failures == 0);
  CHECK(after.holderKind == HolderKind::none);
  CHECK(store->readLog(row.id, 2, 1).at(0).note == "no room");
  CHECK(store.isRepeat(store.apply(Unclaim{attemptOf(row), "no room"}).verdict));
  const JobRow again = store.run(row.id, left);
  CHECK(again.attempt == 2);
  CHECK(again.execID != row.execID);
  CHECK(store.apply(Unclaim{attemptOf(row), {}}).verdict == Verdict::fenced);
  CHECK(store.verdictOfSucceed(row) == Verdict::fenced);
}

TEST_CASE("Progress is stored, is logged only when asked, and ends with the attempt") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  CHECK(store.apply(Notify{attemptOf(row), 0.25f, "a quarter", false}).verdict == Verdict::ok);
  CHECK(store.row(row.id).progress == 0.25f);
  CHECK(store.row(row.id).progressText == "a quarter");
  CHECK(store.moves(row.id).size() == 2);
  CHECK(store.apply(Notify{attemptOf(row), 0.5f, "half", true}).verdict == Verdict::ok);
  CHECK(store.moves(row.id).back() == Move::notify);
  CHECK(store.apply(Unclaim{attemptOf(row), {}}).verdict == Verdict::ok);
  CHECK(store.row(row.id).progress == 0);
  CHECK(store.row(row.id).progressText.empty());
  CHECK(store.apply(Notify{attemptOf(row), 1.5f, {}, false}).verdict == Verdict::refused);
  CHECK(store.apply(Notify{attemptOf(row), 0.5f, std::string(limits::textBytesMax + 1, 'x'), false}).verdict ==
        Verdict::refused);
}

TEST_CASE("A success is final, keeps its result and is accepted once") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  store.clock().advanceMicros(second);
  const Succeed succeed{attemptOf(row), R"({"rows":3})", {}};
  const auto answer = store.apply(succeed);
  CHECK(answer.verdict == Verdict::ok);
  CHECK(answer.state == JobState::done);
  const auto view = store->find(row.id);
  CHECK(view->row.outcome == JobOutcome::succeeded);
  CHECK(view->row.finishedAt == store.clock().now().utcMicros);
  CHECK(view->row.progress == 1);
  REQUIRE(view->result);
  CHECK(view->result->value == R"({"rows":3})");
  CHECK(store.isRepeat(store.apply(succeed).verdict));
  CHECK(store.apply(failOf(row)).verdict == Verdict::illegal);
  CHECK(store.apply(Transfer{attemptOf(row)}).verdict == Verdict::illegal);
  CHECK(store.apply(Cancel{row.id, {}}).verdict == Verdict::illegal);
  CHECK(store->find(row.id)->row == view->row);
  CHECK(store.moves(row.id) == std::vector{Move::submit, Move::claim, Move::succeed});
}

TEST_CASE("A failure is retried with back-off until the policy says no") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.retry.maxAttempts = 3;
  JobRow row = store.addRunning(left, job);
  for (std::uint32_t failure = 1; failure <= 2; ++failure) {
    const std::int64_t delay = failure * 10 * second;
    const auto answer = store.apply(failOf(row));
    CHECK(answer.verdict == Verdict::ok);
    CHECK(answer.state == JobState::waiting);
    const JobRow waiting = store.row(job.id);
    CHECK(waiting.waitingFor == WaitReason::backoff);
    CHECK(waiting.wakeAt == store.clock().now().utcMicros + delay);
    CHECK(waiting.failures == failure);
    CHECK(waiting.attempt == failure);
    CHECK(store.isRepeat(store.apply(failOf(row)).verdict));
    CHECK(store.row(job.id) == waiting);
    CHECK(store.apply(claimOf(left)).jobs.empty());
    store.clock().advanceMicros(delay);
    row = store.run(job.id, left);
  }
  CHECK(store.apply(failOf(row)).state == JobState::done);
  const auto view = store->find(job.id);
  CHECK(view->row.outcome == JobOutcome::failed);
  CHECK(view->row.failures == 3);
  REQUIRE(view->result);
  CHECK(view->result->failure.message == "the disk is gone");
  CHECK(view->result->failure.type == "io");
}

TEST_CASE("A failure that is not retryable is final and keeps what it left") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  Fail fail = failOf(row, false);
  fail.value = R"("output")";
  CHECK(store.apply(fail).state == JobState::done);
  const auto view = store->find(row.id);
  CHECK(view->row.outcome == JobOutcome::failed);
  CHECK(view->row.failures == 1);
  CHECK(view->result->value == R"("output")");
  CHECK(store.moves(row.id).back() == Move::fail);
}

TEST_CASE("After a transfer was asked for, every end of the attempt is a transfer") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = minute;
  const JobRow row = store.addRunning(left, job);
  const auto asked = store.apply(RequestTransfer{attemptOf(row)});
  CHECK(asked.verdict == Verdict::ok);
  CHECK(asked.transferRequested);
  CHECK(store.row(row.id).state == JobState::inProgress);
  CHECK(store.row(row.id).owner == left);
  CHECK(store.isRepeat(store.apply(RequestTransfer{attemptOf(row)}).verdict));

  const auto end = GENERATE(as<std::string>{}, "succeed", "fail", "final fail", "unclaim", "transfer", "deadline",
                            "death", "stop", "hang");
  INFO(end);
  if (end == "succeed") {
    const NewJob next = newJob();
    CHECK(store.apply(Succeed{attemptOf(row), "1", {next}}).state == JobState::ready);
    CHECK_FALSE(store->find(next.id));
  }
  if (end == "fail") CHECK(store.apply(failOf(row)).state == JobState::ready);
  if (end == "final fail") CHECK(store.apply(failOf(row, false)).state == JobState::ready);
  if (end == "unclaim") CHECK(store.apply(Unclaim{attemptOf(row), {}}).state == JobState::ready);
  if (end == "transfer") CHECK(store.apply(Transfer{attemptOf(row)}).state == JobState::ready);
  if (end == "deadline") {
    store.clock().advanceMicros(2 * minute);
    CHECK(store.apply(Expire{}).verdict == Verdict::ok);
  }
  const bool closed = end == "death" || end == "stop" || end == "hang";
  if (closed) {
    store.close(left, end == "death" ? Closing::died : end == "stop" ? Closing::stopped : Closing::hung, principal);
    store.adoptAll(left, principal);
  }
  const JobRow after = store.row(row.id);
  CHECK(after.state == JobState::ready);
  CHECK(after.owner == principalOwner);
  CHECK_FALSE(after.transferRequested);
  CHECK(after.failures == 0);
  CHECK(after.holderDeaths == 0);
  CHECK(after.attempt == 1);
  CHECK_FALSE(store->find(row.id)->result);
  CHECK(store.moves(row.id).back() == Move::transfer);
  CHECK(store.verdictOfSucceed(row) != Verdict::ok);
  const JobRow again = store.run(row.id, principal);
  CHECK(store.verdictOfSucceed(again) == Verdict::ok);
}

TEST_CASE("A transfer needs no request before it") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobRow row = GENERATE(true, false) ? store.addRunning(left) : store.addRequested(left);
  CHECK(store.apply(Transfer{attemptOf(row)}).verdict == Verdict::ok);
  CHECK(store.isRepeat(store.apply(Transfer{attemptOf(row)}).verdict));
  CHECK(store.row(row.id).owner == principalOwner);
  store.run(row.id, principal);
}

TEST_CASE("Jobs that follow are made with the success, and a key that stands already is as good as its job") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID standing = store.add(keyedJob("standing", day));
  const JobRow row = store.addRunning(left);
  const NewJob fresh = newJob();
  const NewJob keyed = keyedJob("standing", day);
  Succeed succeed{attemptOf(row), "1", {fresh, keyed}};
  CHECK(store.apply(succeed).verdict == Verdict::ok);
  CHECK(store.row(row.id).state == JobState::done);
  CHECK(store.row(fresh.id).state == JobState::ready);
  CHECK(store.row(fresh.id).owner == left);
  CHECK_FALSE(store->find(keyed.id));
  CHECK(store->findByKey("standing") == standing);
  CHECK(store.isRepeat(store.apply(succeed).verdict));
  CHECK(store->totals().submitted == 3);
}

TEST_CASE("A success whose jobs to follow cannot be made is refused and changes nothing") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID taken = store.add();
  const JobRow row = store.addRunning(left);
  NewJob conflicting = newJob("another");
  conflicting.id = taken;
  const NewJob fresh = newJob();
  CHECK(store.apply(Succeed{attemptOf(row), "1", {fresh, conflicting}}).verdict == Verdict::refused);
  CHECK(store.row(row.id).state == JobState::inProgress);
  CHECK_FALSE(store->find(fresh.id));
  CHECK_FALSE(store->find(row.id)->result);
}

TEST_CASE("Jobs that follow on a failure are made with the job's last one only") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.retry.maxAttempts = 2;
  JobRow row = store.addRunning(left, job);
  const NewJob following = newJob("follows");
  Fail fail = failOf(row);
  fail.then = {following};
  CHECK(store.apply(fail).state == JobState::waiting);
  CHECK_FALSE(store->find(following.id));
  store.clock().advanceMicros(hour);
  row = store.run(job.id, left);
  fail.attempt = attemptOf(row);
  CHECK(store.apply(fail).state == JobState::done);
  CHECK(store.row(following.id).state == JobState::ready);
  CHECK(store.row(following.id).owner == left);
  CHECK(store.isRepeat(store.apply(fail).verdict));
  CHECK(store->totals().submitted == 2);
}

TEST_CASE("A failure whose job to follow cannot be made changes nothing, and one that is overruled makes none") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID taken = store.add();
  NewJob conflicting = newJob("another");
  conflicting.id = taken;
  const JobRow row = store.addRunning(left);
  Fail fail = failOf(row);
  fail.retryable = false;
  fail.then = {conflicting};
  CHECK(store.apply(fail).verdict == Verdict::refused);
  CHECK(store.row(row.id) == row);
  CHECK_FALSE(store->find(row.id)->result);
  const NewJob following = newJob();
  fail.then = {following};
  REQUIRE(store.apply(Cancel{row.id, "not needed"}).verdict == Verdict::ok);
  CHECK(store.apply(fail).verdict == Verdict::ok);
  CHECK(store.row(row.id).outcome == JobOutcome::canceled);
  CHECK_FALSE(store->find(following.id));
}

TEST_CASE("Verbs for a job that does not exist say so") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const AttemptRef nowhere{makeJobID(), execIDOf(makeClaimID(), 0), left};
  CHECK(store.apply(Cancel{nowhere.job, {}}).verdict == Verdict::notFound);
  CHECK(store.apply(Succeed{nowhere, {}, {}}).verdict == Verdict::notFound);
  CHECK(store.apply(Start{nowhere}).verdict == Verdict::notFound);
  CHECK_FALSE(store->find(nowhere.job));
  CHECK(store->readLog(nowhere.job, 0, 10).empty());
}

TEST_CASE("A wrong or nil execId is fenced and changes nothing") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const auto wrong = GENERATE(true, false);
  AttemptRef stranger = attemptOf(row);
  stranger.exec = wrong ? execIDOf(makeClaimID(), 0) : ExecID{};
  CHECK(store.apply(Succeed{stranger, "1", {}}).verdict == Verdict::fenced);
  CHECK(store.apply(Unclaim{stranger, {}}).verdict == Verdict::fenced);
  CHECK(store.apply(Transfer{stranger}).verdict == Verdict::fenced);
  CHECK(store.apply(RequestTransfer{stranger}).verdict == Verdict::fenced);
  CHECK(store.apply(Notify{stranger, 0.5f, {}, true}).verdict == Verdict::fenced);
  CHECK(store.row(row.id) == row);
  // Neither does a ready job, whose own execId is nil, belong to a nil one.
  const JobID ready = store.add(left);
  CHECK(store.apply(Succeed{{ready, ExecID{}, left}, "1", {}}).verdict == Verdict::fenced);
}

TEST_CASE("The log keeps the last thousand entries of a job") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  std::vector<Verb> verbs;
  for (int i = 0; i < 500; ++i) verbs.emplace_back(Notify{attemptOf(row), 0.5f, std::to_string(i), true});
  for (int i = 0; i < 3; ++i) (void)store->applyAll(verbs);
  const auto log = store->readLog(row.id, 0, 10'000);
  CHECK(log.size() == limits::logEntriesMax);
  CHECK(log.front().index == 502);
  CHECK(log.back().index == 1501);
  CHECK(store->readLog(row.id, 1500, 10).size() == 2);
  CHECK(store.row(row.id).logCount == 1502);
}

TEST_CASE("The validator refuses results and errors over their limits") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  const std::string big(limits::payloadBytesMax + 1, 'x');
  CHECK(store.apply(Succeed{attemptOf(row), big, {}}).verdict == Verdict::refused);
  Fail fail = failOf(row);
  const auto what = GENERATE(0, 1, 2, 3, 4);
  if (what == 0) fail.value = big;
  if (what == 1) fail.failure.message.assign(limits::errorBytesMax + 1, 'x');
  if (what == 2) fail.failure.payload = big;
  if (what == 3) fail.failure.type.assign(limits::textBytesMax + 1, 'x');
  if (what == 4) fail.failure.origin.assign(limits::textBytesMax + 1, 'x');
  CHECK(store.apply(fail).verdict == Verdict::refused);
  CHECK(store.apply(Unclaim{attemptOf(row), std::string(limits::textBytesMax + 1, 'x')}).verdict == Verdict::refused);
  CHECK(store.apply(Cancel{row.id, std::string(limits::textBytesMax + 1, 'x')}).verdict == Verdict::refused);
  CHECK(store.row(row.id) == row);
}
