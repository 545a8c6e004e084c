// A record beside the jobs' own rows that cannot be read or is lost - of incarnations, totals, keys, steps, lanes,
// definitions, queues, dependencies: it is named, and stops nobody.
#include <algorithm>
#include <catch2/catch.hpp>

#include "core/schedule_changes.h"
#include "store/record.h"
#include "tests/store/damaged.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
void damageMeta(Damaged& damaged, std::string_view key) {
  damaged.fixture.close();
  RawEnvironment(damaged.fixture.path()).change("index", key, [](std::string& bytes) {
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
  });
  damaged.fixture.open();
}
}  // namespace

TEST_CASE("An incarnation whose record cannot be read counts as closed, stops nobody, and its jobs are adopted") {
  Damaged damaged;
  const JobID waits = damaged.add(newJob(), damaged.left);
  const auto claimed = damaged.fixture->apply(claimOf(damaged.left));
  REQUIRE(claimed.jobs.size() == 1);
  const JobID ready = damaged.add(newJob(), damaged.left);
  damageMeta(damaged, keys::incarnationKey(damaged.left).view());
  // Its own verbs are fenced, others' names and queues work.
  CHECK(damaged.fixture->apply(claimOf(damaged.left)).verdict == Verdict::fenced);
  CHECK(damaged.fixture->apply(Succeed{attemptOf(claimed.jobs[0].row), "1", {}}).verdict == Verdict::fenced);
  const IncarnationID other = makeIncarnationID();
  CHECK(damaged.fixture->apply(RegisterIncarnation{other, "other", Role::assistant, {}, {"k"}}).verdict == Verdict::ok);
  Submit toOther = submitOf({newJob()});
  toOther.ownerName = "other";
  CHECK(damaged.fixture->apply(toOther).verdict == Verdict::ok);
  CHECK(damaged.fixture->apply(Prune{1, 1, 1000}).verdict == Verdict::ok);
  const auto rows = damaged.fixture->incarnations();
  CHECK(std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.isUnreadable; }) == 1);
  CHECK_FALSE(damaged.fixture->check().isClean());
  const auto first = damaged.fixture->apply(Adopt{damaged.left, damaged.principal, 1, 0});
  CHECK(first.verdict == Verdict::ok);
  CHECK(first.more);
  CHECK_FALSE(damaged.fixture->apply(Adopt{damaged.left, damaged.principal, 10, 0}).more);
  for (const JobID id : {waits, ready}) {
    CHECK(damaged.fixture->find(id)->row.owner == principalOwner);
    CHECK(damaged.fixture->find(id)->row.state == JobState::ready);
    CHECK(damaged.fixture->find(id)->row.holderDeaths == 0);
  }
  CHECK(damaged.fixture->check().isClean());
}

TEST_CASE("Totals that cannot be read are counted anew by the next write") {
  Damaged damaged;
  damaged.add(newJob(), damaged.left);
  const JobID done = damaged.add(newJob(), damaged.left);
  REQUIRE(damaged.fixture->apply(Cancel{done, {}}).verdict == Verdict::ok);
  const Totals before = damaged.fixture->totals();
  damageMeta(damaged, keys::totalsKey());
  CHECK_FALSE(damaged.fixture->check().isClean());
  CHECK(damaged.fixture->totals().jobs() == before.jobs());
  damaged.add(newJob(), damaged.left);
  const Totals after = damaged.fixture->totals();
  CHECK(after.ready == before.ready + 1);
  CHECK(after.submitted == before.submitted + 1);
  CHECK(after.sequence > before.sequence);
  CHECK(damaged.fixture->check().isClean());
  CHECK(damaged.fixture->apply(claimOf(damaged.left, 5)).jobs.size() == 2);
}

TEST_CASE("A business key whose record cannot be read refuses its own submits and stops no retention") {
  Damaged damaged;
  const JobID keyed = damaged.add(keyedJob("key"), damaged.left);
  const JobID other = damaged.add(newJob(), damaged.left);
  for (const JobID id : {keyed, other}) REQUIRE(damaged.fixture->apply(Cancel{id, {}}).verdict == Verdict::ok);
  damageMeta(damaged, keys::businessKey("key").view());
  CHECK_FALSE(isAccepted(damaged.fixture->apply(submitOf({keyedJob("key")})).verdict));
  CHECK(isAccepted(damaged.fixture->apply(submitOf({keyedJob("another")})).verdict));
  damaged.fixture.clock().advanceMicros(day);
  CHECK(damaged.fixture->apply(Prune{hour, 0, 1000}).verdict == Verdict::ok);
  CHECK_FALSE(damaged.fixture->find(keyed));
  CHECK_FALSE(damaged.fixture->find(other));
}

