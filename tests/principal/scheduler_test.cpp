// The principal's clockwork over a store in memory, under a clock that the test moves, and once under the machine's.
#include "principal/scheduler.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "callsheet/limits.h"
#include "core/schedule_changes.h"
#include "store/memory_job_store.h"
#include "tests/support/log_keeper.h"
#include "tests/support/lossy_store.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

constexpr std::int64_t start = 1'750'000'000 * second;

/// May be moved while others read it.
class SharedClock final : public Clock {
 public:
  [[nodiscard]] Moment now() const override {
    Moment moment;
    moment.utcMicros = utcMicros;
    moment.bootNanos = bootNanos;
    moment.bootID.bytes[0] = 1;
    return moment;
  }
  void advance(std::int64_t micros) {
    utcMicros += micros;
    bootNanos += micros * 1000;
  }
  /// Sets the wall clock alone.
  void setBy(std::int64_t micros) { utcMicros += micros; }

 private:
  std::atomic<std::int64_t> utcMicros{start};
  std::atomic<std::int64_t> bootNanos{5'000'000'000'000};
};

Schedule scheduleOf(std::string name, Timing timing) {
  Schedule schedule;
  schedule.name = std::move(name);
  schedule.timing = std::move(timing);
  schedule.job = newJob();
  schedule.job.id = {};
  schedule.overlap = Overlap::allow;
  return schedule;
}

/// A store with a principal's scheduler on a loop of its own.
class Stage {
 public:
  explicit Stage(const Clock& clock, bool isLossy = false)
      : clock_(clock), inner_(makeMemoryJobStore(clock)), lossy_(*inner_, 3), isLossy_(isLossy) {
    RegisterIncarnation verb;
    verb.id = principal_;
    verb.role = Role::principal;
    CHECK(inner_->apply(verb).verdict == Verdict::ok);
    loop_.start();
  }
  ~Stage() {
    stop();
    loop_.stop();
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  JobStore& store() { return *inner_; }
  LogKeeper& log() { return log_; }
  void put(const Schedule& schedule, std::int64_t now) {
    REQUIRE(inner_->apply(putOf(inner_->schedule(schedule.name), schedule, false, now)).verdict == Verdict::ok);
  }
  void begin() {
    scheduler_ = std::make_unique<Scheduler>(isLossy_ ? static_cast<JobStore&>(lossy_) : *inner_, loop_, clock_,
                                             principal_, log_.sink());
    scheduler_->begin();
  }
  void stop() { scheduler_.reset(); }
  void look() {
    loop_.run([this] { scheduler_->look(); });
  }
  void tick() {
    loop_.run([this] { scheduler_->tick(); });
  }
  std::size_t jobsOf(const std::string& name) { return inner_->occurrences(name, {}, 1'000'000).size(); }
  std::uint64_t jobs() { return inner_->totals().jobs(); }

 private:
  const Clock& clock_;
  std::unique_ptr<JobStore> inner_;
  LossyStore lossy_;
  const bool isLossy_;
  LogKeeper log_;
  EventLoop loop_;
  const IncarnationID principal_ = makeIncarnationID();
  std::unique_ptr<Scheduler> scheduler_;
};

}  // namespace

TEST_CASE("What is due fires when the principal begins and at each look, each instant once") {
  SharedClock clock;
  Stage stage(clock);
  stage.put(scheduleOf("minutes", IntervalTiming{start, minute, never}), start);
  stage.put(scheduleOf("ended", IntervalTiming{start, minute, start + 90 * second}), start);
  clock.advance(minute);
  stage.begin();
  CHECK(waitFor([&] { return stage.jobs() == 2; }));
  for (int i = 0; i < 5; ++i) stage.look();
  clock.advance(minute);
  stage.look();
  CHECK(waitFor([&] { return stage.jobs() == 3 && !stage.store().schedule("ended"); }));
  stage.tick();
  CHECK(stage.jobsOf("minutes") == 2);
  CHECK(stage.jobsOf("ended") == 1);
  stage.stop();
  clock.advance(minute);
  CHECK(stage.jobs() == 3);
}

