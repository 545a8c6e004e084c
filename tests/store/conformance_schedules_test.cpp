// What every job store must do with schedules: none of their firings makes two jobs, and none is lost in silence.
#include <catch2/catch.hpp>
#include <set>

#include "core/schedule_changes.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

constexpr std::int64_t start = 1'750'000'000 * second;  // of the clock of every store

Schedule everyMinute(std::string name = "tick") {
  Schedule schedule;
  schedule.name = std::move(name);
  schedule.spec = "every 1m";
  schedule.timing = IntervalTiming{start, minute, never};
  schedule.job = newJob();
  schedule.job.id = {};
  return schedule;
}

ScheduleView viewOf(StoreUnderTest& store, const std::string& name = "tick") {
  const auto view = store->schedule(name);
  REQUIRE(view);
  return *view;
}

ScheduleRow rowOf(StoreUnderTest& store, const std::string& name = "tick") {
  return viewOf(store, name).row;
}

std::int64_t now(StoreUnderTest& store) {
  return store.clock().now().utcMicros;
}

void put(StoreUnderTest& store, const Schedule& schedule, bool isPaused = false) {
  const auto answer = store.apply(putOf(store->schedule(schedule.name), schedule, isPaused, now(store)));
  INFO(answer.why);
  REQUIRE(answer.verdict == Verdict::ok);
}

/// What the principal does; how many verbs it took.
int fireDue(StoreUnderTest& store, IncarnationID principal) {
  int verbs = 0;
  while (true) {
    const auto due = store->dueSchedules(now(store), 100);
    CHECK(due.unreadable.empty());
    if (due.schedules.empty()) return verbs;
    for (const ScheduleView& view : due.schedules) {
      const auto verb = dueVerbOf(view, principal, now(store), limits::firingsMax);
      REQUIRE(verb);
      ++verbs;
      if (const auto* fire = std::get_if<Fire>(&*verb)) CHECK(store.apply(*fire).verdict == Verdict::ok);
      if (const auto* end = std::get_if<DeleteSchedule>(&*verb)) store.apply(*end);
    }
  }
}

std::vector<JobView> jobsOf(StoreUnderTest& store, const std::string& name = "tick") {
  std::vector<JobView> jobs;
  for (const JobID id : store->occurrences(name, {}, 1000)) {
    const auto job = store->find(id);
    REQUIRE(job);
    CHECK(job->body.schedule == name);
    jobs.push_back(*job);
  }
  return jobs;
}

std::vector<std::int64_t> instantsOf(StoreUnderTest& store, const std::string& name = "tick") {
  std::vector<std::int64_t> instants;
  for (const JobView& job : jobsOf(store, name)) instants.insert(instants.begin(), job.body.occurrence);
  return instants;
}

void endAll(StoreUnderTest& store, IncarnationID principal) {
  for (const auto& item : store.apply(claimOf(principal, 100)).jobs)
    REQUIRE(store.apply(Succeed{attemptOf(item.row), "1", {}}).verdict == Verdict::ok);
}

}  // namespace

TEST_CASE("A schedule is stored with when it fires next, and read by its name, in order and by when it is due") {
  ON_EVERY_STORE(store);
  CHECK_FALSE(store->schedule("tick"));
  Schedule schedule = everyMinute();
  schedule.job.body.labels["team"] = "night";
  put(store, schedule);
  Schedule later = everyMinute("another");
  later.spec = "2026-01-31 once";
  later.timing = OnceTiming{start + hour};
  put(store, later);
  put(store, everyMinute("off"), true);
  const auto view = viewOf(store);
  CHECK(areAlike(view.settings, schedule));
  CHECK(view.row.next == start + minute);
  CHECK(view.row.cursor == start);
  CHECK(view.row.createdAt == start);
  CHECK(view.row.dueAt() == start + minute);
  CHECK(rowOf(store, "off").dueAt() == never);
  const auto all = store->schedules({}, 10);
  REQUIRE(all.size() == 3);
  CHECK(all[0].row.name == "another");
  CHECK(all[2].row.name == "tick");
  CHECK(store->schedules("another", 1).at(0).row.name == "off");
  CHECK(store->schedules("tick", 10).empty());
  const auto none = store->dueSchedules(start + minute - 1, 10);
  CHECK(none.schedules.empty());
  CHECK(none.nextAt == start + minute);
  const auto both = store->dueSchedules(start + hour, 10);
  REQUIRE(both.schedules.size() == 2);
  CHECK(both.schedules[0].row.name == "tick");
  CHECK(both.nextAt == never);
  CHECK(store->dueSchedules(start + hour, 1).nextAt == start + hour);
}

