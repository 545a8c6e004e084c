// Opening LMDB stores: what is refused and with which words, one opening a process, fork.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "store/keys.h"
#include "store/lmdb_environment.h"
#include "store/record.h"
#include "tests/store/raw_environment.h"
#include "tests/support/process_role.h"
#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

std::optional<ErrorKind> kindOfOpening(const std::string& directory, bool create = true) {
  try {
    LmdbStoreOptions options;
    options.create = create;
    (void)LmdbJobStore::open(directory, options);
  } catch (const Error& error) {
    UNSCOPED_INFO(error.what());
    CHECK(std::string(error.what()).size() > 20);
    return error.kind();
  }
  return std::nullopt;
}

std::string newerMeta() {
  std::string bytes;
  encodeRecord(RecordType::meta, keys::storeKey(), StoreRecord{storeFormat + 1, "power", 0, Uuid::makeV4()}, bytes);
  return bytes;
}

const RoleRegistration raisesFormat("raises-format", [](RoleChannel& channel) {
  RawEnvironment raw(channel.argument("store"));
  raw.put("index", keys::storeKey(), newerMeta());
  return 0;
});

}  // namespace

TEST_CASE("What was answered is there when the store is opened again") {
  StoreFixture fixture;
  const NewJob job = keyedJob("the key", hour);
  REQUIRE(fixture->apply(submitOf({job})).verdict == Verdict::ok);
  const auto view = fixture->find(job.id);
  const auto totals = fixture->totals();
  const auto sequence = fixture->sequence();
  fixture.close();
  fixture.open();
  REQUIRE(fixture->find(job.id));
  CHECK(fixture->find(job.id)->row == view->row);
  CHECK(fixture->find(job.id)->body == view->body);
  CHECK(fixture->totals() == totals);
  CHECK(fixture->sequence() == sequence);
  CHECK(fixture->findByKey("the key") == job.id);
  CHECK(fixture->info().durability == "power");
  CHECK(fixture->info().backend == "lmdb");
  CHECK(fixture->info().format == 1);
}

TEST_CASE("Closing a store commits what is queued") {
  StoreFixture fixture;
  std::vector<JobID> ids;
  for (int i = 0; i < 50; ++i) {
    const NewJob job = newJob();
    ids.push_back(job.id);
    std::vector<Verb> verbs;
    verbs.emplace_back(submitOf({job}));
    fixture->post(std::move(verbs), std::chrono::seconds{60}, [](std::vector<AnyAnswer>) {});
  }
  fixture.close();
  fixture.open();
  for (const JobID id : ids) CHECK(fixture->find(id));
}

TEST_CASE("All openings of one directory in a process are one, by whatever path") {
  StoreFixture fixture;
  TemporaryDirectory elsewhere;
  std::filesystem::create_directory_symlink(fixture.path(), elsewhere / "link");
  const auto again = LmdbJobStore::open(fixture.path(), {});
  CHECK(again.get() == &fixture.store());
  CHECK(LmdbJobStore::open(elsewhere / "link", {}).get() == &fixture.store());
  TemporaryDirectory other;
  const auto second = LmdbJobStore::open(other.path(), {});
  CHECK(second.get() != &fixture.store());
}

TEST_CASE("Threads that open and close one store at once never open it twice") {
  const TemporaryDirectory directory;
  std::atomic<int> submitted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 25; ++round) {
        const auto store = LmdbJobStore::open(directory.path(), {});
        if (store->apply(submitOf({newJob()})).verdict == Verdict::ok) ++submitted;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(submitted == 100);
  const auto store = LmdbJobStore::open(directory.path(), {});
  CHECK(store->totals().submitted == 100);
  CHECK(store->check().isClean());
}

TEST_CASE("Reading where there is no store says so and makes none") {
  const TemporaryDirectory directory;
  CHECK(kindOfOpening(directory.path(), false) == ErrorKind::notFound);
  CHECK_FALSE(std::filesystem::exists(directory / "data.mdb"));
  CHECK(kindOfOpening(directory / "missing") == ErrorKind::notFound);
}

