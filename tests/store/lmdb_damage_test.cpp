// A row that cannot be read: it is set aside and listed, and everything else goes on.
#include <catch2/catch.hpp>

#include "tests/store/damaged.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

NewJob limitedJob() {
  NewJob job = newJob();
  job.body.attemptLimitMicros = second;
  return job;
}

}  // namespace

TEST_CASE("An unreadable ready job is set aside by the claim that meets it, and the others run") {
  Damaged damaged;
  const JobID bad = damaged.add(newJob(), damaged.left);
  const JobID good = damaged.add(newJob(), damaged.left);
  damaged.damage(bad, GENERATE(keys::JobPart::row, keys::JobPart::body));
  CHECK_THROWS_AS((void)damaged.fixture->find(bad), Error);
  auto answer = damaged.fixture->apply(claimOf(damaged.left));
  REQUIRE(answer.verdict == Verdict::ok);
  if (answer.jobs.empty()) {
    REQUIRE(answer.more);
    answer = damaged.fixture->apply(claimOf(damaged.left));
  }
  REQUIRE(answer.jobs.size() == 1);
  CHECK(answer.jobs[0].row.id == good);
  CHECK(damaged.fixture->apply(Succeed{attemptOf(answer.jobs[0].row), "1", {}}).verdict == Verdict::ok);
  CHECK(damaged.fixture->apply(claimOf(damaged.left)).jobs.empty());
  damaged.checkIsListed(bad);
}

TEST_CASE("An unreadable waiting job does not stop those behind it from becoming due") {
  Damaged damaged;
  NewJob later = newJob();
  later.delayMicros = second;
  const JobID bad = damaged.add(later, damaged.left);
  later.id = makeJobID();
  later.delayMicros = 2 * second;
  const JobID good = damaged.add(later, damaged.left);
  damaged.damage(bad, keys::JobPart::row);
  damaged.fixture.clock().advanceMicros(minute);
  const auto answer = damaged.fixture->apply(claimOf(damaged.left, 5));
  REQUIRE(answer.jobs.size() == 1);
  CHECK(answer.jobs[0].row.id == good);
  damaged.checkIsListed(bad);
}

TEST_CASE("An unreadable running job does not stop adoption or the sweep of deadlines") {
  Damaged damaged;
  const JobID bad = damaged.add(limitedJob(), damaged.left);
  const JobID good = damaged.add(limitedJob(), damaged.left);
  REQUIRE(damaged.fixture->apply(claimOf(damaged.left, 2)).jobs.size() == 2);
  damaged.damage(bad, keys::JobPart::row);
  const bool byDeath = GENERATE(true, false);
  if (byDeath) {
    REQUIRE(damaged.fixture->apply(CloseIncarnation{damaged.left, Closing::died, damaged.principal}).verdict ==
            Verdict::ok);
    const auto answer = damaged.fixture->apply(Adopt{damaged.left, damaged.principal, 10, 0});
    CHECK(answer.verdict == Verdict::ok);
    CHECK_FALSE(answer.more);
    CHECK(damaged.fixture->find(good)->row.state == JobState::ready);
  } else {
    damaged.fixture.clock().advanceMicros(minute);
    CHECK(damaged.fixture->apply(Expire{}).verdict == Verdict::ok);
    CHECK(damaged.fixture->find(good)->row.state == JobState::waiting);
    CHECK(damaged.fixture->apply(Expire{}).moved == 0);
  }
  damaged.checkIsListed(bad);
}

TEST_CASE("An attempt whose job's parameters became unreadable can still end") {
  Damaged damaged;
  const JobID id = damaged.add(newJob(), damaged.left);
  const auto claimed = damaged.fixture->apply(claimOf(damaged.left));
  REQUIRE(claimed.jobs.size() == 1);
  damaged.damage(id, keys::JobPart::body);
  Fail fail;
  fail.attempt = attemptOf(claimed.jobs[0].row);
  CHECK(damaged.fixture->apply(fail).verdict == Verdict::ok);
  damaged.checkIsListed(id);
}

