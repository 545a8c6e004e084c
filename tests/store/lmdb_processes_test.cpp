// Several processes on one store: writers beside each other, stopped and killed ones, readers, backups.
#include <signal.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/store/raw_environment.h"
#include "tests/support/process_role.h"
#include "tests/support/store_fixture.h"
#include "tests/support/wait_for.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

/// Submits jobs one by one, runs them itself, and says how many of them it finished.
const RoleRegistration submitsAndRuns("submits-and-runs", [](RoleChannel& channel) {
  const auto store = LmdbJobStore::open(channel.argument("store"), {});
  const IncarnationID me = makeIncarnationID();
  if (store->apply(RegisterIncarnation{me, channel.argument("name"), Role::assistant, {}, {"k"}}).verdict !=
      Verdict::ok)
    return 3;
  channel.say("ready");
  (void)channel.readLine();
  const int jobs = std::stoi(channel.argument("jobs"));
  int done = 0;
  std::vector<Verb> verbs;
  for (int i = 0; i < jobs; ++i) {
    verbs.emplace_back(submitOf({newJob()}, me));
    if (verbs.size() < 10) continue;
    verbs.emplace_back(claimOf(me, 10));
    const auto answers = store->applyAll(std::move(verbs));
    verbs.clear();
    const auto& claimed = std::get<Claim::Answer>(answers.back());
    for (const auto& item : claimed.jobs) verbs.emplace_back(Succeed{attemptOf(item.row), "1", {}});
    for (const auto& answer : store->applyAll(std::move(verbs)))
      if (baseOf(answer).verdict == Verdict::ok) ++done;
    verbs.clear();
  }
  channel.say("done " + std::to_string(done));
  return 0;
});

/// Begins a write transaction of LMDB's own and stays in it.
const RoleRegistration holdsWriteLock("holds-write-lock", [](RoleChannel& channel) {
  RawEnvironment raw(channel.argument("store"));
  MDB_txn* txn = raw.begin();
  channel.say("writing");
  (void)channel.readLine();
  mdb_txn_abort(txn);
  return 0;
});

const RoleRegistration holdsSnapshot("holds-snapshot", [](RoleChannel& channel) {
  RawEnvironment raw(channel.argument("store"));
  MDB_txn* txn = raw.begin(MDB_RDONLY);
  channel.say("reading");
  (void)channel.readLine();
  mdb_txn_abort(txn);
  return 0;
});

}  // namespace

TEST_CASE("Two processes write one store at once and lose nothing") {
  StoreFixture fixture(0, StoreFixture::Place::memory);
  const std::string where = "store=" + fixture.path();
  RoleProcess left("submits-and-runs", {where, "name=left", "jobs=2000"});
  RoleProcess right("submits-and-runs", {where, "name=right", "jobs=2000"});
  REQUIRE(left.readLine() == "ready");
  REQUIRE(right.readLine() == "ready");
  left.send("go");
  right.send("go");
  CHECK(left.readLine() == "done 2000");
  CHECK(right.readLine() == "done 2000");
  CHECK(left.waitForEnd() == 0);
  CHECK(right.waitForEnd() == 0);
  CHECK(fixture->totals().submitted == 4000);
  CHECK(fixture->totals().done[static_cast<int>(JobOutcome::succeeded)] == 4000);
}