TEST_CASE("A step that cannot be read is found by check, and whoever needs it is told") {
  Damaged damaged;
  const JobRow row = damaged.addWithSteps();
  damaged.damageStep(row.id, 1);
  damaged.checkIsNamed(row.id);
  CHECK_THROWS_AS((void)damaged.fixture->memo(row.id, fingerprint(1)), UnreadableRow);
  CHECK_THROWS_AS((void)damaged.fixture->memos(row.id, {}, 10), UnreadableRow);
  CHECK(damaged.fixture->memo(row.id, fingerprint(2))->value == "20");
  CHECK(damaged.fixture->find(row.id)->row.memoCount == 2);
  const auto answer = damaged.fixture->apply(SaveResult{attemptOf(row), {stepOf(3), stepOf(1)}});
  CHECK(answer.verdict == Verdict::corrupt);
  CHECK_THAT(answer.why, Catch::Contains(row.id.toString()) && Catch::Contains("step"));
  CHECK(damaged.fixture->apply(Suspend{attemptOf(row), {waitOf(3), waitOf(1)}}).verdict == Verdict::corrupt);
  CHECK(damaged.fixture->apply(completionOf(row.id, 1)).verdict == Verdict::corrupt);
  CHECK_FALSE(damaged.fixture->memo(row.id, fingerprint(3)));
  CHECK(damaged.fixture->apply(SaveResult{attemptOf(row), {stepOf(3)}}).verdict == Verdict::ok);
  // The job can end, the other values go, and retention takes what is left.
  CHECK(damaged.fixture->apply(Succeed{attemptOf(row), "1", {}}).verdict == Verdict::ok);
  CHECK(damaged.fixture->memo(row.id, fingerprint(2))->value.empty());
  damaged.checkIsNamed(row.id);
  damaged.fixture.clock().advanceMicros(day);
  CHECK(damaged.fixture->apply(Prune{hour, 0, 1000}).verdict == Verdict::ok);
  CHECK_FALSE(damaged.fixture->find(row.id));
  CHECK(damaged.fixture->check().isClean());
}

TEST_CASE("A job that does another one again begins without what cannot be read of it") {
  Damaged damaged;
  const JobRow row = damaged.addWithSteps();
  REQUIRE(damaged.fixture->apply(failOf(row, false)).state == JobState::done);
  const bool isWholeJob = GENERATE(true, false);
  if (isWholeJob)
    damaged.damage(row.id, keys::JobPart::row);
  else
    damaged.damageStep(row.id, 1);
  NewJob retry = newJob();
  retry.body.retryOf = row.id;
  damaged.add(retry, damaged.left);
  CHECK(damaged.fixture->find(retry.id)->row.memoCount == (isWholeJob ? 0 : 1));
  CHECK(damaged.fixture->memos(retry.id, {}, 10).size() == (isWholeJob ? 0 : 1));
  const auto claimed = damaged.fixture->apply(claimOf(damaged.left));
  REQUIRE(claimed.jobs.size() == 1);
  CHECK(damaged.fixture->apply(Succeed{attemptOf(claimed.jobs[0].row), "1", {}}).verdict == Verdict::ok);
  damaged.checkIsNamed(row.id);
}

TEST_CASE("A step that is lost, or belongs to no job, is found by check") {
  Damaged damaged;
  const JobRow row = damaged.addWithSteps();
  damaged.fixture.close();
  {
    RawEnvironment raw(damaged.fixture.path());
    if (GENERATE(true, false))
      raw.erase("part", keys::memoKey(row.id, fingerprint(2)).view());
    else
      raw.put("part", keys::memoKey(row.id, fingerprint(3)).view(), "");
  }
  damaged.fixture.open();
  damaged.checkIsNamed(row.id);
}

TEST_CASE("A lane whose record cannot be read is counted anew, and stops nobody") {
  Damaged damaged;
  Definition definition;
  definition.kind = "k";
  definition.concurrencyLimit = 2;
  definition.rate = {1, minute, 3};
  REQUIRE(damaged.fixture->apply(PutDefinitions{{definition}}).verdict == Verdict::ok);
  for (int i = 0; i < 4; ++i) damaged.add(newJob(), damaged.left);
  const auto running = damaged.fixture->apply(claimOf(damaged.left, 1)).jobs;
  REQUIRE(running.size() == 1);
  damageMeta(damaged, keys::laneKey("k", 1).view());
  damageMeta(damaged, keys::laneKey("k", 0).view());
  CHECK_FALSE(damaged.fixture->check().isClean());
  CHECK(damaged.fixture->apply(claimOf(damaged.left, 5)).jobs.size() == 1);  // one of two still runs
  CHECK(damaged.fixture->check().isClean());
  CHECK(damaged.fixture->apply(Succeed{attemptOf(running[0].row), {}, {}}).verdict == Verdict::ok);
  CHECK(damaged.fixture->apply(claimOf(damaged.left, 5)).jobs.size() == 1);
}