TEST_CASE("An unreadable done job is kept, and retention goes on behind it") {
  Damaged damaged;
  const JobID bad = damaged.add(newJob(), damaged.left);
  const JobID good = damaged.add(newJob(), damaged.left);
  for (const JobID id : {bad, good}) REQUIRE(damaged.fixture->apply(Cancel{id, {}}).verdict == Verdict::ok);
  damaged.damage(bad, GENERATE(keys::JobPart::row, keys::JobPart::body));
  damaged.fixture.clock().advanceMicros(day);
  Prune prune;
  prune.maxAgeMicros = hour;
  CHECK(damaged.fixture->apply(prune).verdict == Verdict::ok);
  CHECK_FALSE(damaged.fixture->find(good));
  CHECK(damaged.fixture->apply(prune).verdict == Verdict::ok);
  damaged.checkIsListed(bad);
}

TEST_CASE("A job that cannot be read is discarded wherever it stands, with its places, key and count") {
  Damaged damaged;
  const auto part = GENERATE(keys::JobPart::row, keys::JobPart::body);
  const auto where = GENERATE(as<std::string>{}, "ready", "waiting", "running", "done", "set aside");
  if (where == "running" && part == keys::JobPart::body) return;  // that one must be canceled first
  CAPTURE(where, static_cast<int>(part));
  NewJob good = keyedJob("other", std::nullopt);
  good.delayMicros = 2 * hour;
  damaged.add(good, damaged.left);
  NewJob bad = keyedJob("key", std::nullopt);
  bad.id.value = Uuid::makeV4();  // with a place among the short ids
  bad.body.attemptLimitMicros = minute;
  if (where == "waiting") bad.delayMicros = hour;
  damaged.add(bad, damaged.left);
  if (where == "running") REQUIRE(damaged.fixture->apply(claimOf(damaged.left)).jobs.size() == 1);
  if (where == "done") REQUIRE(damaged.fixture->apply(Cancel{bad.id, {}}).verdict == Verdict::ok);
  damaged.damage(bad.id, part);
  if (where == "set aside") (void)damaged.fixture->apply(claimOf(damaged.left));
  const Totals before = damaged.fixture->totals();

  const auto records = damaged.fixture->records(bad.id);
  REQUIRE(records.size() == 2);
  CHECK(records[0].name == "row");
  CHECK(records[1].name == "body");
  CHECK(records[0].damage.empty() == (part != keys::JobPart::row));
  CHECK(records[1].damage.empty() == (part != keys::JobPart::body));

  CHECK(damaged.fixture->apply(Discard{bad.id}).verdict == Verdict::ok);
  CHECK(damaged.fixture->list({}, {}, 100).unreadable.empty());
  CHECK(damaged.fixture->records(bad.id).empty());
  CHECK_FALSE(damaged.fixture->findByKey("key"));
  CHECK(damaged.fixture->findByKey("other") == good.id);
  CHECK(damaged.fixture->totals().sequence == before.sequence);
  CHECK(damaged.fixture->totals().submitted == before.submitted);
  CHECK(damaged.fixture->apply(Discard{bad.id}).verdict == Verdict::notFound);
  const CheckReport report = damaged.fixture->check();
  for (const auto& problem : report.problems) UNSCOPED_INFO(problem);
  CHECK(report.isClean());
  damaged.add(keyedJob("key"), damaged.left);
}

TEST_CASE("A job is discarded for damage alone: not while it can run, and a done one for a damaged result") {
  Damaged damaged;
  const JobID id = damaged.add(newJob(), damaged.left);
  const auto claimed = damaged.fixture->apply(claimOf(damaged.left));
  REQUIRE(claimed.jobs.size() == 1);
  damaged.damage(id, keys::JobPart::body);
  CHECK(damaged.fixture->apply(Discard{id}).verdict == Verdict::illegal);
  const JobID other = damaged.add(newJob(), damaged.left);
  const auto next = damaged.fixture->apply(claimOf(damaged.left));
  REQUIRE(next.jobs.size() == 1);
  CHECK(damaged.fixture->apply(Succeed{attemptOf(next.jobs[0].row), "1", {}}).verdict == Verdict::ok);
  CHECK(damaged.fixture->apply(Discard{other}).verdict == Verdict::illegal);
  damaged.damage(other, keys::JobPart::result);
  CHECK(damaged.fixture->records(other).at(2).name == "result");
  CHECK(damaged.fixture->apply(Discard{other}).verdict == Verdict::ok);
  CHECK_FALSE(damaged.fixture->find(other));
  damaged.checkIsListed(id);
}

