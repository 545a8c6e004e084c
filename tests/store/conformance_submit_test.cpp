// What every job store must do with submit; each test runs on LMDB and in memory, and on both with answers being lost.
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

TEST_CASE("Submit makes ready jobs whose parameters and settings are read back") {
  ON_EVERY_STORE(store);
  NewJob job = newJob("aidbox.bulk/import");
  job.runner = Runner::command;
  job.queue = "slow";
  job.priority = -7;
  job.body.parameters = R"({"path":"/data"})";
  job.body.retry.maxAttempts = 9;
  job.body.attemptLimitMicros = 5 * minute;
  job.body.requester = "somebody";
  job.body.traceparent = "00-11-22-01";
  job.body.labels = {{"tenant", "north"}};
  job.body.parent = makeJobID();
  job.body.retryOf = makeJobID();
  store.add(job);
  const auto view = store->find(job.id);
  REQUIRE(view);
  CHECK(view->row.state == JobState::ready);
  CHECK(view->row.owner == principalOwner);
  CHECK(view->row.kind == job.kind);
  CHECK(view->row.queue == "slow");
  CHECK(view->row.runner == Runner::command);
  CHECK(view->row.priority == -7);
  CHECK(view->row.attempt == 0);
  CHECK(view->row.createdAt == store.clock().now().utcMicros);
  JobBody expected = job.body;
  CHECK(view->body == expected);
  CHECK_FALSE(view->result);
  CHECK(store.moves(job.id) == std::vector{Move::submit});
  CHECK(store->totals().submitted == 1);
}

TEST_CASE("A batch of a thousand jobs is one verb and keeps its order") {
  ON_EVERY_STORE(store);
  std::vector<NewJob> jobs;
  for (int i = 0; i < 1000; ++i) jobs.push_back(newJob());
  const auto answer = store.apply(submitOf(jobs));
  REQUIRE(answer.verdict == Verdict::ok);
  REQUIRE(answer.jobs.size() == 1000);
  const auto who = store.openPrincipal();
  const auto claimed = store.apply(claimOf(who, 1000));
  REQUIRE(claimed.jobs.size() == 1000);
  bool inOrder = true;
  for (std::size_t i = 0; i < jobs.size(); ++i) inOrder = inOrder && claimed.jobs[i].row.id == jobs[i].id;
  CHECK(inOrder);
}

TEST_CASE("A repeated submit is recognised by its ids and makes nothing") {
  ON_EVERY_STORE(store);
  const Submit submit = submitOf({newJob(), newJob()});
  REQUIRE(store.apply(submit).verdict == Verdict::ok);
  const auto again = store.apply(submit);
  CHECK(again.verdict == Verdict::ok);
  for (const auto& job : again.jobs) CHECK(store.isRepeat(job.verdict));
  CHECK(store->totals().submitted == 2);
  // Also when the job went on since.
  const auto who = store.openPrincipal();
  REQUIRE(store.apply(claimOf(who, 2)).jobs.size() == 2);
  CHECK(store.isRepeat(store.apply(submit).jobs[0].verdict));
  CHECK(store->totals().inProgress == 2);
}

TEST_CASE("An id with other content is a conflict") {
  ON_EVERY_STORE(store);
  NewJob job = newJob();
  store.add(job);
  NewJob other = job;
  SECTION("other parameters") {
    other.body.parameters = "[]";
  }
  SECTION("another kind") {
    other.kind = "other";
  }
  SECTION("another queue") {
    other.queue = "other";
  }
  SECTION("another key") {
    other.body.key = "key";
  }
  const auto answer = store.apply(submitOf({other, newJob()}));
  CHECK(answer.jobs.at(0).verdict == Verdict::conflict);
  CHECK_FALSE(answer.jobs[0].why.empty());
  CHECK(answer.jobs.at(1).verdict == Verdict::ok);
  CHECK(store->find(job.id)->body.parameters == "{}");
}

TEST_CASE("All or nothing makes no job when one of them is refused") {
  ON_EVERY_STORE(store);
  const NewJob taken = keyedJob("the key");
  store.add(taken);
  NewJob first = newJob();
  NewJob last = newJob();
  Submit submit = submitOf({first, keyedJob("the key"), last});
  submit.allOrNothing = true;
  const auto answer = store.apply(submit);
  CHECK(answer.verdict == Verdict::refused);
  CHECK_FALSE(answer.why.empty());
  REQUIRE(answer.jobs.size() == 3);
  CHECK(answer.jobs[1].verdict == Verdict::duplicate);
  CHECK(answer.jobs[1].id == taken.id);
  CHECK_FALSE(isAccepted(answer.jobs[0].verdict));
  CHECK_FALSE(isAccepted(answer.jobs[2].verdict));
  CHECK_FALSE(store->find(first.id));
  CHECK_FALSE(store->find(last.id));
  CHECK(store->totals().submitted == 1);
  CHECK(store->totals().jobs() == 1);
}