TEST_CASE("A change of a schedule counts once, and only where nobody else changed it meanwhile") {
  ON_EVERY_STORE(store);
  const PutSchedule first = putOf({}, everyMinute(), false, start);
  CHECK(store.apply(first).verdict == Verdict::ok);
  CHECK(store.isRepeat(store.apply(first).verdict));
  CHECK(store.apply(putOf({}, everyMinute(), false, start)).verdict == Verdict::conflict);
  const auto known = viewOf(store);
  CHECK(store.apply(pauseOf(known, true, start)).verdict == Verdict::ok);
  CHECK(store.apply(putOf(known, everyMinute(), false, start)).verdict == Verdict::conflict);
  CHECK(rowOf(store).isPaused);
  CHECK(store.apply(DeleteSchedule{"tick", known.row.revision}).verdict == Verdict::conflict);
  store.apply(DeleteSchedule{"tick", rowOf(store).revision});
  CHECK(store.apply(DeleteSchedule{"tick"}).verdict == Verdict::notFound);
  CHECK(store.apply(pauseOf(known, false, start)).verdict == Verdict::notFound);
  // Who changes one that others change at the same time is served all the same.
  put(store, everyMinute());
  int looks = 0;
  const auto answer = changeSchedule(store.store(), "tick", [&](const std::optional<ScheduleView>& view) {
    if (++looks == 1) put(store, everyMinute(), true);
    return pauseOf(*view, false, start);
  });
  CHECK(isAccepted(answer.verdict));
  CHECK(looks == 2);
  CHECK_FALSE(rowOf(store).isPaused);
}

TEST_CASE("A firing makes one job and moves the cursor in one write, however often it is repeated") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  put(store, everyMinute());
  store.clock().advanceMicros(minute);
  const auto view = viewOf(store);
  const auto verb = dueVerbOf(view, principal, now(store), 10);
  REQUIRE(verb);
  const Fire fire = std::get<Fire>(*verb);
  const auto touched = store.touchedBy(fire);
  CHECK(std::find(touched.begin(), touched.end(), principalOwner) != touched.end());
  CHECK(store.isRepeat(store.apply(fire).verdict));
  REQUIRE(instantsOf(store) == std::vector<std::int64_t>{start + minute});
  const JobView job = jobsOf(store)[0];
  CHECK(job.row.id == occurrenceID("tick", view.row.generation, start + minute));
  CHECK(job.row.state == JobState::ready);
  CHECK(job.row.owner == principalOwner);
  const auto row = rowOf(store);
  CHECK(row.cursor == start + minute);
  CHECK(row.next == start + 2 * minute);
  CHECK(row.fired == 1);
  CHECK(row.firedAt == start + minute);
  CHECK(row.lastJob == job.row.id);
  CHECK(viewOf(store).open.size() == 1);
  // A plan that was made before comes too late, whatever it wants.
  Fire stale = fire;
  stale.cursor = start + 3 * minute;
  stale.next = start + 4 * minute;
  stale.instants = {start + 3 * minute};
  CHECK(store.apply(stale).verdict == Verdict::conflict);
  CHECK(instantsOf(store).size() == 1);
}

