// A store that another process opened with a larger map, and filled beyond the map of this one: LMDB then refuses to
// begin (MDB_MAP_RESIZED) until the larger map is taken over.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/process_role.h"
#include "tests/support/store_fixture.h"
#include "tests/support/wait_for.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// Fills the store as far as this process's map allows; says the last job and how many there are.
const RoleRegistration fillsMap("fills-map", [](RoleChannel& channel) {
  LmdbStoreOptions options;
  options.mapBytes = std::stoul(channel.argument("mebibytes")) * mebibyte;
  const auto store = LmdbJobStore::open(channel.argument("store"), options);
  JobID last;
  for (;;) {
    NewJob job = newJob();
    job.body.parameters.assign(mebibyte / 8, 'x');
    const auto answer = store->apply(submitOf({job}));
    if (answer.verdict == Verdict::storeFull) break;
    if (answer.verdict != Verdict::ok) return 1;
    last = job.id;
  }
  channel.say(last.toString() + " " + std::to_string(store->totals().submitted));
  (void)channel.readLine();
  return 0;
});

/// Another process, which has filled a map of that size and still has it open.
class Filler {
 public:
  Filler(const StoreFixture& fixture, std::size_t mebibytes)
      : process_("fills-map", {"store=" + fixture.path(), "mebibytes=" + std::to_string(mebibytes)}) {
    const auto words = wordsOf(process_.readLine().value());
    last = *JobID::parse(words.at(0));
    submitted = std::stoul(words.at(1));
  }

  JobID last;
  std::uint64_t submitted = 0;

 private:
  RoleProcess process_;
};
}  // namespace

TEST_CASE("A store that another process filled beyond this one's map is read and written as before") {
  StoreFixture fixture(mebibyte, StoreFixture::Place::memory);
  const NewJob before = newJob();
  REQUIRE(fixture->apply(submitOf({before})).verdict == Verdict::ok);
  const Filler filler(fixture, 4);
  const NewJob after = newJob();
  // Whatever comes first meets the other map.
  SECTION("listing comes first") {
    CHECK(fixture->list({}, {}, 1000).jobs.size() == filler.submitted);
  }
  SECTION("looking for a job comes first") {
    CHECK(fixture->find(filler.last));
  }
  SECTION("writing comes first") {
    CHECK(fixture->apply(submitOf({before})).verdict == Verdict::ok);
  }
  SECTION("a backup comes first") {
    const TemporaryDirectory elsewhere;
    fixture->backup(elsewhere / "copy");
    LmdbStoreOptions options;
    options.create = false;
    CHECK(LmdbJobStore::open(elsewhere / "copy", options)->find(filler.last));
  }
  CHECK(fixture->find(before.id));
  CHECK(fixture->totals().submitted == filler.submitted);
  // The room of the larger map is this process's too: what is done with its jobs needs some.
  CHECK(fixture->apply(Cancel{filler.last, {}}).verdict == Verdict::ok);
}

TEST_CASE("Readers and a writer in other threads live through the growing of the map") {
  StoreFixture fixture(mebibyte, StoreFixture::Place::memory);
  const NewJob job = newJob();
  REQUIRE(fixture->apply(submitOf({job})).verdict == Verdict::ok);
  std::atomic<bool> isOver{false};
  std::atomic<int> wrong{0};
  std::atomic<unsigned> written{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!isOver)
        if (!fixture->find(job.id)) ++wrong;
    });
  threads.emplace_back([&] {
    while (!isOver) {
      const auto verdict = fixture->apply(Promote{principalOwner, 1}).verdict;
      if (verdict != Verdict::ok) ++wrong;
      ++written;
    }
  });
  for (const std::size_t mebibytes : {2, 4, 8, 16}) {
    const Filler filler(fixture, mebibytes);
    CHECK(fixture->find(filler.last));
    const unsigned so = written;
    CHECK(waitFor([&] { return written > so + 1; }));
  }
  isOver = true;
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
