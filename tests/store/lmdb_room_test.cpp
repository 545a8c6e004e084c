// A store that is full, and groups of verbs of which one is refused.
#include <catch2/catch.hpp>

#include "tests/support/steps.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::vector<JobID> fill(StoreFixture& fixture, std::size_t payloadBytes, std::size_t batch) {
  std::vector<JobID> ids;
  for (;;) {
    std::vector<NewJob> jobs;
    for (std::size_t i = 0; i < batch; ++i) {
      jobs.push_back(newJob());
      jobs.back().body.parameters.assign(payloadBytes, 'x');
    }
    const auto answer = fixture->apply(submitOf(jobs));
    if (answer.verdict != Verdict::ok) {
      CHECK(answer.verdict == Verdict::storeFull);
      CHECK(answer.why.size() > 20);
      CHECK_FALSE(fixture->find(jobs[0].id));
      if (batch == 1) return ids;
      batch = 1;
      payloadBytes = 2;
      continue;
    }
    for (const auto& job : jobs) ids.push_back(job.id);
  }
}
}  // namespace

TEST_CASE("A full store refuses new jobs while all that is there can be run, canceled and pruned") {
  StoreFixture fixture(GENERATE(as<std::size_t>{}, 1, 2) * mebibyte, StoreFixture::Place::memory);
  const IncarnationID principal = makeIncarnationID();
  REQUIRE(fixture->apply(RegisterIncarnation{principal, {}, Role::principal, {}, {"k"}}).verdict == Verdict::ok);
  NewJob first = newJob();
  REQUIRE(fixture->apply(submitOf({first})).verdict == Verdict::ok);
  const auto ids = fill(fixture, GENERATE(as<std::size_t>{}, 2, 3000, 50'000), GENERATE(as<std::size_t>{}, 1, 10));
  CHECK(ids.size() > 10);
  // A repeat of what was accepted before is no new job.
  CHECK(fixture->apply(submitOf({first})).jobs.at(0).verdict == Verdict::alreadyApplied);
  // Some are run, the others canceled; then all are forgotten.
  const auto claimed = fixture->apply(claimOf(principal, 10));
  REQUIRE(claimed.jobs.size() == 10);
  for (const auto& item : claimed.jobs)
    CHECK(fixture->apply(Succeed{attemptOf(item.row), "1", {}}).verdict == Verdict::ok);
  std::size_t refused = 0;
  std::vector<Verb> verbs;
  for (const JobID id : ids) {
    verbs.emplace_back(Cancel{id, "no room"});
    if (verbs.size() < 20 && id != ids.back()) continue;
    for (const auto& answer : fixture->applyAll(std::move(verbs)))
      if (baseOf(answer).verdict == Verdict::storeFull) ++refused;
    verbs.clear();
  }
  CHECK(refused == 0);
  fixture.clock().advanceMicros(2 * hour);
  Prune prune;
  prune.maxAgeMicros = second;
  prune.limit = 100;
  std::uint64_t pruned = 0;
  for (bool more = true; more;) {
    const auto answer = fixture->apply(prune);
    REQUIRE(answer.verdict == Verdict::ok);
    pruned += answer.moved;
    more = answer.more;
  }
  CHECK(pruned == ids.size() + 1);
  CHECK(fixture->totals().jobs() == 0);
  // And now there is room again, as much as before.
  CHECK(fill(fixture, 2, 1).size() > ids.size() / 4);
}

TEST_CASE("A store that is full of jobs still takes what their steps leave, and full of that it still ends them") {
  StoreFixture fixture(2 * mebibyte, StoreFixture::Place::memory);
  const IncarnationID principal = makeIncarnationID();
  REQUIRE(fixture->apply(RegisterIncarnation{principal, {}, Role::principal, {}, {"k"}}).verdict == Verdict::ok);
  const auto ids = fill(fixture, 3000, 10);
  const auto claimed = fixture->apply(claimOf(principal, 3));
  REQUIRE(claimed.jobs.size() == 3);
  const JobRow row = claimed.jobs[0].row;
  const JobRow sleeper = claimed.jobs[1].row;
  const JobRow other = claimed.jobs[2].row;
  // What is there may go on: it saves, sleeps and is woken.
  REQUIRE(fixture->apply(SaveResult{attemptOf(row), {stepOf(1)}}).verdict == Verdict::ok);
  const Suspend suspend{attemptOf(sleeper), {waitOf(1)}};
  REQUIRE(fixture->apply(suspend).state == JobState::waiting);
  REQUIRE(fixture->apply(completionOf(other.id, 1)).verdict == Verdict::ok);
  std::uint16_t number = 2;
  for (std::size_t bytes : {10'000, 10}) {
    AttemptAnswer answer;
    do answer = fixture->apply(SaveResult{attemptOf(row), {stepOf(number++, std::string(bytes, 'x'))}});
    while (answer.verdict == Verdict::ok);
    CHECK(answer.verdict == Verdict::storeFull);
    CHECK_THAT(answer.why, Catch::Contains("steps") && Catch::Contains("prune"));
    CHECK(answer.why.size() > 20);
    CHECK_FALSE(fixture->memo(row.id, fingerprint(static_cast<std::uint16_t>(number - 1))));
  }
  CHECK(number > 10);
  // Full, even of that: nothing new is remembered, and repeats are repeats.
  CHECK(fixture->apply(completionOf(other.id, 2)).verdict == Verdict::storeFull);
  CHECK(fixture->apply(completionOf(sleeper.id, 1)).verdict == Verdict::storeFull);
  CHECK(fixture->apply(Suspend{attemptOf(other), {waitOf(2)}}).verdict == Verdict::storeFull);
  CHECK(fixture->find(other.id)->row.state == JobState::inProgress);
  CHECK(fixture->apply(SaveResult{attemptOf(row), {stepOf(1)}}).verdict == Verdict::alreadyApplied);
  CHECK(fixture->apply(suspend).verdict == Verdict::alreadyApplied);
  CHECK(fixture->apply(completionOf(other.id, 1)).verdict == Verdict::alreadyApplied);
  // An attempt may be suspended for what is known, or ends in any other way.
  CHECK(fixture->apply(Suspend{attemptOf(other), {waitOf(1)}}).state == JobState::ready);
  CHECK(fixture->apply(Succeed{attemptOf(row), "1", {}}).state == JobState::done);
  for (const JobID id : ids)
    if (id != row.id) CHECK(fixture->apply(Cancel{id, "no room"}).verdict == Verdict::ok);
  fixture.clock().advanceMicros(2 * hour);
  CHECK(fixture->apply(Prune{second, 0, 1000}).verdict == Verdict::ok);
  CHECK(fixture->totals().jobs() == 0);
}

TEST_CASE("Steps that a job takes over need room as it does") {
  StoreFixture fixture(2 * mebibyte, StoreFixture::Place::memory);
  const IncarnationID principal = makeIncarnationID();
  REQUIRE(fixture->apply(RegisterIncarnation{principal, {}, Role::principal, {}, {"k"}}).verdict == Verdict::ok);
  NewJob job = newJob();
  REQUIRE(fixture->apply(submitOf({job})).verdict == Verdict::ok);
  const auto claimed = fixture->apply(claimOf(principal));
  REQUIRE(claimed.jobs.size() == 1);
  const AttemptRef attempt = attemptOf(claimed.jobs[0].row);
  for (std::uint16_t number = 1; number <= 4; ++number)
    REQUIRE(fixture->apply(SaveResult{attempt, {stepOf(number, std::string(200'000, 'x'))}}).verdict == Verdict::ok);
  REQUIRE(fixture->apply(failOf(claimed.jobs[0].row, false)).state == JobState::done);
  NewJob retry = newJob();
  retry.body.retryOf = job.id;
  CHECK(fixture->apply(submitOf({retry})).verdict == Verdict::storeFull);
  CHECK_FALSE(fixture->find(retry.id));
  retry.body.retryOf = {};
  CHECK(fixture->apply(submitOf({retry})).verdict == Verdict::ok);
}

TEST_CASE("Of ten verbs in a commit only the one that the validator refuses fails") {
  StoreFixture fixture;
  std::vector<Verb> verbs;
  std::vector<JobID> ids;
  for (int i = 0; i < 10; ++i) {
    NewJob job = newJob();
    if (i == 4) job.kind = "not a kind";
    ids.push_back(job.id);
    verbs.emplace_back(submitOf({job}));
  }
  const auto before = fixture->sequence();
  const auto answers = fixture->applyAll(verbs);
  CHECK(fixture->sequence() == before + 1);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(baseOf(answers[i]).verdict == (i == 4 ? Verdict::refused : Verdict::ok));
    CHECK(fixture->find(ids[i]).has_value() == (i != 4));
  }
}

TEST_CASE("Of ten verbs in a commit only the one that the store has no room for fails") {
  StoreFixture fixture(2 * mebibyte, StoreFixture::Place::memory);
  const IncarnationID principal = makeIncarnationID();
  REQUIRE(fixture->apply(RegisterIncarnation{principal, {}, Role::principal, {}, {"k"}}).verdict == Verdict::ok);
  std::vector<NewJob> jobs;
  for (int i = 0; i < 10; ++i) jobs.push_back(newJob());
  REQUIRE(fixture->apply(submitOf(jobs)).verdict == Verdict::ok);
  const auto claimed = fixture->apply(claimOf(principal, 10));
  REQUIRE(claimed.jobs.size() == 10);
  // Two results of a mebibyte do not fit into the map, so the whole transaction is refused by LMDB itself.
  std::vector<Verb> verbs;
  const std::string big(mebibyte, 'x');
  for (std::size_t i = 0; i < 10; ++i)
    verbs.emplace_back(Succeed{attemptOf(claimed.jobs[i].row), i == 3 || i == 7 ? big : "1", {}});
  const auto answers = fixture->applyAll(verbs);
  for (std::size_t i = 0; i < 10; ++i) {
    INFO(i);
    const JobState expected = i == 7 ? JobState::inProgress : JobState::done;
    CHECK(baseOf(answers[i]).verdict == (i == 7 ? Verdict::storeFull : Verdict::ok));
    CHECK(fixture->find(claimed.jobs[i].row.id)->row.state == expected);
  }
  CHECK_THAT(baseOf(answers[7]).why, Catch::Contains("prune"));
  // The attempt goes on and ends with less.
  CHECK(fixture->apply(Succeed{attemptOf(claimed.jobs[7].row), "1", {}}).verdict == Verdict::ok);
}

TEST_CASE("Of ten submits in a commit only the one that is too large for the store fails") {
  StoreFixture fixture(2 * mebibyte, StoreFixture::Place::memory);
  std::vector<Verb> verbs;
  for (int i = 0; i < 10; ++i) {
    NewJob job = newJob();
    if (i == 5) job.body.parameters.assign(mebibyte, 'x');
    verbs.emplace_back(submitOf({job}));
  }
  const auto answers = fixture->applyAll(verbs);
  for (std::size_t i = 0; i < 10; ++i) CHECK(baseOf(answers[i]).verdict == (i == 5 ? Verdict::storeFull : Verdict::ok));
  CHECK(fixture->totals().submitted == 9);
}
