// What every job store must do with jobs that run after others.
#include <catch2/catch.hpp>

#include "core/new_job.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

NewJob jobAfter(std::vector<Prerequisite> after) {
  NewJob job = newJob();
  job.body.after = std::move(after);
  return job;
}

/// A job that has ended with that outcome.
JobID addDone(StoreUnderTest& store, IncarnationID who, JobOutcome outcome) {
  const JobRow row = store.addRunning(who);
  if (outcome == JobOutcome::succeeded) {
    REQUIRE(store.verdictOfSucceed(row) == Verdict::ok);
  } else if (outcome == JobOutcome::failed) {
    REQUIRE(store.apply(failOf(row, false)).verdict == Verdict::ok);
  } else {
    REQUIRE(store.apply(Unclaim{attemptOf(row), "no"}).verdict == Verdict::ok);
    REQUIRE(store.apply(Cancel{row.id, "no"}).verdict == Verdict::ok);
  }
  REQUIRE(store.row(row.id).outcome == outcome);
  return row.id;
}

std::string lastNote(StoreUnderTest& store, JobID id) {
  return store->readLog(id, 0, 10'000).back().note;
}

bool isWaiting(StoreUnderTest& store, JobID id) {
  const JobRow row = store.row(id);
  return row.state == JobState::waiting && row.waitingFor == WaitReason::dependency && row.wakeAt == never;
}

/// Whether a job that ended so lets the other begin.
bool isMet(EndCondition condition, JobOutcome outcome) {
  if (condition == EndCondition::always) return true;
  return outcome == (condition == EndCondition::success ? JobOutcome::succeeded : JobOutcome::failed);
}

constexpr EndCondition conditions[] = {EndCondition::success, EndCondition::failure, EndCondition::always};
constexpr JobOutcome outcomes[] = {JobOutcome::succeeded, JobOutcome::failed, JobOutcome::canceled};

}  // namespace

TEST_CASE("A job that runs after another waits for its end, and is ready with it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(left);
  const JobID second = store.add(jobAfter({{first.id}}), left);
  CHECK(isWaiting(store, second));
  CHECK(store.moves(second) == std::vector{Move::submitLater});
  CHECK(store.apply(claimOf(left)).jobs.empty());
  CHECK(store.verdictOfSucceed(first) == Verdict::ok);
  CHECK(store.row(second).state == JobState::ready);
  CHECK(store.moves(second) == std::vector{Move::submitLater, Move::promote});
  store.run(second, left);
}

TEST_CASE("How a job ended decides what becomes of those that run after it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  for (const EndCondition condition : conditions)
    for (const JobOutcome outcome : outcomes)
      for (const bool isDoneBefore : {false, true}) {
        INFO(toString(condition) << " after " << toString(outcome) << (isDoneBefore ? ", done before" : ""));
        JobID second;
        JobID first;
        if (isDoneBefore) {
          first = addDone(store, left, outcome);
          second = store.add(jobAfter({{first, condition}}), left);
        } else {
          const JobRow row = store.addRunning(left);
          first = row.id;
          second = store.add(jobAfter({{first, condition}}), left);
          if (outcome == JobOutcome::succeeded) store.verdictOfSucceed(row);
          if (outcome == JobOutcome::failed) store.apply(failOf(row, false));
          if (outcome == JobOutcome::canceled) {
            store.apply(Unclaim{attemptOf(row), "no"});
            store.apply(Cancel{first, "no"});
          }
        }
        const JobRow row = store.row(second);
        if (isMet(condition, outcome)) {
          CHECK(row.state == JobState::ready);
          store.verdictOfSucceed(store.run(second, left));
          continue;
        }
        CHECK(row.state == JobState::done);
        CHECK(row.outcome == JobOutcome::canceled);
        CHECK(lastNote(store, second).find(first.toString()) != std::string::npos);
      }
}

TEST_CASE("A failure that is tried again is no end") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(left);
  const JobID second = store.add(jobAfter({{first.id, EndCondition::failure}}), left);
  CHECK(store.apply(failOf(first)).verdict == Verdict::ok);
  CHECK(isWaiting(store, second));
}