TEST_CASE("Of answers that are lost no firing is lost and none comes twice") {
  SharedClock clock;
  Stage stage(clock, true);
  for (int i = 0; i < 20; ++i)
    stage.put(scheduleOf("s" + std::to_string(i), IntervalTiming{start, minute, never}), start);
  stage.begin();
  for (std::uint64_t round = 1; round <= 30; ++round) {
    clock.advance(minute);
    CHECK(waitFor([&] {
      stage.tick();
      return stage.jobs() == 20 * round;
    }));
  }
  for (int i = 0; i < 20; ++i) CHECK(stage.jobsOf("s" + std::to_string(i)) == 30);
}

TEST_CASE("Ten thousand schedules that are due at once fire once each") {
  SharedClock clock;
  Stage stage(clock);
  constexpr std::size_t count = 10'000;
  for (std::size_t i = 0; i < count; ++i)
    stage.put(scheduleOf("s" + std::to_string(i), OnceTiming{start + minute}), start);
  stage.begin();
  clock.advance(minute);
  stage.look();
  CHECK(waitFor([&] { return stage.jobs() == count; }, std::chrono::seconds{60}));
  stage.tick();
  CHECK(stage.jobs() == count);
  const auto due = stage.store().dueSchedules(never - 1, 10);
  CHECK(due.schedules.empty());
}

TEST_CASE("A schedule whose firings were planned by other rules of its zone is planned again at the next start") {
  SharedClock clock;
  Stage stage(clock);
  PutSchedule put = putOf({}, scheduleOf("minutes", IntervalTiming{start, minute, never}), false, start);
  put.next = start + day;
  REQUIRE(stage.store().apply(put).verdict == Verdict::ok);
  stage.begin();
  stage.tick();
  CHECK(waitFor([&] { return stage.store().schedule("minutes")->row.next == start + minute; }));
  CHECK(stage.jobs() == 0);
}

TEST_CASE(
    "Schedules that stand still since the clock was set back are named in the log, at once and at the next start") {
  SharedClock clock;
  Stage stage(clock);
  for (int i = 0; i < 7; ++i)
    stage.put(scheduleOf("s" + std::to_string(i), IntervalTiming{start, minute, never}), start);
  clock.advance(5 * hour + 30 * second);
  stage.begin();
  CHECK(waitFor([&] { return stage.jobs() == 7; }));
  stage.tick();
  clock.setBy(-30 * minute);
  stage.tick();
  CHECK(stage.log().count("stand still") == 0);
  clock.setBy(30 * minute);
  stage.tick();
  clock.setBy(-3 * hour);
  stage.tick();
  CHECK(stage.log().count("since the clock was set back: s0, s1, s2, s3, s4 and 2 more; `callsheet schedule reset") ==
        1);
  stage.tick();
  CHECK(stage.log().count("stand still") == 1);
  stage.stop();
  stage.begin();
  CHECK(stage.log().count("stand still") == 2);
  CHECK(stage.jobs() == 7);
  REQUIRE(stage.store().apply(resetOf(*stage.store().schedule("s0"), clock.now().utcMicros)).verdict == Verdict::ok);
  clock.advance(minute);
  stage.look();
  CHECK(waitFor([&] { return stage.jobs() == 8; }));
}

TEST_CASE("By the machine's clock each firing comes at its time, and a change of what is due is heard") {
  const SystemClock clock;
  Stage stage(clock);
  stage.begin();
  const std::int64_t begin = clock.now().utcMicros;
  constexpr std::int64_t tenth = second / 10;
  stage.put(scheduleOf("tenths", IntervalTiming{begin, tenth, never}), begin);
  stage.look();  // as the bell of the commit has it do
  CHECK(waitFor([&] { return stage.jobsOf("tenths") >= 10; }));
  std::set<std::int64_t> instants;
  std::int64_t latest = 0;
  for (const JobID id : stage.store().occurrences("tenths", {}, 100)) {
    const auto job = stage.store().find(id);
    REQUIRE(job);
    CHECK((job->body.occurrence - begin) % tenth == 0);
    CHECK(job->row.createdAt >= job->body.occurrence);
    CHECK(instants.insert(job->body.occurrence).second);
    latest = std::max(latest, job->row.createdAt - job->body.occurrence);
  }
  CHECK(*instants.begin() == begin + tenth);
  WARN("the latest was " << latest << " us late");
}
