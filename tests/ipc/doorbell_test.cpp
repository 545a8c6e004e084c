#include "ipc/doorbell.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <vector>

#include "ipc/event_loop.h"
#include "ipc/presence_lock.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;
using callsheet::test::waitUntil;
namespace fs = std::filesystem;

namespace {

bool isRung(const DoorbellSocket& bell) {
  pollfd waiting{bell.descriptor(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

std::size_t bellsIn(const test::ScratchStore& store) {
  const fs::directory_iterator files(store.directory().path(StoreDirectory::bells));
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

PrincipalLock principalLock(const test::ScratchStore& store) {
  auto lock =
      PrincipalLock::tryAcquire(store.directory(), makeIncarnationID(), PresenceInfo::ofThisProcess("", "principal"));
  REQUIRE(lock);
  return std::move(*lock);
}

const test::AddRole bindABell("bind-a-bell", [] {
  const auto store = StoreDirectory::open(std::getenv("CALLSHEET_TEST_LOCATION"), "main");
  const auto bell = DoorbellSocket::bindObserver(store);
  return 0;
});

}  // namespace

TEST_CASE("A ring reaches the one that it is for and nobody else") {
  const test::ScratchStore store;
  const auto first = makeIncarnationID();
  const auto second = makeIncarnationID();
  auto firstBell = DoorbellSocket::bind(store.directory(), first);
  auto secondBell = DoorbellSocket::bind(store.directory(), second);
  const auto lock = principalLock(store);
  auto principalBell = DoorbellSocket::bindPrincipal(store.directory(), lock);
  auto observerBell = DoorbellSocket::bindObserver(store.directory());
  SocketDoorbell doorbell(store.directory());
  CHECK_FALSE(firstBell.drain());
  doorbell.ring(first);
  CHECK(isRung(firstBell));
  CHECK_FALSE(isRung(secondBell));
  CHECK(firstBell.drain());
  CHECK_FALSE(isRung(firstBell));
  doorbell.ringPrincipal();
  CHECK(principalBell.drain());
  doorbell.ring(IncarnationID{});
  CHECK(principalBell.drain());
  CHECK_FALSE(isRung(firstBell));
  doorbell.ringObservers();
  CHECK(observerBell.drain());
  CHECK_FALSE(isRung(principalBell));
  doorbell.ringAll();
  for (DoorbellSocket* bell : {&firstBell, &secondBell, &principalBell, &observerBell}) CHECK(bell->drain());
}

TEST_CASE("Ringing a full bell, a dead one or none at all neither fails nor blocks") {
  const test::ScratchStore store;
  SocketDoorbell doorbell(store.directory());
  const auto incarnation = makeIncarnationID();
  doorbell.ring(incarnation);
  doorbell.ringPrincipal();
  doorbell.ringAll();
  auto bell = DoorbellSocket::bind(store.directory(), incarnation);
  for (int i = 0; i < 10'000; ++i) doorbell.ring(incarnation);
  CHECK(bell.drain());
  CHECK_FALSE(isRung(bell));
  bell.close();
  CHECK(bellsIn(store) == 0);
  doorbell.ring(incarnation);
}

TEST_CASE("A bell that was rung before is rung without looking for it again, and its successor is found") {
  const test::ScratchStore store;
  SocketDoorbell doorbell(store.directory());
  const auto incarnation = makeIncarnationID();
  auto former = DoorbellSocket::bind(store.directory(), incarnation);
  doorbell.ring(incarnation);
  CHECK(former.drain());
  // Out of the ringer's sight, but the way to it is known.
  const std::string path = store.directory().path("run/bells/" + incarnation.toString() + ".bell");
  fs::rename(path, path + ".moved");
  doorbell.ring(incarnation);
  CHECK(former.drain());
  auto next = DoorbellSocket::bind(store.directory(), incarnation);
  former.close();
  doorbell.ring(incarnation);
  CHECK(next.drain());
}

TEST_CASE("Ringing many bells does not keep a descriptor for each") {
  const test::ScratchStore store;
  SocketDoorbell doorbell(store.directory());
  const auto descriptors = [] {
    const fs::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  std::vector<std::pair<IncarnationID, DoorbellSocket>> bells;
  for (int i = 0; i < 200; ++i) {
    const auto incarnation = makeIncarnationID();
    bells.emplace_back(incarnation, DoorbellSocket::bind(store.directory(), incarnation));
  }
  const auto before = descriptors();
  for (int round = 0; round < 2; ++round)
    for (auto& [incarnation, bell] : bells) {
      doorbell.ring(incarnation);
      CHECK(bell.drain());
    }
  CHECK(descriptors() - before <= 64);
}

TEST_CASE("A bell is closed to others and goes with its owner") {
  const test::ScratchStore store;
  const auto incarnation = makeIncarnationID();
  const mode_t before = ::umask(0);
  auto bell = std::make_unique<DoorbellSocket>(DoorbellSocket::bind(store.directory(), incarnation));
  ::umask(before);
  struct stat status {};
  REQUIRE(::stat(store.directory().path("run/bells/" + incarnation.toString() + ".bell").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const auto again = [&] { static_cast<void>(DoorbellSocket::bind(store.directory(), incarnation)); };
  CHECK(test::errorOf(again).kind == ErrorKind::conflict);
  CHECK(bellsIn(store) == 1);
  Child child = Child::fork([&](const Child::Ready&) {
    bell.reset();
    return 0;
  });
  CHECK(child.join() == 0);
  CHECK(bellsIn(store) == 1);
  bell.reset();
  CHECK(bellsIn(store) == 0);
}

TEST_CASE("A store whose path is far longer than a socket address can be rung") {
  const test::ScratchDirectory scratch;
  const std::string location = scratch.path() + "/" + std::string(200, 'd') + "/" + std::string(200, 'e');
  const auto store = StoreDirectory::open(location, "main", {.create = true});
  const auto incarnation = makeIncarnationID();
  auto bell = DoorbellSocket::bind(store, incarnation);
  SocketDoorbell doorbell(store);
  doorbell.ring(incarnation);
  CHECK(bell.drain());
}

TEST_CASE("A killed principal's bell is replaced by the next and a late end of the former does not remove it") {
  const test::ScratchStore store;
  SocketDoorbell doorbell(store.directory());
  auto former =
      std::make_unique<DoorbellSocket>(DoorbellSocket::bindPrincipal(store.directory(), principalLock(store)));
  const auto lock = principalLock(store);
  auto next = DoorbellSocket::bindPrincipal(store.directory(), lock);
  former.reset();
  doorbell.ringPrincipal();
  CHECK(next.drain());
  next.close();
  Child killed = Child::fork([&](const Child::Ready& ready) {
    const auto bell = DoorbellSocket::bindPrincipal(store.directory(), lock);
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(killed.awaitReady());
  killed.signal(SIGKILL);
  killed.join();
  doorbell.ringAll();
  CHECK(bellsIn(store) == 1);  // only a holder of principal.lock touches it
  auto last = DoorbellSocket::bindPrincipal(store.directory(), lock);
  doorbell.ringPrincipal();
  CHECK(last.drain());
}

TEST_CASE("Bells that killed processes left are removed") {
  const test::ScratchStore store;
  const auto incarnation = makeIncarnationID();
  Child killed = Child::fork([&](const Child::Ready& ready) {
    const auto presence =
        PresenceLock::acquire(store.directory(), incarnation, PresenceInfo::ofThisProcess("a", "assistant"));
    const auto own = DoorbellSocket::bind(store.directory(), incarnation);
    const auto observer = DoorbellSocket::bindObserver(store.directory());
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(killed.awaitReady());
  const auto living = DoorbellSocket::bindObserver(store.directory());
  killed.signal(SIGKILL);
  killed.join();
  CHECK(bellsIn(store) == 3);
  SocketDoorbell doorbell(store.directory());
  SECTION("an observer's by who rings observers, an incarnation's with its presence") {
    doorbell.ringObservers();
    CHECK(bellsIn(store) == 2);
    tryTakeDead(store.directory(), incarnation)->unlink();
  }
  SECTION("all by who rings all") {
    doorbell.ringAll();
  }
  CHECK(bellsIn(store) == 1);
  CHECK(isRung(living));
}

TEST_CASE("An observer that comes later is rung within about a second") {
  const test::ScratchStore store;
  SocketDoorbell doorbell(store.directory());
  doorbell.ringObservers();  // the listing is fresh now, and empty
  auto bell = DoorbellSocket::bindObserver(store.directory());
  CHECK(waitUntil(
      [&] {
        doorbell.ringObservers();
        return isRung(bell);
      },
      std::chrono::seconds{5}));
}

TEST_CASE("A kill while a bell is bound leaves a name that rings nobody and is cleared later") {
  const test::ScratchStore store;
  CHECK(
      Child::role("bind-a-bell", {{"CALLSHEET_CRASH_AT", "bell.bound"}, {"CALLSHEET_TEST_LOCATION", store.location()}})
          .join() == -SIGKILL);
  CHECK(bellsIn(store) == 1);
  SocketDoorbell(store.directory()).ringAll();
  CHECK(bellsIn(store) == 1);  // it may be somebody's who is about to name it
  const auto lock = principalLock(store);
  { const auto bell = DoorbellSocket::bindPrincipal(store.directory(), lock); }
  CHECK(bellsIn(store) == 1);
  const timespec longAgo[] = {{1, 0}, {1, 0}};
  const fs::path leftover = fs::directory_iterator(store.directory().path(StoreDirectory::bells))->path();
  REQUIRE(::utimensat(AT_FDCWD, leftover.c_str(), longAgo, AT_SYMLINK_NOFOLLOW) == 0);
  { const auto bell = DoorbellSocket::bindPrincipal(store.directory(), lock); }
  CHECK(bellsIn(store) == 0);
}

TEST_CASE("Rings from another process wake an event loop that drains") {
  const test::ScratchStore store;
  const auto incarnation = makeIncarnationID();
  auto bell = DoorbellSocket::bind(store.directory(), incarnation);
  EventLoop loop;
  std::atomic<int> wakes{0};
  const FdWatch watch = loop.watchFd(bell.descriptor(), [&] {
    bell.drain();
    ++wakes;
  });
  loop.start();
  Child ringer = Child::fork([&](const Child::Ready&) {
    SocketDoorbell doorbell(store.directory());
    for (int i = 0; i < 100; ++i) doorbell.ring(incarnation);
    return 0;
  });
  CHECK(ringer.join() == 0);
  CHECK(waitUntil([&] { return wakes > 0 && !isRung(bell); }));
}
