#include "ipc/principal_lock.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using namespace std::chrono_literals;
using callsheet::test::Child;

namespace {
std::optional<PrincipalLock> tryAcquire(const test::ScratchStore& store) {
  return PrincipalLock::tryAcquire(store.directory(), makeIncarnationID(),
                                   PresenceInfo::ofThisProcess("", "principal"));
}
}  // namespace

TEST_CASE("A store has one principal and the second learns the pid of the first") {
  const test::ScratchStore store;
  CHECK_FALSE(PrincipalLock::holder(store.directory()));
  SECTION("within one process") {
    const auto first = tryAcquire(store);
    REQUIRE(first);
    CHECK_FALSE(tryAcquire(store));
    CHECK(PrincipalLock::holder(store.directory())->pid == ::getpid());
  }
  SECTION("across processes") {
    Child first = Child::fork([&](const Child::Ready& ready) {
      const auto lock = tryAcquire(store);
      if (!lock) return 1;
      ready();
      return test::waitToBeKilled();
    });
    REQUIRE(first.awaitReady());
    CHECK_FALSE(tryAcquire(store));
    CHECK(PrincipalLock::holder(store.directory())->pid == first.pid());
    CHECK_FALSE(PrincipalLock::acquireWithin(store.directory(), makeIncarnationID(), {}, 30ms));
    std::thread killer([&] { first.signal(SIGKILL); });
    const auto second = PrincipalLock::acquireWithin(store.directory(), makeIncarnationID(),
                                                     PresenceInfo::ofThisProcess("", "principal"), 20s);
    killer.join();
    REQUIRE(second);
    CHECK(PrincipalLock::holder(store.directory())->pid == ::getpid());
  }
  CHECK_FALSE(PrincipalLock::holder(store.directory()));
  CHECK(tryAcquire(store));
}

TEST_CASE("A standby principal sleeps until the first is killed") {
  const test::ScratchStore store;
  Child first = Child::fork([&](const Child::Ready& ready) {
    const auto lock = tryAcquire(store);
    if (!lock) return 1;
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(first.awaitReady());
  std::thread killer([&] { first.signal(SIGKILL); });
  const auto standby =
      PrincipalLock::acquire(store.directory(), makeIncarnationID(), PresenceInfo::ofThisProcess("", "principal"));
  killer.join();
  CHECK(PrincipalLock::holder(store.directory())->pid == ::getpid());
}

TEST_CASE("A holder that has not signed yet is not mistaken for a dead one before it") {
  const test::ScratchStore store;
  PresenceInfo gone = PresenceInfo::ofThisProcess("", "principal");
  gone.startTime += 1;  // as a former process with this pid
  const auto lock = PrincipalLock::tryAcquire(store.directory(), makeIncarnationID(), gone);
  REQUIRE(lock);
  CHECK(PrincipalLock::holder(store.directory())->pid == 0);
}