TEST_CASE("An open job with a damaged log is canceled before it is discarded") {
  Damaged damaged;
  const JobID id = damaged.add(newJob(), damaged.left);
  for (int i = 0; i < 3; ++i) {
    const auto claimed = damaged.fixture->apply(claimOf(damaged.left));
    REQUIRE(claimed.jobs.size() == 1);
    REQUIRE(damaged.fixture->apply(Unclaim{attemptOf(claimed.jobs[0].row), {}}).verdict == Verdict::ok);
  }
  damaged.damage("part", keys::logKey(id, 1));
  CHECK(damaged.fixture->records(id).at(3).name == "log entry 1");
  CHECK(damaged.fixture->apply(Discard{id}).verdict == Verdict::illegal);
  CHECK(damaged.fixture->apply(Cancel{id, {}}).verdict == Verdict::ok);
  CHECK(damaged.fixture->apply(Discard{id}).verdict == Verdict::ok);
  CHECK(damaged.fixture->check().isClean());
}

TEST_CASE("A verb for an unreadable job is answered corrupt with a sentence and its company goes on") {
  Damaged damaged;
  const JobID bad = damaged.add(newJob(), damaged.left);
  damaged.damage(bad, keys::JobPart::row);
  std::vector<Verb> verbs;
  const NewJob good = newJob();
  verbs.emplace_back(Cancel{bad, {}});
  verbs.emplace_back(submitOf({good}));
  const auto answers = damaged.fixture->applyAll(verbs);
  CHECK(baseOf(answers[0]).verdict == Verdict::corrupt);
  CHECK_THAT(baseOf(answers[0]).why, Catch::Contains("callsheet check"));
  CHECK(baseOf(answers[1]).verdict == Verdict::ok);
  CHECK(damaged.fixture->find(good.id));
}

TEST_CASE("A key whose job is unreadable still answers duplicate") {
  Damaged damaged;
  const JobID bad = damaged.add(keyedJob("key"), damaged.left);
  damaged.damage(bad, keys::JobPart::row);
  const auto answer = damaged.fixture->apply(submitOf({keyedJob("key"), newJob()}));
  REQUIRE(answer.jobs.size() == 2);
  CHECK(answer.jobs[0].verdict == Verdict::duplicate);
  CHECK(answer.jobs[0].id == bad);
  CHECK(answer.jobs[1].verdict == Verdict::ok);
}

TEST_CASE("Open jobs are counted where they stand, whatever else an order says and whichever row cannot be read") {
  Damaged damaged;
  damaged.add(newJob(), damaged.left);
  const JobID bad = damaged.add(newJob(), damaged.left);
  const auto claimed = damaged.fixture->apply(claimOf(damaged.left, 2));
  REQUIRE(claimed.jobs.size() == 2);
  damaged.add(newJob(), damaged.left);
  damaged.damage(bad, keys::JobPart::row);
  damaged.fixture.close();
  const AttachedKey stray{makeIncarnationID(), claimed.jobs[0].row.id};
  RawEnvironment(damaged.fixture.path()).put("index", keys::encode(stray).view(), "");
  damaged.fixture.open();
  CHECK(damaged.fixture->countByOwner() == CountsByOwner{{damaged.left, {0, 1, 1}}});
}

TEST_CASE("A place in an order that no row stands at is set aside instead of followed") {
  Damaged damaged;
  const JobID ready = damaged.add(newJob(), damaged.left);
  const JobRow row = damaged.fixture->find(ready)->row;
  damaged.fixture.close();
  {
    RawEnvironment raw(damaged.fixture.path());
    const auto index = keys::encode(WaitingKey{damaged.left, 1, ready});
    raw.put("index", index.view(), "");
    raw.put("index", keys::encode(DeadlineKey{Uuid::makeV4(), 1, makeJobID()}).view(), "");
  }
  damaged.fixture.open();
  CHECK_FALSE(damaged.fixture->check().isClean());
  CHECK(damaged.fixture->apply(Promote{damaged.left, 10}).verdict == Verdict::ok);
  CHECK(damaged.fixture->apply(Expire{}).verdict == Verdict::ok);
  CHECK(damaged.fixture->find(ready)->row == row);
  CHECK(damaged.fixture->apply(Promote{damaged.left, 10}).moved == 0);
  CHECK(damaged.fixture->apply(Expire{}).moved == 0);
}
