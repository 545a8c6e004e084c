#include "ipc/ofd_lock.h"

#include <fcntl.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using namespace std::chrono_literals;
using callsheet::test::Child;

namespace {
struct LockFile {
  test::ScratchDirectory scratch;
  FileDescriptor directory{::open(scratch.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  [[nodiscard]] OfdLock open() const { return OfdLock::open(directory.number(), "lock"); }
};
}  // namespace

TEST_CASE("A lock excludes within one process and survives the closing of other descriptors of its file") {
  const LockFile file;
  OfdLock first = file.open();
  OfdLock second = file.open();
  REQUIRE(first.tryLock());
  CHECK(first.tryLock());
  CHECK_FALSE(second.tryLock());
  { const FileDescriptor other(::open((file.scratch.path() + "/lock").c_str(), O_RDWR | O_CLOEXEC)); }
  CHECK_FALSE(second.tryLock());
  CHECK(OfdLock::isLockedByOther(second.descriptor()));
  CHECK_FALSE(OfdLock::isLockedByOther(first.descriptor()));
  first.unlock();
  CHECK_FALSE(OfdLock::isLockedByOther(second.descriptor()));
  CHECK(second.tryLock());
}

TEST_CASE("A lock moves with its object and goes with it") {
  const LockFile file;
  OfdLock other = file.open();
  {
    OfdLock first = file.open();
    REQUIRE(first.tryLock());
    OfdLock moved = std::move(first);
    CHECK(moved.isHeld());
    CHECK_FALSE(first.isHeld());
    CHECK_FALSE(other.tryLock());
    moved = file.open();  // letting go of the former
    CHECK(other.tryLock());
    other.unlock();
    REQUIRE(moved.tryLock());
  }
  CHECK(other.tryLock());
}

TEST_CASE("Waiting for a lock ends at the deadline or when it comes free") {
  const LockFile file;
  OfdLock holder = file.open();
  REQUIRE(holder.tryLock());
  OfdLock waiter = file.open();
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(waiter.lockWithin(50ms));
  CHECK(std::chrono::steady_clock::now() - start >= 50ms);
  std::thread releaser([&] {
    // Once the main thread below waits; when it does not yet, it finds the lock free, which is right as well.
    std::this_thread::yield();
    holder.unlock();
  });
  CHECK(waiter.lockWithin(20s));
  releaser.join();
}

TEST_CASE("Sleeping for a lock in the kernel ends when its holder is killed") {
  const LockFile file;
  Child holder = Child::fork([&](const Child::Ready& ready) {
    OfdLock lock = file.open();
    if (!lock.tryLock()) return 1;
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(holder.awaitReady());
  OfdLock waiter = file.open();
  REQUIRE_FALSE(waiter.tryLock());
  std::thread killer([&] { holder.signal(SIGKILL); });
  waiter.lock();
  CHECK(waiter.isHeld());
  killer.join();
  CHECK(holder.join() == -SIGKILL);
}

TEST_CASE("A dead process's lock is not kept by its forked child that lives on") {
  const LockFile file;
  pid_t grandchild = 0;
  Child parent = Child::fork([&](const Child::Ready& ready) {
    OfdLock lock = file.open();
    if (!lock.tryLock()) return 1;
    const pid_t pid = ::fork();
    if (pid == 0) return test::waitToBeKilled();
    const FileDescriptor note(::openat(file.directory.number(), "grandchild", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (::write(note.number(), &pid, sizeof pid) != sizeof pid) return 2;
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(parent.awaitReady());
  const FileDescriptor note(::openat(file.directory.number(), "grandchild", O_RDONLY | O_CLOEXEC));
  REQUIRE(::read(note.number(), &grandchild, sizeof grandchild) == sizeof grandchild);
  OfdLock other = file.open();
  CHECK_FALSE(other.tryLock());
  parent.signal(SIGKILL);
  parent.join();
  CHECK(other.lockWithin(5s));
  CHECK(::kill(grandchild, 0) == 0);
  ::kill(grandchild, SIGKILL);
}

TEST_CASE("The delays between tries grow to twenty milliseconds") {
  CHECK(retryDelay(0) == 0ms);
  CHECK(retryDelay(3) == 5ms);
  CHECK(retryDelay(5) == 20ms);
  CHECK(retryDelay(5000) == 20ms);
}