TEST_CASE("A job after several waits for all of them, and ends with the first that can hold no more") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow a = store.addRunning(left);
  const JobRow b = store.addRunning(left);
  const JobRow c = store.addRunning(left);
  const JobID all = store.add(jobAfter({{a.id}, {b.id, EndCondition::always}, {c.id}}), left);
  const JobID doomed = store.add(jobAfter({{a.id}, {b.id}, {c.id}}), left);
  CHECK(store.verdictOfSucceed(c) == Verdict::ok);
  CHECK(isWaiting(store, all));
  CHECK(store.apply(failOf(b, false)).verdict == Verdict::ok);
  CHECK(isWaiting(store, all));
  CHECK(store.row(doomed).outcome == JobOutcome::canceled);
  CHECK(store.verdictOfSucceed(a) == Verdict::ok);
  CHECK(store.row(all).state == JobState::ready);
}

TEST_CASE("What can never begin takes all with it that was to come after it") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(left);
  std::vector<JobID> chain{first.id};
  for (int i = 0; i < 50; ++i) chain.push_back(store.add(jobAfter({{chain.back()}}), left));
  const JobID anyway = store.add(jobAfter({{chain.back(), EndCondition::always}}), left);
  CHECK(store.apply(failOf(first, false)).verdict == Verdict::ok);
  // Some at once, the rest with what comes next.
  while (store.apply(Promote{left, 7}).more) {
  }
  for (std::size_t i = 1; i < chain.size(); ++i) CHECK(store.row(chain[i]).outcome == JobOutcome::canceled);
  CHECK(store.row(anyway).state == JobState::ready);
}

TEST_CASE("Jobs of one list may run after earlier ones of it, and after nothing that is not there yet") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const bool allOrNothing = GENERATE(true, false);
  const NewJob first = newJob();
  const NewJob second = jobAfter({{first.id}});
  Submit good = submitOf({first, second}, left);
  good.allOrNothing = allOrNothing;
  CHECK(store.apply(good).jobs.at(1).verdict == Verdict::ok);
  CHECK(isWaiting(store, second.id));

  const NewJob third = newJob();
  Submit bad = submitOf({jobAfter({{third.id}}), third}, left);
  bad.allOrNothing = allOrNothing;
  auto answer = store.apply(bad);
  CHECK(answer.verdict == Verdict::refused);
  CHECK(answer.why.find("stands behind it") != std::string::npos);
  CHECK_FALSE(store->peek(third.id));

  bad.jobs = {third, jobAfter({{makeJobID()}})};
  answer = store.apply(bad);
  CHECK(answer.jobs.at(1).verdict == Verdict::refused);
  CHECK(store->peek(third.id).has_value() == !allOrNothing);
  CHECK_FALSE(store->peek(bad.jobs[1].id));
}

TEST_CASE("A list of which one job stands for another already makes none that runs after what was not made") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow running = store.addRunning(left);
  const JobID known = store.add(keyedJob("nightly"), left);
  const NewJob again = keyedJob("nightly");
  Succeed succeed{attemptOf(running), "1", {again, jobAfter({{again.id}})}};
  // Its key stands, so the job itself is not made; nobody could wait for it.
  const auto answer = store.apply(succeed);
  CHECK(answer.verdict == Verdict::refused);
  CHECK(store.row(running.id).state == JobState::inProgress);
  succeed.then[1].body.after = {{known}};
  CHECK(store.apply(succeed).verdict == Verdict::ok);
  CHECK(isWaiting(store, succeed.then[1].id));
}

TEST_CASE("What a job runs after is checked before anything is stored") {
  ON_EVERY_STORE(store);
  const JobID first = store.add();
  NewJob job = jobAfter({{first}, {first, EndCondition::always}});
  const auto isRefused = [&] {
    const auto answer = store.apply(submitOf({job}));
    return answer.verdict == Verdict::refused && !answer.why.empty();
  };
  CHECK(isRefused());
  job.body.after = {{job.id}};
  CHECK(isRefused());
  job.body.after = {{JobID{}}};
  CHECK(isRefused());
  job.body.after = {{first, static_cast<EndCondition>(3)}};
  CHECK(isRefused());
  job.body.after.clear();
  for (std::size_t i = 0; i <= limits::prerequisitesMax; ++i) job.body.after.push_back({makeJobID()});
  CHECK(isRefused());
  job.body.after = {{first}};
  job.body.dueAt = 5;
  CHECK(isRefused());
}

