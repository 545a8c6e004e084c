#include "ipc/presence_watcher.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>

#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;
using callsheet::test::waitUntil;

namespace {

// Collects what a watcher hands over.
class Deaths {
 public:
  void add(DeadPresence dead) {
    const std::lock_guard lock(mutex_);
    at_ = nowNanos();
    dead_.push_back(std::move(dead));
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return dead_.size();
  }
  [[nodiscard]] std::int64_t lastAt() const {
    const std::lock_guard lock(mutex_);
    return at_;
  }
  std::vector<DeadPresence> take() {
    const std::lock_guard lock(mutex_);
    return std::move(dead_);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<DeadPresence> dead_;
  std::int64_t at_ = 0;
};

PresenceLock acquireHere(const test::ScratchStore& store, IncarnationID incarnation) {
  return PresenceLock::acquire(store.directory(), incarnation, PresenceInfo::ofThisProcess("a", "assistant"));
}

Child holderOf(const test::ScratchStore& store, IncarnationID incarnation) {
  return Child::fork([&](const Child::Ready& ready) {
    const auto lock = acquireHere(store, incarnation);
    ready();
    return test::waitToBeKilled();
  });
}

struct Watching {
  test::ScratchStore store;
  Deaths deaths;
  EventLoop loop;
  PresenceWatcher watcher{loop, store.directory(), [this](DeadPresence dead) { deaths.add(std::move(dead)); }};
  // Until the loop has done all that was posted before.
  void rescan() {
    watcher.rescan();
    loop.run([] {});
  }
};

}  // namespace

TEST_CASE("A killed process is handed over at once and without another rescan") {
  Watching all;
  all.loop.start();
  const auto incarnation = makeIncarnationID();
  Child holder = holderOf(all.store, incarnation);
  REQUIRE(holder.awaitReady());
  all.rescan();
  const std::int64_t killedAt = nowNanos();
  holder.signal(SIGKILL);
  REQUIRE(waitUntil([&] { return all.deaths.count() == 1; }));
  CHECK(all.deaths.lastAt() - killedAt < 2'000'000'000);
  auto dead = all.deaths.take();
  CHECK(dead[0].incarnation() == incarnation);
  CHECK(dead[0].info().pid == holder.pid());
  all.rescan();  // still held by us: not handed over again
  CHECK(all.deaths.count() == 0);
  dead[0].unlink();
  all.rescan();
  CHECK(all.deaths.count() == 0);
}

TEST_CASE("Those that were dead before are found by the first rescan, and again when they were dropped") {
  Watching all;
  const auto incarnation = makeIncarnationID();
  { const auto gone = acquireHere(all.store, incarnation); }
  all.watcher.rescan();
  all.loop.start();
  REQUIRE(waitUntil([&] { return all.deaths.count() == 1; }));
  { const auto dropped = all.deaths.take(); }
  all.rescan();
  REQUIRE(all.deaths.count() == 1);
  for (auto& dead : all.deaths.take()) dead.unlink();
  all.rescan();
  CHECK(all.deaths.count() == 0);
}

TEST_CASE("After a ring the directory is listed again only when it changed") {
  Watching all;
  all.loop.start();
  const auto ring = [&] {
    all.watcher.rescanIfChanged();
    all.loop.run([] {});
  };
  const auto released = makeIncarnationID();
  auto presence = std::make_unique<PresenceLock>(acquireHere(all.store, released));
  // As soon as the change lies so far back that another one would show as another time, rings list nothing any more.
  const std::int64_t madeAt = nowNanos();
  REQUIRE(waitUntil([&] {
    ring();
    return nowNanos() - madeAt > 300'000'000;
  }));
  presence.reset();  // which changes no directory
  ring();
  CHECK(all.deaths.count() == 0);
  all.rescan();
  CHECK(all.deaths.count() == 1);

  const auto killed = makeIncarnationID();
  Child holder = holderOf(all.store, killed);
  REQUIRE(holder.awaitReady());
  ring();  // a new one: watched from now on
  holder.signal(SIGKILL);
  CHECK(waitUntil([&] { return all.deaths.count() == 2; }));
  for (auto& dead : all.deaths.take()) dead.unlink();
}

TEST_CASE("A presence that a living process lets go is found by a rescan") {
  Watching all;
  all.loop.start();
  auto lock = std::make_unique<PresenceLock>(acquireHere(all.store, makeIncarnationID()));
  all.rescan();
  CHECK(all.deaths.count() == 0);
  lock.reset();
  all.rescan();
  CHECK(all.deaths.count() == 1);
}

TEST_CASE("Neither a stopped process nor one with a forged pid is handed over") {
  Watching all;
  all.loop.start();
  Child holder = holderOf(all.store, makeIncarnationID());
  REQUIRE(holder.awaitReady());
  // Its lock is held by this process, its pid is a process that ends.
  Child other = Child::fork([](const Child::Ready&) { return test::waitToBeKilled(); });
  PresenceInfo forged = PresenceInfo::ofThisProcess("b", "assistant");
  forged.pid = other.pid();
  const auto lock = PresenceLock::acquire(all.store.directory(), makeIncarnationID(), forged);
  all.rescan();
  holder.signal(SIGSTOP);
  other.signal(SIGKILL);
  other.join();
  all.rescan();
  all.rescan();
  CHECK(all.deaths.count() == 0);
}

TEST_CASE("Of many processes killed at once each is handed over exactly once") {
  Watching all;
  all.loop.start();
  std::set<IncarnationID> expected;
  std::vector<Child> holders;
  for (int i = 0; i < 20; ++i) {
    const auto incarnation = makeIncarnationID();
    expected.insert(incarnation);
    holders.push_back(holderOf(all.store, incarnation));
    REQUIRE(holders.back().awaitReady());
    if (i % 2 == 0) all.rescan();  // some are watched, some are met dead
  }
  for (const Child& holder : holders) holder.signal(SIGKILL);
  CHECK(waitUntil([&] {
    all.rescan();
    return all.deaths.count() >= expected.size();
  }));
  std::set<IncarnationID> found;
  for (auto& dead : all.deaths.take()) {
    CHECK(found.insert(dead.incarnation()).second);
    dead.unlink();
  }
  CHECK(found == expected);
  CHECK(listPresences(all.store.directory()).empty());
}

TEST_CASE("A watcher may be destroyed by what it calls, with more to tell") {
  test::ScratchStore store;
  for (int i = 0; i < 3; ++i) {
    const auto gone = acquireHere(store, makeIncarnationID());
  }
  EventLoop loop;
  loop.start();
  std::unique_ptr<PresenceWatcher> watcher;
  std::atomic<int> calls{0};
  watcher = std::make_unique<PresenceWatcher>(loop, store.directory(), [&](DeadPresence) {
    watcher.reset();
    ++calls;
  });
  watcher->rescan();
  CHECK(waitUntil([&] { return calls == 1; }));
  loop.run([] {});
  CHECK(calls == 1);
}

TEST_CASE("A rescan removes what killed processes left under temporary names") {
  Watching all;
  all.loop.start();
  const std::string leftover = all.store.directory().path("run/a/.new-x");
  std::ofstream(leftover) << "half";
  all.rescan();
  CHECK(::access(leftover.c_str(), F_OK) != 0);
}

TEST_CASE("A process that dies with much memory is handed over when the kernel has let go of its lock") {
  Watching all;
  all.loop.start();
  const auto incarnation = makeIncarnationID();
  Child holder = Child::fork([&](const Child::Ready& ready) {
    const auto lock = acquireHere(all.store, incarnation);
    std::vector<char> memory(std::size_t{128} << 20, 'm');
    ready();
    return test::waitToBeKilled() + memory[0];
  });
  REQUIRE(holder.awaitReady());
  all.rescan();
  const std::int64_t killedAt = nowNanos();
  holder.signal(SIGKILL);
  REQUIRE(waitUntil([&] { return all.deaths.count() == 1; }));
  std::cout << "handed over after " << (all.deaths.lastAt() - killedAt) / 1000 << " us\n";
}