TEST_CASE("All or nothing makes every job when none is refused, and says so again when repeated") {
  ON_EVERY_STORE(store);
  Submit submit = submitOf({newJob(), keyedJob("a"), keyedJob("b")});
  submit.allOrNothing = true;
  CHECK(store.apply(submit).verdict == Verdict::ok);
  const auto again = store.apply(submit);
  CHECK(again.verdict == Verdict::ok);
  for (const auto& job : again.jobs) CHECK(store.isRepeat(job.verdict));
  CHECK(store->totals().submitted == 3);
}

TEST_CASE("A business key answers duplicate while its job lives") {
  ON_EVERY_STORE(store);
  const NewJob first = keyedJob("report-42");
  store.add(first);
  const auto answer = store.apply(submitOf({keyedJob("report-42")}));
  CHECK(answer.jobs.at(0).verdict == Verdict::duplicate);
  CHECK(answer.jobs[0].id == first.id);
  CHECK(store->findByKey("report-42") == first.id);
  CHECK_FALSE(store->findByKey("report-43"));
  // Without a window the key is free as soon as the job is done.
  store.apply(Cancel{first.id, {}});
  const NewJob second = keyedJob("report-42");
  store.add(second);
  CHECK(store->findByKey("report-42") == second.id);
}

TEST_CASE("A business key answers duplicate until its window closes, though the job is done") {
  ON_EVERY_STORE(store);
  const NewJob first = keyedJob("report", hour);
  store.add(first);
  store.apply(Cancel{first.id, {}});
  store.clock().advanceMicros(hour - second);
  CHECK(store.apply(submitOf({keyedJob("report")})).jobs.at(0).verdict == Verdict::duplicate);
  store.clock().advanceMicros(second);
  const NewJob second = keyedJob("report");
  CHECK(store.apply(submitOf({second})).jobs.at(0).verdict == Verdict::ok);
  CHECK(store->findByKey("report") == second.id);
}

TEST_CASE("Two jobs of one batch with the same key are one job and a duplicate") {
  ON_EVERY_STORE(store);
  const NewJob first = keyedJob("same");
  const auto answer = store.apply(submitOf({first, keyedJob("same")}));
  CHECK(answer.jobs.at(0).verdict == Verdict::ok);
  CHECK(answer.jobs.at(1).verdict == Verdict::duplicate);
  CHECK(answer.jobs[1].id == first.id);
}

TEST_CASE("A delayed job waits until it is due and the later of delay and time counts") {
  ON_EVERY_STORE(store);
  const auto who = store.openPrincipal();
  const std::int64_t now = store.clock().now().utcMicros;
  NewJob byDelay = newJob();
  byDelay.delayMicros = 10 * second;
  NewJob byTime = newJob();
  byTime.notBeforeMicros = now + 20 * second;
  byTime.delayMicros = 5 * second;
  NewJob past = newJob();
  past.notBeforeMicros = now - hour;
  store.add(byDelay);
  store.add(byTime);
  store.add(past);
  CHECK(store.row(byDelay.id).state == JobState::waiting);
  CHECK(store.row(byDelay.id).waitingFor == WaitReason::due);
  CHECK(store.row(byTime.id).wakeAt == now + 20 * second);
  CHECK(store.row(past.id).state == JobState::ready);
  const auto log = store->readLog(byDelay.id, 0, 10);
  REQUIRE(log.size() == 1);
  CHECK(log[0].move == Move::submitLater);
  CHECK(log[0].timer == now + 10 * second);

  auto claimed = store.apply(claimOf(who, 10));
  CHECK(claimed.jobs.size() == 1);
  CHECK(claimed.nextDueAt == now + 10 * second);
  store.clock().advanceMicros(10 * second);
  claimed = store.apply(claimOf(who, 10));
  REQUIRE(claimed.jobs.size() == 1);
  CHECK(claimed.jobs[0].row.id == byDelay.id);
  CHECK(claimed.nextDueAt == now + 20 * second);
  store.clock().advanceMicros(10 * second);
  claimed = store.apply(claimOf(who, 10));
  REQUIRE(claimed.jobs.size() == 1);
  CHECK(claimed.jobs[0].row.id == byTime.id);
  CHECK(claimed.nextDueAt == never);
  CHECK(store.moves(byTime.id) == std::vector{Move::submitLater, Move::promote, Move::claim});
}

TEST_CASE("A sender's jobs stand in its own queue and a command's in the principal's") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant("left");
  const auto executor = store.open(Role::executor, "worker-1");
  CHECK(store.row(store.add(left)).owner == left);
  CHECK(store.row(store.add(principal)).owner == principalOwner);
  CHECK(store.row(store.add(executor)).owner == principalOwner);
  const JobID byNobody = store.add();
  CHECK(store.row(byNobody).owner == principalOwner);
  CHECK(store->find(byNobody)->body.submitter.isNil());
  const JobID byLeft = store.add(left);
  CHECK(store->find(byLeft)->body.submitter == left);
  CHECK(store->find(byLeft)->body.submitterName == "left");
  // Remote jobs stand in the principal's queue whoever submits them.
  NewJob remote = newJob();
  remote.runner = Runner::remote;
  CHECK(store.row(store.add(remote, left)).owner == principalOwner);
}