TEST_CASE("A job with a delay that runs after another waits for both") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(left);
  NewJob job = jobAfter({{first.id}});
  job.delayMicros = minute;
  const std::int64_t dueAt = store.clock().now().utcMicros + minute;
  store.add(job, left);
  const bool endsInTime = GENERATE(true, false);
  if (!endsInTime) store.clock().advanceMicros(2 * minute);
  CHECK(isWaiting(store, job.id));
  CHECK(store.verdictOfSucceed(first) == Verdict::ok);
  if (endsInTime) {
    CHECK(store.row(job.id).waitingFor == WaitReason::due);
    CHECK(store.row(job.id).wakeAt == dueAt);
    CHECK(store.apply(claimOf(left)).nextDueAt == dueAt);
    store.clock().advanceMicros(minute);
  }
  store.run(job.id, left);
}

TEST_CASE("However many jobs wait for one, all of them begin, and everybody who can see to it is told") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(left);
  std::vector<JobID> dependents;
  for (int i = 0; i < 100; ++i) dependents.push_back(store.add(jobAfter({{first.id}}), i % 2 == 0 ? left : principal));
  const auto countReady = [&] {
    return std::count_if(dependents.begin(), dependents.end(),
                         [&](JobID id) { return store.row(id).state == JobState::ready; });
  };
  const auto touched = store.touchedBy(Succeed{attemptOf(first), "1", {}});
  CHECK(store.row(first.id).outcome == JobOutcome::succeeded);
  CHECK(countReady() == limits::dependentsAtOnce);
  for (const IncarnationID owner : {left, principalOwner})
    CHECK(std::find(touched.begin(), touched.end(), owner) != touched.end());
  // Whoever claims next, goes on for all.
  const auto slice = store.apply(Promote{left, 50});
  CHECK(slice.more);
  CHECK(slice.moved == 50);
  CHECK(store.apply(claimOf(principal)).jobs.size() == 1);
  CHECK(countReady() == 99);
  CHECK_FALSE(store.apply(Promote{left, 50}).more);
}

TEST_CASE("A claim says that there is more while jobs are left to be looked at") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(left);
  std::vector<NewJob> jobs;
  for (std::size_t i = 0; i < limits::sliceRowsMax; ++i) jobs.push_back(jobAfter({{first.id, EndCondition::failure}}));
  REQUIRE(store.apply(submitOf(jobs, left)).verdict == Verdict::ok);
  for (std::size_t i = 0; i < 50; ++i) store.add(jobAfter({{first.id}}), left);
  CHECK(store.verdictOfSucceed(first) == Verdict::ok);
  const auto answer = store.apply(claimOf(left));
  CHECK(answer.more);
  (void)store.apply(claimOf(left));
  CHECK(store->totals().waiting[static_cast<std::size_t>(WaitReason::dependency)] == 0);
  CHECK(store->totals().done[static_cast<std::size_t>(JobOutcome::canceled)] == limits::sliceRowsMax);
}

TEST_CASE("A job that waits for another goes to the principal with its director, and begins there") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(principal);
  const JobID second = store.add(jobAfter({{first.id}}), left);
  store.close(left, Closing::died, principal);
  const bool endsFirst = GENERATE(true, false);
  if (endsFirst) CHECK(store.verdictOfSucceed(first) == Verdict::ok);
  store.adoptAll(left, principal);
  if (!endsFirst) {
    CHECK(isWaiting(store, second));
    CHECK(store.verdictOfSucceed(first) == Verdict::ok);
  }
  CHECK(store.row(second).owner == principalOwner);
  store.run(second, principal);
}

TEST_CASE("A waiting job that is canceled leaves nothing behind, and what it waited for is dropped with its time") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobRow first = store.addRunning(left);
  const JobID second = store.add(jobAfter({{first.id}, {store.add()}}), left);
  CHECK(store.verdictOfSucceed(first) == Verdict::ok);
  store.clock().advanceMicros(30 * day);
  // As long as somebody waits for it, it is kept.
  CHECK(store.apply(Prune{day, 0, 1000}).moved == 0);
  CHECK(store.apply(Cancel{second, "no"}).verdict == Verdict::ok);
  CHECK(store.apply(Prune{day, 0, 1000}).verdict == Verdict::ok);
  CHECK_FALSE(store->peek(first.id));
}

TEST_CASE("To do a job again is to do it at once, whatever it ran after") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  const JobID first = addDone(store, left, JobOutcome::failed);
  const JobID second = store.add(jobAfter({{first}}), left);
  const auto view = store->find(second);
  REQUIRE(view);
  REQUIRE(view->row.outcome == JobOutcome::canceled);
  CHECK(view->body.after == std::vector<Prerequisite>{{first}});
  const JobID again = store.add(againOf(view->row, view->body), left);
  CHECK(store.row(again).state == JobState::ready);
}
