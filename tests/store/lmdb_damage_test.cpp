// A row that cannot be read: it is set aside and listed, and everything else goes on.
#include <catch2/catch.hpp>

#include "store/keys.h"
#include "tests/store/raw_environment.h"
#include "tests/support/steps.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

/// A store with two directors whose jobs' rows can be damaged behind its back.
struct Damaged {
  StoreFixture fixture;
  IncarnationID principal = makeIncarnationID();
  IncarnationID left = makeIncarnationID();

  Damaged() {
    REQUIRE(fixture->apply(RegisterIncarnation{principal, {}, Role::principal, {}, {"k"}}).verdict == Verdict::ok);
    REQUIRE(fixture->apply(RegisterIncarnation{left, "left", Role::assistant, {}, {"k"}}).verdict == Verdict::ok);
  }
  ~Damaged() { fixture.closeUnchecked(); }

  JobID add(const NewJob& job, IncarnationID sender) {
    REQUIRE(fixture->apply(submitOf({job}, sender)).verdict == Verdict::ok);
    return job.id;
  }
  void damageStep(JobID id, std::uint16_t number) { damage("part", keys::memoKey(id, fingerprint(number))); }
  void damage(const char* tree, const keys::Key& key) {
    fixture.close();
    RawEnvironment(fixture.path()).change(tree, key.view(), [](std::string& bytes) {
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x40);
    });
    fixture.open();
  }
  /// A running job with two steps.
  JobRow addWithSteps() {
    add(newJob(), left);
    const auto claimed = fixture->apply(claimOf(left));
    REQUIRE(claimed.jobs.size() == 1);
    const JobRow row = claimed.jobs[0].row;
    REQUIRE(fixture->apply(SaveResult{attemptOf(row), {stepOf(1, "10"), stepOf(2, "20")}}).verdict == Verdict::ok);
    return row;
  }
  void damage(JobID id, keys::JobPart part) {
    damage(part == keys::JobPart::row ? "job" : "part", keys::jobKey(id, part));
  }
  void checkIsListed(JobID id) {
    const JobPage page = fixture->list({}, {}, 100);
    CHECK(page.unreadable == std::vector{id});
    checkIsNamed(id);
  }
  void checkIsNamed(JobID id) {
    const CheckReport report = fixture->check();
    CHECK_FALSE(report.isClean());
    bool named = false;
    for (const auto& problem : report.problems) named = named || problem.find(id.toString()) != std::string::npos;
    CHECK(named);
    for (const auto& problem : report.problems) {
      INFO(problem);
      CHECK((problem.find(id.toString()) != std::string::npos || problem.find("totals") != std::string::npos));
    }
  }
};

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