TEST_CASE("A job may be sent to a living assistant by name and an unknown name is refused") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant("left");
  Submit submit = submitOf({newJob()});
  submit.ownerName = "left";
  REQUIRE(store.apply(submit).verdict == Verdict::ok);
  CHECK(store.row(submit.jobs[0].id).owner == left);

  Submit unknown = submitOf({newJob()});
  unknown.ownerName = "right";
  const auto answer = store.apply(unknown);
  CHECK(answer.verdict == Verdict::refused);
  CHECK_THAT(answer.why, Catch::Contains("right"));
  REQUIRE(answer.jobs.size() == 1);
  CHECK(answer.jobs[0].verdict == Verdict::refused);
  CHECK_FALSE(store->find(unknown.jobs[0].id));

  store.close(left, Closing::died, principal);
  Submit late = submitOf({newJob()});
  late.ownerName = "left";
  CHECK(store.apply(late).verdict == Verdict::refused);
}

TEST_CASE("A closed sender's submit is fenced and makes nothing") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  store.close(left, Closing::hung, principal);
  const Submit submit = submitOf({newJob(), newJob()}, left);
  const auto answer = store.apply(submit);
  CHECK(answer.verdict == Verdict::fenced);
  REQUIRE(answer.jobs.size() == 2);
  CHECK(answer.jobs[0].verdict == Verdict::fenced);
  // An incarnation without a row counts as closed.
  CHECK(store.apply(submitOf({newJob()}, makeIncarnationID())).verdict == Verdict::fenced);
  CHECK(store->totals().jobs() == 0);
}

TEST_CASE("The validator refuses what may not enter a store with one sentence") {
  ON_EVERY_STORE(store);
  NewJob job = newJob();
  Submit submit = submitOf({job});
  NewJob& bad = submit.jobs[0];
  const auto kind =
      GENERATE(as<std::string>{}, "nil id", "kind", "path", "queue", "priority", "delay", "long delay", "window",
               "limit", "parameters", "key", "label", "time", "retry", "owner", "empty", "too many", "twice");
  INFO(kind);
  if (kind == "nil id") bad.id = {};
  if (kind == "kind") bad.kind = "";
  if (kind == "path") bad.kind = "../etc/passwd";
  if (kind == "queue") bad.queue = "a b";
  if (kind == "priority") bad.priority = limits::priorityMax + 1;
  if (kind == "delay") bad.delayMicros = -1;
  if (kind == "long delay") bad.delayMicros = limits::delayMax.count() + 1;
  if (kind == "window") bad.keyWindowMicros = -1;
  if (kind == "limit") bad.body.attemptLimitMicros = -1;
  if (kind == "parameters") bad.body.parameters.assign(limits::payloadBytesMax + 1, 'x');
  if (kind == "key") bad.body.key.assign(limits::businessKeyBytesMax + 1, 'x');
  if (kind == "label") bad.body.labels["a/b"] = "c";
  if (kind == "time") bad.notBeforeMicros = -1;
  if (kind == "retry") bad.body.retry.maxAttempts = 0;
  if (kind == "owner") submit.ownerName = "../x";
  if (kind == "empty") submit.jobs.clear();
  if (kind == "too many") submit.jobs.assign(limits::batchJobsMax + 1, newJob());
  if (kind == "twice") {
    submit.allOrNothing = true;
    submit.jobs.push_back(bad);
  }
  const auto answer = store.apply(submit);
  CHECK(answer.verdict == Verdict::refused);
  CHECK(answer.why.size() > 10);
  CHECK(store->totals().jobs() == 0);
}

TEST_CASE("The largest names, payloads and keys that are allowed are stored") {
  ON_EVERY_STORE(store);
  NewJob job = newJob(std::string(limits::kindLengthMax, 'k'));
  job.queue.assign(limits::nameLengthMax, 'q');
  job.body.parameters.assign(limits::payloadBytesMax, 'x');
  job.body.key.assign(limits::businessKeyBytesMax, '\xFF');
  job.body.retry.maxAttempts = 1;
  store.add(job);
  CHECK(store->find(job.id)->body.parameters.size() == limits::payloadBytesMax);
  CHECK(store->findByKey(job.body.key) == job.id);
  const auto who = store.openPrincipal();
  const auto claimed = store.apply(claimOf(who, 1, {job.kind}));
  REQUIRE(claimed.jobs.size() == 1);
  const std::string value(limits::payloadBytesMax, 'y');
  REQUIRE(store.apply(Succeed{attemptOf(claimed.jobs[0].row), value, {}}).verdict == Verdict::ok);
  CHECK(store->find(job.id)->result->value == value);
}