TEST_CASE("Nobody but the living principal fires a schedule") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto assistant = store.openAssistant();
  put(store, everyMinute());
  store.clock().advanceMicros(minute);
  for (const IncarnationID who : {assistant, IncarnationID{}, makeIncarnationID()})
    CHECK(store.apply(std::get<Fire>(*dueVerbOf(viewOf(store), who, now(store), 10))).verdict == Verdict::fenced);
  store.close(principal, Closing::stopped, principal);
  CHECK(store.apply(std::get<Fire>(*dueVerbOf(viewOf(store), principal, now(store), 10))).verdict == Verdict::fenced);
  CHECK(instantsOf(store).empty());
  CHECK(rowOf(store).cursor == start);
}

TEST_CASE("A firing is skipped with its reason while a job of the schedule has not ended, where overlap is forbidden") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  put(store, everyMinute());
  for (int i = 0; i < 4; ++i) {
    store.clock().advanceMicros(minute);
    CHECK(fireDue(store, principal) == 1);
  }
  auto row = rowOf(store);
  CHECK(row.fired == 1);
  CHECK(row.skipped == 3);
  REQUIRE(row.skips.size() == 1);
  CHECK(row.skips[0] == SkippedFirings{start + 4 * minute, 3, SkippedFirings::Why::overlap, row.lastJob});
  endAll(store, principal);
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  row = rowOf(store);
  CHECK(row.fired == 2);
  CHECK(row.open == std::vector<JobID>{row.lastJob});
  CHECK(instantsOf(store) == std::vector<std::int64_t>{start + minute, start + 5 * minute});
}

TEST_CASE("Where overlap is allowed all run, and where it replaces the earlier one is canceled") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  Schedule schedule = everyMinute();
  schedule.overlap = Overlap::allow;
  put(store, schedule);
  schedule.name = "last";
  schedule.overlap = Overlap::replace;
  put(store, schedule);
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  const auto running = store.apply(claimOf(principal, 10)).jobs;
  CHECK(running.size() == 2);
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  CHECK(viewOf(store).open.size() == 2);
  CHECK(rowOf(store).skipped == 0);
  const auto jobs = jobsOf(store, "last");
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[1].row.cancelRequested);
  CHECK(jobs[0].row.state == JobState::ready);
  CHECK(rowOf(store, "last").open == std::vector<JobID>{jobs[0].row.id});
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  CHECK(store->find(jobs[0].row.id)->row.outcome == JobOutcome::canceled);
}

TEST_CASE("What was missed is skipped, made up for once, or all of it, and what is not run is counted") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  for (const auto missed : {MissedRuns::skip, MissedRuns::once, MissedRuns::all}) {
    Schedule schedule = everyMinute(std::string(toString(missed)));
    schedule.policy.missed = missed;
    schedule.policy.missedMax = 3;
    put(store, schedule);
  }
  // Nobody was there for ten minutes and a half. The tenth is still punctual.
  store.clock().advanceMicros(10 * minute + 30 * second);
  fireDue(store, principal);
  CHECK(instantsOf(store, "skip") == std::vector<std::int64_t>{start + 10 * minute});
  CHECK(instantsOf(store, "once") == std::vector<std::int64_t>{start + 10 * minute});
  CHECK(rowOf(store, "once").skipped == 9);
  CHECK(rowOf(store, "once").skips.at(0).why == SkippedFirings::Why::missed);
  CHECK(instantsOf(store, "all") ==
        std::vector<std::int64_t>{start + 7 * minute, start + 8 * minute, start + 9 * minute, start + 10 * minute});
  CHECK(rowOf(store, "all").skipped == 6);
  // One after the other, since two of a schedule are not to run at once.
  const auto jobs = jobsOf(store, "all");
  CHECK(jobs[3].row.state == JobState::ready);
  for (int i = 0; i < 3; ++i) CHECK(jobs[i].row.waitingFor == WaitReason::dependency);
  for (int i = 0; i < 4; ++i) endAll(store, principal);
  for (const JobView& job : jobsOf(store, "all")) CHECK(job.row.state == JobState::done);
}