TEST_CASE("A definition whose record cannot be read limits nothing, is named by check and can be put again") {
  Damaged damaged;
  Definition definition;
  definition.kind = "k";
  definition.concurrencyLimit = 1;
  REQUIRE(damaged.fixture->apply(PutDefinitions{{definition}}).verdict == Verdict::ok);
  for (int i = 0; i < 3; ++i) damaged.add(newJob(), damaged.left);
  damageMeta(damaged, keys::definitionKey("k").view());
  CHECK_FALSE(damaged.fixture->check().isClean());
  CHECK_FALSE(damaged.fixture->definition("k"));
  CHECK(damaged.fixture->definitions().empty());
  CHECK(damaged.fixture->apply(claimOf(damaged.left, 1)).jobs.size() == 1);
  auto answer = damaged.fixture->apply(PutDefinitions{{definition}});
  CHECK(answer.verdict == Verdict::ok);
  CHECK(damaged.fixture->apply(claimOf(damaged.left, 5)).jobs.empty());
  CHECK(damaged.fixture->check().isClean());
}

TEST_CASE("A queue whose record cannot be read limits nothing, is named by check and can be set again") {
  Damaged damaged;
  REQUIRE(damaged.fixture->apply(SetQueue{"default", 1, {}, true}).verdict == Verdict::ok);
  for (int i = 0; i < 3; ++i) damaged.add(newJob(), damaged.left);
  damageMeta(damaged, keys::queueKey("default").view());
  CHECK_FALSE(damaged.fixture->check().isClean());
  CHECK_FALSE(damaged.fixture->queue("default"));
  CHECK(damaged.fixture->apply(claimOf(damaged.left, 2)).jobs.size() == 2);
  CHECK(damaged.fixture->apply(SetQueue{"default", 2, {}, false}).verdict == Verdict::ok);
  CHECK(damaged.fixture->queue("default")->running == 2);
  CHECK(damaged.fixture->apply(claimOf(damaged.left, 5)).jobs.empty());
  CHECK(damaged.fixture->check().isClean());
}

TEST_CASE("A schedule that cannot be read is named by check, stops no other and can be removed") {
  const bool isOfSettings = GENERATE(true, false);
  INFO("what is damaged is what was set: " << isOfSettings);
  Damaged damaged;
  const std::int64_t now = damaged.fixture.clock().now().utcMicros;
  for (const char* name : {"bad", "good"}) {
    Schedule schedule;
    schedule.name = name;
    schedule.timing = IntervalTiming{now, minute, never};
    schedule.job = newJob();
    schedule.job.id = {};
    REQUIRE(damaged.fixture->apply(putOf({}, schedule, false, now)).verdict == Verdict::ok);
  }
  damaged.damage("index", isOfSettings ? keys::scheduleSettingsKey("bad") : keys::scheduleKey("bad"));
  const auto report = damaged.fixture->check();
  CHECK(std::any_of(report.problems.begin(), report.problems.end(),
                    [](const std::string& problem) { return problem.find("schedule 'bad'") != std::string::npos; }));
  const auto all = damaged.fixture->schedules({}, 10);
  REQUIRE(all.size() == 1);
  CHECK(all[0].row.name == "good");
  // Nor does it take a place: a page that is not full is the last one.
  const auto page = damaged.fixture->schedules({}, 1);
  REQUIRE(page.size() == 1);
  CHECK(page[0].row.name == "good");
  const auto due = damaged.fixture->dueSchedules(now + minute, 10);
  CHECK(due.unreadable == std::vector<std::string>{"bad"});
  REQUIRE(due.schedules.size() == 1);
  const auto verb = dueVerbOf(due.schedules[0], damaged.principal, now + minute, 10);
  CHECK(damaged.fixture->apply(std::get<Fire>(*verb)).verdict == Verdict::ok);
  CHECK_THROWS_AS(damaged.fixture->schedule("bad"), Error);
  CHECK(damaged.fixture->apply(DeleteSchedule{"bad"}).verdict == Verdict::ok);
  CHECK(damaged.fixture->check().isClean());
}

