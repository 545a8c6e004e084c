#include "ipc/fork_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <thread>

#include "core/fork_generation.h"
#include "ipc/ofd_lock.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;

namespace {
// Whether any descriptor of this process leads to a file whose path ends so.
bool hasOpen(const std::string& ending) {
  for (int descriptor = 0; descriptor < 256; ++descriptor) {
    char target[512];
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
    if (size > 0 && std::string_view(target, static_cast<std::size_t>(size)).ends_with(ending)) return true;
  }
  return false;
}
}  // namespace

TEST_CASE("A forked child sees another generation and its parent does not") {
  const std::uint64_t before = forkGeneration();
  Child child = Child::fork([&](const Child::Ready&) { return forkGeneration() == before + 1 ? 0 : 1; });
  CHECK(child.join() == 0);
  CHECK(forkGeneration() == before);
}

TEST_CASE("A forked child that destroys its copy of a lock neither frees the parent's nor closes a stranger's file") {
  const test::ScratchDirectory scratch;
  const FileDescriptor directory(::open(scratch.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  auto lock = std::make_unique<OfdLock>(OfdLock::open(directory.number(), "guarded"));
  REQUIRE(lock->tryLock());
  Child child = Child::fork([&](const Child::Ready&) {
    if (hasOpen("/guarded")) return 1;
    const int number = lock->descriptor();
    const int stranger = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (stranger == number) return 2;  // the number must stay taken
    lock.reset();
    return ::fcntl(stranger, F_GETFD) >= 0 && ::fcntl(number, F_GETFD) < 0 ? 0 : 3;
  });
  CHECK(child.join() == 0);
  OfdLock other = OfdLock::open(directory.number(), "guarded");
  CHECK_FALSE(other.tryLock());
  lock.reset();
  CHECK(other.tryLock());
}

TEST_CASE("Forking while other threads open and close guarded files never leaks one to a child") {
  const test::ScratchDirectory scratch;
  const FileDescriptor directory(::open(scratch.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  std::thread opener([&] {
    while (!stop) {
      OfdLock lock = OfdLock::open(directory.number(), "busy");
      static_cast<void>(lock.tryLock());
      ++rounds;
    }
  });
  int leaks = 0;
  for (int i = 0; i < 100; ++i)
    leaks += Child::fork([&](const Child::Ready&) { return hasOpen("/busy") ? 1 : 0; }).join();
  const bool wasBusy = test::waitUntil([&] { return rounds > 100; });
  stop = true;
  opener.join();
  CHECK(wasBusy);
  CHECK(leaks == 0);
}