TEST_CASE("Another timing counts from now on, and no instant that has fired fires again") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  put(store, everyMinute());
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  endAll(store, principal);
  store.clock().advanceMicros(30 * second);
  // Ninety seconds past the start is the third half minute; the first two are over.
  Schedule halves = everyMinute();
  halves.spec = "every 30s";
  halves.timing = IntervalTiming{start, 30 * second, never};
  put(store, halves);
  CHECK(rowOf(store).next == start + 2 * minute);
  CHECK(fireDue(store, principal) == 0);
  // The same text is the same timing, whenever it is read.
  Schedule again = halves;
  again.timing = IntervalTiming{start + 7 * second, 30 * second, never};
  again.job.priority = 5;
  put(store, again);
  CHECK(rowOf(store).next == start + 2 * minute);
  CHECK(viewOf(store).settings.job.priority == 5);
  // Another job for the same timing moves nothing, not even what is due already.
  store.clock().advanceMicros(minute);
  again.job.priority = 6;
  put(store, again);
  CHECK(rowOf(store).next == start + 2 * minute);
  CHECK(rowOf(store).cursor == start + 90 * second);
  // No verb takes a cursor back within a generation.
  PutSchedule back = pauseOf(viewOf(store), false, now(store));
  back.cursor = start;
  CHECK(store.apply(back).verdict == Verdict::conflict);
}

TEST_CASE("A paused schedule fires nothing, and one that is resumed goes on from then") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  put(store, everyMinute());
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  PutSchedule stop = pauseOf(viewOf(store), true, now(store));
  stop.cancelsUnstarted = true;
  CHECK(store.apply(stop).verdict == Verdict::ok);
  CHECK(jobsOf(store)[0].row.outcome == JobOutcome::canceled);
  store.clock().advanceMicros(10 * minute);
  CHECK(fireDue(store, principal) == 0);
  CHECK(store.apply(pauseOf(viewOf(store), false, now(store))).verdict == Verdict::ok);
  CHECK(rowOf(store).next == start + 12 * minute);
  CHECK(rowOf(store).skipped == 0);
  // To resume what runs changes nothing.
  CHECK(store.apply(pauseOf(viewOf(store), false, now(store) + hour)).verdict == Verdict::ok);
  CHECK(rowOf(store).next == start + 12 * minute);
  // What has begun goes on when its schedule is stopped or deleted.
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  const auto running = store.apply(claimOf(principal)).jobs;
  REQUIRE(running.size() == 1);
  store.apply(DeleteSchedule{"tick", 0, true});
  CHECK_FALSE(store->schedule("tick"));
  CHECK(store.apply(Succeed{attemptOf(running[0].row), "1", {}}).verdict == Verdict::ok);
  CHECK(instantsOf(store).size() == 2);
}

TEST_CASE("A clock that is set back fires nothing twice, and a schedule that stands still begins anew when told to") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  put(store, everyMinute());
  store.clock().advanceMicros(3 * hour);
  fireDue(store, principal);
  endAll(store, principal);
  const auto fired = instantsOf(store);
  CHECK_FALSE(standsStill(rowOf(store), now(store)));
  store.clock().advanceMicros(-2 * hour);
  CHECK(fireDue(store, principal) == 0);
  CHECK(standsStill(rowOf(store), now(store)));
  CHECK(rowOf(store).next == start + 3 * hour + minute);
  // Neither an edit nor a pause brings the past back.
  Schedule edited = everyMinute();
  edited.spec = "every 1s";
  edited.timing = IntervalTiming{start, second, never};
  put(store, edited);
  CHECK(rowOf(store).next > start + 3 * hour);
  CHECK(store.apply(resetOf(viewOf(store), now(store))).verdict == Verdict::ok);
  CHECK_FALSE(standsStill(rowOf(store), now(store)));
  CHECK(rowOf(store).next == start + hour + second);
  store.clock().advanceMicros(second);
  fireDue(store, principal);
  CHECK(instantsOf(store).size() == fired.size() + 1);
}

