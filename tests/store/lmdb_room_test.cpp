// A store that is full, and groups of verbs of which one is refused.
#include <catch2/catch.hpp>

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