TEST_CASE(
    "A schedule that stands at another time than its own, and a job that is not listed as its, are found by check") {
  Damaged damaged;
  const std::int64_t now = damaged.fixture.clock().now().utcMicros;
  Schedule schedule;
  schedule.name = "tick";
  schedule.timing = IntervalTiming{now, minute, never};
  schedule.job = newJob();
  schedule.job.id = {};
  REQUIRE(damaged.fixture->apply(putOf({}, schedule, false, now)).verdict == Verdict::ok);
  const JobID job = damaged.add(runOf(*damaged.fixture->schedule("tick"), now), {});
  damaged.fixture.close();
  {
    RawEnvironment raw(damaged.fixture.path());
    raw.erase("index", keys::encode(DueKey{now + minute, "tick"}).view());
    raw.put("index", keys::encode(DueKey{now + hour, "tick"}).view(), {});
    raw.erase("index", keys::encode(OccurrenceKey{"tick", job}).view());
  }
  damaged.fixture.open();
  const auto report = damaged.fixture->check();
  const auto names = [&](const std::string& text) {
    return std::any_of(report.problems.begin(), report.problems.end(),
                       [&](const std::string& problem) { return problem.find(text) != std::string::npos; });
  };
  CHECK(names("schedule tick: not in the order of what is due"));
  CHECK(names("job " + job.toString() + ": not in the order 'o'"));
}

TEST_CASE("A queue that counts wrongly is found by check") {
  Damaged damaged;
  REQUIRE(damaged.fixture->apply(SetQueue{"default", 1, {}, true}).verdict == Verdict::ok);
  damaged.add(newJob(), damaged.left);
  damaged.fixture.close();
  {
    RawEnvironment raw(damaged.fixture.path());
    const auto key = keys::queueKey("default");
    std::string bytes;
    encodeRecord(RecordType::queue, key.view(), QueueRow{"default", 1, false, 1}, bytes);
    raw.put("index", key.view(), bytes);
  }
  damaged.fixture.open();
  const auto problems = damaged.fixture->check().problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("queue default") != std::string::npos);
}

namespace {
NewJob jobAfter(JobID first, EndCondition condition = EndCondition::success) {
  NewJob job = newJob();
  job.body.after = {{first, condition}};
  return job;
}
}  // namespace

TEST_CASE("Check finds jobs that nothing will tell of an end, and an end of which nobody was told") {
  Damaged damaged;
  const JobID first = damaged.add(newJob(), damaged.left);
  const JobID second = damaged.add(jobAfter(first), damaged.left);
  const auto open = keys::encode(DependencyKey{DependencyKey::Stage::open, first, second});
  damaged.fixture.close();
  RawEnvironment(damaged.fixture.path()).erase("index", open.view());
  damaged.fixture.open();
  const auto problems = damaged.fixture->check().problems;
  CHECK(std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
    return problem.find(second.toString() + ": nothing will tell it") != std::string::npos;
  }));
  REQUIRE(damaged.fixture->apply(Cancel{first, {}}).verdict == Verdict::ok);
  CHECK(damaged.fixture->find(second)->row.state == JobState::waiting);
  damaged.fixture.close();
  RawEnvironment(damaged.fixture.path()).put("index", open.view(), "");
  damaged.fixture.open();
  damaged.checkIsNamed(first);
}

TEST_CASE("What runs after a job that had to be discarded begins if any end will do, and else never") {
  Damaged damaged;
  const JobID first = damaged.add(newJob(), damaged.left);
  const JobID strict = damaged.add(jobAfter(first), damaged.left);
  const JobID anyway = damaged.add(jobAfter(first, EndCondition::always), damaged.left);
  damaged.damage(first, GENERATE(keys::JobPart::row, keys::JobPart::body));
  REQUIRE(damaged.fixture->apply(Discard{first}).verdict == Verdict::ok);
  CHECK(damaged.fixture->find(strict)->row.outcome == JobOutcome::canceled);
  CHECK(damaged.fixture->readLog(strict, 0, 10).back().note.find("is gone") != std::string::npos);
  CHECK(damaged.fixture->find(anyway)->row.state == JobState::ready);
  CHECK(damaged.fixture->check().isClean());
}

TEST_CASE("A job that cannot be read and was to run after another keeps nobody from running, and can be discarded") {
  Damaged damaged;
  const JobID first = damaged.add(newJob(), damaged.left);
  const JobID bad = damaged.add(jobAfter(first), damaged.left);
  const JobID good = damaged.add(jobAfter(first), damaged.left);
  const bool endsFirst = GENERATE(true, false);
  damaged.damage(bad, GENERATE(keys::JobPart::row, keys::JobPart::body));
  const auto end = [&] {
    const auto claimed = damaged.fixture->apply(claimOf(damaged.left));
    REQUIRE(claimed.jobs.size() == 1);
    REQUIRE(claimed.jobs[0].row.id == first);
    CHECK(damaged.fixture->apply(Succeed{attemptOf(claimed.jobs[0].row), "1", {}}).verdict == Verdict::ok);
    CHECK(damaged.fixture->find(good)->row.state == JobState::ready);
  };
  if (endsFirst) end();
  damaged.checkIsNamed(bad);
  CHECK(damaged.fixture->apply(Discard{bad}).verdict == Verdict::ok);
  if (!endsFirst) end();
  CHECK(damaged.fixture->check().isClean());
}