TEST_CASE("The same instant fires again in a new generation, as another job") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  Schedule schedule = everyMinute();
  schedule.overlap = Overlap::allow;
  put(store, schedule);
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  store.clock().advanceMicros(-30 * second);
  CHECK(store.apply(resetOf(viewOf(store), now(store))).verdict == Verdict::ok);
  store.clock().advanceMicros(30 * second);
  fireDue(store, principal);
  CHECK(instantsOf(store) == std::vector<std::int64_t>{start + minute, start + minute});
}

TEST_CASE("A schedule is deleted at its end, a paused one too, after what was to fire before") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  for (const bool isPaused : {false, true}) {
    Schedule schedule = everyMinute(isPaused ? "paused" : "tick");
    schedule.timing = IntervalTiming{start, minute, start + 2 * minute};
    schedule.overlap = Overlap::allow;
    put(store, schedule, isPaused);
  }
  store.clock().advanceMicros(minute);
  CHECK(fireDue(store, principal) == 1);
  CHECK(store->schedules({}, 10).size() == 2);
  store.clock().advanceMicros(minute);
  CHECK(fireDue(store, principal) == 2);
  CHECK(store->schedules({}, 10).empty());
  CHECK(instantsOf(store) == std::vector<std::int64_t>{start + minute});
}

TEST_CASE("What fires once fires once, late too, and is still there") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  for (const std::int64_t at : {start, start + minute}) {
    Schedule schedule = everyMinute(at == start ? "now" : "later");
    schedule.timing = OnceTiming{at};
    schedule.spec = std::to_string(at);
    put(store, schedule);
  }
  CHECK(fireDue(store, principal) == 1);
  store.clock().advanceMicros(day);
  CHECK(fireDue(store, principal) == 1);
  for (const std::string name : {"now", "later"}) {
    CHECK(rowOf(store, name).fired == 1);
    CHECK(rowOf(store, name).next == never);
  }
  Schedule edited = viewOf(store, "now").settings;
  edited.job.priority = 3;
  put(store, edited);
  put(store, edited, true);
  put(store, edited);
  CHECK(fireDue(store, principal) == 0);
}

TEST_CASE("A job of a schedule that is run by hand is one of its jobs, and keeps others from overlapping") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  put(store, everyMinute(), true);
  const NewJob job = runOf(viewOf(store), now(store));
  store.add(job);
  CHECK(rowOf(store).open == std::vector<JobID>{job.id});
  CHECK(rowOf(store).fired == 0);
  CHECK(store.apply(pauseOf(viewOf(store), false, now(store))).verdict == Verdict::ok);
  store.clock().advanceMicros(minute);
  fireDue(store, principal);
  CHECK(rowOf(store).skips.at(0).because == job.id);
  // Done again, it is one of the schedule's jobs too; also where that is gone.
  endAll(store, principal);
  const auto view = store->find(job.id);
  const NewJob again = againOf(view->row, view->body);
  store.add(again);
  CHECK(rowOf(store).open == std::vector<JobID>{again.id});
  store.apply(DeleteSchedule{"tick"});
  endAll(store, principal);
  const auto done = store->find(again.id);
  store.add(againOf(done->row, done->body));
  CHECK(jobsOf(store).size() == 3);
}

