#include "ipc/store_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>
#include <vector>

#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::errorOf;
namespace fs = std::filesystem;

namespace {
const StoreDirectory::Options create{.create = true};

mode_t modeOf(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}
ErrorKind kindOfOpening(const std::string& location, std::string_view id, StoreDirectory::Options options = {}) {
  return errorOf([&] { static_cast<void>(StoreDirectory::open(location, id, options)); }).kind;
}
}  // namespace

TEST_CASE("Creating a store makes a closed directory with its parts whatever the umask is") {
  const test::ScratchDirectory scratch;
  const mode_t before = ::umask(0777);
  const std::string location = scratch.path() + "/deep/er";
  const auto store = StoreDirectory::open(location, "main", create);
  ::umask(0);
  const auto open = StoreDirectory::open(location, "open", create);
  ::umask(before);
  CHECK(store.dataPath() == location + "/main.callsheet");
  CHECK(store.path("run/board") == location + "/main.callsheet/run/board");
  for (const char* part : {"", "run", "run/a", "run/bells", "tasks"}) {
    CHECK(modeOf(store.path(part)) == 0700);
    CHECK(modeOf(open.path(part)) == 0700);
  }
  CHECK(fs::equivalent(store.shortPath("run/a"), store.path("run/a")));
  CHECK((::fcntl(store.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("Who opens a new store while another one makes it does not take it for something else") {
  const test::ScratchDirectory scratch;
  constexpr int openers = 4;
  constexpr int rounds = 300;
  std::barrier together(openers);
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < openers; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        together.arrive_and_wait();
        try {
          (void)StoreDirectory::open(scratch.path(), "s" + std::to_string(round), create);
        } catch (const Error&) {
          ++refused;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(refused == 0);
}

TEST_CASE("Opening a store that is not there says which command creates it") {
  const test::ScratchDirectory scratch;
  const auto error = errorOf([&] { static_cast<void>(StoreDirectory::open(scratch.path(), "main")); });
  CHECK(error.kind == ErrorKind::notFound);
  CHECK(error.sentence.find("callsheet add") != std::string::npos);
  CHECK(kindOfOpening(scratch.path() + "/no/where", "main") == ErrorKind::notFound);
  // As a creator leaves it that was killed at once.
  fs::create_directory(scratch.path() + "/empty.callsheet");
  fs::permissions(scratch.path() + "/empty.callsheet", fs::perms::owner_all);
  CHECK(kindOfOpening(scratch.path(), "empty") == ErrorKind::notFound);
  CHECK_NOTHROW(static_cast<void>(StoreDirectory::open(scratch.path(), "empty", create)));
}

TEST_CASE("Two paths to one store have one identity and two stores have two") {
  const test::ScratchDirectory scratch;
  const auto first = StoreDirectory::open(scratch.path(), "one", create);
  const auto other = StoreDirectory::open(scratch.path(), "two", create);
  fs::create_directory_symlink(scratch.path(), scratch.path() + "/alias");
  const auto again = StoreDirectory::open(scratch.path() + "/alias/", "one");
  CHECK(again.identity() == first.identity());
  CHECK(again.dataPath() == first.dataPath());
  CHECK(other.identity() != first.identity());
}

TEST_CASE("A directory that is not a store is never taken for one") {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/main.callsheet";
  SECTION("because it holds something else") {
    fs::create_directory(path);
    fs::permissions(path, fs::perms::owner_all);
    std::ofstream(path + "/letter.txt") << "dear";
    CHECK(kindOfOpening(scratch.path(), "main") == ErrorKind::invalid);
    CHECK(kindOfOpening(scratch.path(), "main", create) == ErrorKind::invalid);
    CHECK_FALSE(fs::exists(path + "/run"));
  }
  SECTION("because it is a file") {
    std::ofstream(path) << "x";
    CHECK(kindOfOpening(scratch.path(), "main", create) == ErrorKind::io);
  }
  SECTION("because it is a symbolic link") {
    const auto real = StoreDirectory::open(scratch.path(), "real", create);
    fs::create_directory_symlink(real.dataPath(), path);
    CHECK(kindOfOpening(scratch.path(), "main", create) == ErrorKind::io);
  }
}

TEST_CASE("A store whose data was restored alone gets its other parts back") {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/main.callsheet";
  fs::create_directory(path);
  fs::permissions(path, fs::perms::owner_all);
  std::ofstream(path + "/data.mdb") << "data";
  const auto store = StoreDirectory::open(scratch.path(), "main");
  CHECK(fs::is_directory(store.path("run/bells")));
}

TEST_CASE("A store that is open to others is refused with the cure") {
  const test::ScratchDirectory scratch;
  const auto store = StoreDirectory::open(scratch.path(), "main", create);
  ::chmod(store.dataPath().c_str(), 0750);
  const auto error = errorOf([&] { static_cast<void>(StoreDirectory::open(scratch.path(), "main")); });
  CHECK(error.kind == ErrorKind::permission);
  CHECK(error.sentence.find("chmod 700") != std::string::npos);
}

TEST_CASE("Another user's store is refused even to root") {
  const test::ScratchDirectory scratch;
  const auto store = StoreDirectory::open(scratch.path(), "main", create);
  if (::chown(store.dataPath().c_str(), 54321, static_cast<gid_t>(-1)) != 0) {
    std::cout << "SKIPPED: giving a directory to another user needs root\n";
    return;
  }
  const auto error = errorOf([&] { static_cast<void>(StoreDirectory::open(scratch.path(), "main", create)); });
  CHECK(error.kind == ErrorKind::permission);
  CHECK(error.sentence.find("54321") != std::string::npos);
}

TEST_CASE("A filesystem without known locks is refused before anything is written to it") {
  CHECK(kindOfOpening("/proc", "main", create) == ErrorKind::unsupported);
  CHECK(kindOfOpening("/proc", "main", {.create = true, .allowForeignFilesystem = true}) != ErrorKind::unsupported);
  CHECK(isKnownFilesystem(0xEF53));
  CHECK(isKnownFilesystem(static_cast<long>(static_cast<int>(0x9123683Eu))));  // btrfs, sign-extended
  CHECK_FALSE(isKnownFilesystem(0x6969));                                      // nfs
  CHECK_FALSE(isKnownFilesystem(0x65735546));                                  // fuse
}

TEST_CASE("A store's id follows the rule for names") {
  const test::ScratchDirectory scratch;
  for (const char* bad : {"", "..", "a/b", ".x"})
    CHECK(kindOfOpening(scratch.path(), bad, create) == ErrorKind::invalid);
  CHECK(fs::is_empty(scratch.path()));
}