TEST_CASE("A foreign LMDB environment is unsupported and stays as it was") {
  const TemporaryDirectory directory;
  {
    RawEnvironment raw(directory.path());
    SECTION("with rows in its main table") {
      raw.put(nullptr, "key", "value");
    }
    SECTION("with tables of other names") {
      raw.put("their table", "key", "value", MDB_CREATE);
    }
    SECTION("with a table that is named as ours") {
      raw.put("job", "key", "value", MDB_CREATE);
    }
    SECTION("with tables named as ours but without our record") {
      for (const char* name : {"job", "part", "index"}) raw.put(name, "key", "value", MDB_CREATE);
    }
  }
  std::ifstream before(directory / "data.mdb", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(before)), {});
  CHECK(kindOfOpening(directory.path()) == ErrorKind::unsupported);
  CHECK(kindOfOpening(directory.path(), false) == ErrorKind::unsupported);
  std::ifstream after(directory / "data.mdb", std::ios::binary);
  CHECK(bytes == std::string((std::istreambuf_iterator<char>(after)), {}));
}

TEST_CASE("A file that is no LMDB file is corrupt and stays as it was") {
  const TemporaryDirectory directory;
  const std::string garbage =
      GENERATE(as<std::string>{}, "short", std::string(4096, 'x'), std::string(100'000, '\x7f'));
  std::ofstream(directory / "data.mdb", std::ios::binary) << garbage;
  CHECK(kindOfOpening(directory.path()) == ErrorKind::corrupt);
  std::ifstream after(directory / "data.mdb", std::ios::binary);
  CHECK(garbage == std::string((std::istreambuf_iterator<char>(after)), {}));
}

TEST_CASE("A store whose own record is damaged is corrupt") {
  StoreFixture fixture;
  fixture.closeUnchecked();
  {
    RawEnvironment raw(fixture.path());
    raw.change("index", keys::storeKey(),
               [](std::string& bytes) { bytes.back() = static_cast<char>(bytes.back() ^ 1); });
  }
  CHECK(kindOfOpening(fixture.path()) == ErrorKind::corrupt);
}

TEST_CASE("A store of a newer format is refused at open") {
  StoreFixture fixture;
  fixture.closeUnchecked();
  { RawEnvironment(fixture.path()).put("index", keys::storeKey(), newerMeta()); }
  CHECK(kindOfOpening(fixture.path()) == ErrorKind::unsupported);
}

TEST_CASE("A store that is upgraded while it is open refuses the next write") {
  StoreFixture fixture;
  const NewJob job = newJob();
  REQUIRE(fixture->apply(submitOf({job})).verdict == Verdict::ok);
  RoleProcess other("raises-format", {"store=" + fixture.path()});
  REQUIRE(other.waitForEnd() == 0);
  const auto answer = fixture->apply(submitOf({newJob()}));
  CHECK(answer.verdict == Verdict::refused);
  CHECK_THAT(answer.why, Catch::Contains("upgrade"));
  CHECK(fixture->totals().submitted == 1);
  CHECK(fixture->find(job.id));
  fixture.closeUnchecked();
}

TEST_CASE("The store's file is not left open for started commands") {
  StoreFixture fixture;
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(entry.path(), ignored);
    if (target.parent_path() != std::filesystem::canonical(fixture.path())) continue;
    ++seen;
    INFO(target.string());
    CHECK((::fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(seen >= 2);
}

TEST_CASE("A forked child finds the store closed, and its parent goes on") {
  StoreFixture fixture;
  REQUIRE(fixture->apply(submitOf({newJob()})).verdict == Verdict::ok);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // No more than exit codes here: the test framework is the parent's.
    const auto refuses = [](const auto& use) {
      try {
        use();
      } catch (const Error& error) {
        return error.kind() == ErrorKind::usage;
      }
      return false;
    };
    int failed = 0;
    if (!refuses([&] { (void)fixture->totals(); })) failed |= 1;
    if (!refuses([&] { (void)fixture->apply(submitOf({newJob()})); })) failed |= 2;
    if (!refuses([&] { (void)LmdbJobStore::open(fixture.path(), {}); })) failed |= 4;
    if (!refuses([&] { (void)fixture->clearDeadReaders(); })) failed |= 8;
    fixture.closeUnchecked();  // must neither hang nor take the parent's locks
    ::_exit(failed);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(fixture->apply(submitOf({newJob()})).verdict == Verdict::ok);
  CHECK(fixture->totals().submitted == 2);
}