TEST_CASE("The jobs of a schedule are listed the newest first, in pages, until retention takes them") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  put(store, everyMinute());
  put(store, everyMinute("tick.more"));
  for (int i = 0; i < 5; ++i) {
    store.clock().advanceMicros(minute);
    fireDue(store, principal);
    endAll(store, principal);
  }
  const auto first = store->occurrences("tick", {}, 2);
  REQUIRE(first.size() == 2);
  CHECK(store->find(first[0])->body.occurrence == start + 5 * minute);
  const auto rest = store->occurrences("tick", first[1], 100);
  REQUIRE(rest.size() == 3);
  CHECK(store->find(rest[2])->body.occurrence == start + minute);
  CHECK(store->occurrences("tick", rest[2], 100).empty());
  CHECK(store->occurrences("tic", {}, 100).empty());
  store.clock().advanceMicros(day);
  store.apply(Prune{hour, 0, 1000});
  CHECK(store->occurrences("tick", {}, 100).empty());
  fireDue(store, principal);
  CHECK(store->occurrences("tick", {}, 100).size() == 1);
}

TEST_CASE("Jitter has each job of a schedule begin later by chance, and by no more than it says") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  Schedule schedule = everyMinute();
  schedule.jitterMicros = 20 * second;
  schedule.overlap = Overlap::allow;
  schedule.policy.missed = MissedRuns::all;
  put(store, schedule);
  store.clock().advanceMicros(50 * minute);
  fireDue(store, principal);
  std::set<std::int64_t> delays;
  for (const JobView& job : jobsOf(store)) {
    const std::int64_t delay = jitterOf(job.row.id, schedule.jitterMicros);
    CHECK(delay >= 0);
    CHECK(delay <= 20 * second);
    delays.insert(delay);
    const bool isLater = job.body.occurrence + delay > now(store);
    CHECK(job.row.state == (isLater ? JobState::waiting : JobState::ready));
    if (isLater) CHECK(job.row.wakeAt == job.body.occurrence + delay);
  }
  CHECK(delays.size() == 50);
}

TEST_CASE("A schedule that cannot be is refused with a sentence, and nothing is stored") {
  ON_EVERY_STORE(store);
  const auto refused = [&](const std::function<void(Schedule&)>& spoil, const char* why) {
    Schedule schedule = everyMinute();
    spoil(schedule);
    PutSchedule verb = putOf({}, everyMinute(), false, start);
    verb.schedule = std::make_shared<const Schedule>(schedule);
    const auto answer = store.apply(verb);
    INFO(answer.why);
    CHECK(answer.verdict == Verdict::refused);
    CHECK(answer.why.find(why) != std::string::npos);
  };
  refused([](Schedule& one) { one.name = "a/b"; }, "'a/b' is not a schedule's name");
  refused([](Schedule& one) { one.name = ".."; }, "not starting with a dot");
  refused([](Schedule& one) { one.timing = IntervalTiming{start, 0, never}; }, "longer than nothing");
  refused([](Schedule& one) { one.timing = IntervalTiming{start, minute, start}; }, "ends before it begins");
  refused([](Schedule& one) { one.spec = std::string(10'000, 'x'); }, "the limit is 8192");
  refused([](Schedule& one) { one.policy.missedMax = 0; }, "made up for");
  refused([](Schedule& one) { one.policy.startDeadlineMicros = -1; }, "start deadline");
  refused([](Schedule& one) { one.jitterMicros = -1; }, "jitter");
  refused([](Schedule& one) { one.job.kind = "no kind"; }, "not a kind");
  refused([](Schedule& one) { one.job.body.key = "k"; }, "no key");
  refused([](Schedule& one) { one.job.body.after.push_back({makeJobID(), EndCondition::always}); }, "no prerequisite");
  refused([](Schedule& one) { one.job.body.parameters = std::string(limits::payloadBytesMax + 1, '1'); }, "payload");
  CHECK(store->schedules({}, 10).empty());
  CHECK(store.apply(PutSchedule{}).verdict == Verdict::refused);
  CHECK(store.apply(DeleteSchedule{"a b"}).verdict == Verdict::refused);
  Fire fire;
  fire.schedule = "tick";
  fire.instants = {2, 1};
  fire.cursor = 2;
  CHECK(store.apply(fire).verdict == Verdict::refused);
  fire.instants = {3};
  CHECK(store.apply(fire).verdict == Verdict::refused);
}