TEST_CASE("A stopped writer blocks writers, but no reader") {
  StoreFixture fixture;
  const NewJob job = newJob();
  REQUIRE(fixture->apply(submitOf({job})).verdict == Verdict::ok);
  RoleProcess writer("holds-write-lock", {"store=" + fixture.path()});
  REQUIRE(writer.readLine() == "writing");
  writer.signal(SIGSTOP);
  // The first verb sits in a commit that cannot begin, the second behind it in the queue.
  const NewJob first = newJob();
  const NewJob second = newJob();
  std::atomic<int> answered{0};
  AnyAnswer lateAnswer;
  CHECK(fixture->apply(submitOf({first}), std::chrono::milliseconds{50}).verdict == Verdict::unknown);
  std::vector<Verb> verbs;
  verbs.emplace_back(submitOf({second}));
  fixture->post(std::move(verbs), std::chrono::milliseconds{0}, [&](std::vector<AnyAnswer> answers) {
    lateAnswer = answers.front();
    ++answered;
  });
  CHECK(fixture->list({}, {}, 10).jobs.size() == 1);
  CHECK(fixture->find(job.id));
  CHECK(fixture->totals().submitted == 1);
  CHECK(fixture->resolve(shortIDOf(job.id), 10) == std::vector{job.id});
  CHECK(fixture->check().isClean());

  writer.kill();
  REQUIRE(waitFor([&] { return answered == 1; }));
  // What was in the commit may have happened, and did; what was queued for too long did not.
  CHECK(baseOf(lateAnswer).verdict == Verdict::notDone);
  CHECK(fixture->find(first.id));
  CHECK_FALSE(fixture->find(second.id));
  CHECK(fixture->apply(submitOf({first})).jobs.at(0).verdict == Verdict::alreadyApplied);
}

TEST_CASE("A killed writer frees the store within its own transaction") {
  StoreFixture fixture;
  RoleProcess writer("holds-write-lock", {"store=" + fixture.path()});
  REQUIRE(writer.readLine() == "writing");
  writer.kill();
  CHECK(fixture->apply(submitOf({newJob()})).verdict == Verdict::ok);
}

TEST_CASE("The snapshot of a killed reader can be freed") {
  StoreFixture fixture;
  RoleProcess reader("holds-snapshot", {"store=" + fixture.path()});
  REQUIRE(reader.readLine() == "reading");
  CHECK(fixture->clearDeadReaders() == 0);
  reader.kill();
  CHECK(fixture->clearDeadReaders() == 1);
  CHECK(fixture->clearDeadReaders() == 0);
}

TEST_CASE("A backup of a store that is being written opens, checks clean and holds what was acknowledged before") {
  StoreFixture fixture;
  std::vector<JobID> before;
  for (int i = 0; i < 20; ++i) {
    const NewJob job = newJob();
    REQUIRE(fixture->apply(submitOf({job})).verdict == Verdict::ok);
    before.push_back(job.id);
  }
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    while (!stop) {
      (void)fixture->apply(submitOf({newJob()}));
      ++written;
    }
  });
  const TemporaryDirectory elsewhere;
  const bool started = waitFor([&] { return written > 3; });
  // "DIR" and "DIR/" are the same.
  const std::string target = elsewhere / (GENERATE(true, false) ? "copy" : "copy/");
  fixture->backup(target);
  stop = true;
  writer.join();
  REQUIRE(started);

  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(elsewhere / "copy"))
    files.push_back(entry.path().filename().string());
  CHECK(files == std::vector<std::string>{"data.mdb"});
  CHECK(std::distance(std::filesystem::directory_iterator(elsewhere.path()), {}) == 1);
  LmdbStoreOptions options;
  options.create = false;
  const auto copy = LmdbJobStore::open(elsewhere / "copy", options);
  CHECK(copy->check().isClean());
  for (const JobID id : before) CHECK(copy->find(id));
  CHECK(copy->totals().submitted <= fixture->totals().submitted);
  CHECK(copy->apply(submitOf({newJob()})).verdict == Verdict::ok);
}

TEST_CASE("A backup does not overwrite anything") {
  StoreFixture fixture;
  const TemporaryDirectory elsewhere;
  std::filesystem::create_directory(elsewhere / "there");
  try {
    fixture->backup(elsewhere / "there");
    FAIL("it was overwritten");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::conflict);
  }
  CHECK_THROWS_AS(fixture->backup(elsewhere / "no/such/place"), Error);
  CHECK(std::distance(std::filesystem::directory_iterator(elsewhere.path()), {}) == 1);
}
