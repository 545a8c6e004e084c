#include "ipc/process_watcher.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "ipc/presence_lock.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;
using callsheet::test::waitUntil;
using Begin = ProcessWatcher::Begin;

namespace {
Child holderOf(const test::ScratchStore& store, IncarnationID incarnation) {
  return Child::fork([&](const Child::Ready& ready) {
    const auto lock =
        PresenceLock::acquire(store.directory(), incarnation, PresenceInfo::ofThisProcess("a", "assistant"));
    ready();
    return test::waitToBeKilled();
  });
}
}  // namespace

TEST_CASE("The end of a watched process is told once on the loop's thread and its lock is free then") {
  const test::ScratchStore store;
  EventLoop loop;
  loop.start();
  const auto incarnation = makeIncarnationID();
  Child holder = holderOf(store, incarnation);
  REQUIRE(holder.awaitReady());
  ProcessWatcher watcher(loop);
  std::atomic<int> calls{0};
  std::atomic<bool> onLoop{false};
  loop.run([&] {
    CHECK(watcher.watch(store.directory(), incarnation, holder.pid(), [&] {
      onLoop = loop.isLoopThread();
      ++calls;
    }) == Begin::watching);
  });
  holder.signal(SIGSTOP);
  loop.run([] {});
  CHECK(calls == 0);
  holder.signal(SIGKILL);
  CHECK(waitUntil([&] { return calls == 1; }));
  CHECK(onLoop);
  CHECK(waitUntil([&] { return presenceStateOf(store.directory(), incarnation) == PresenceState::free; }));
  loop.run([] {});
  CHECK(calls == 1);
}

TEST_CASE("A process whose presence is free is dead from the beginning, even when its pid lives") {
  const test::ScratchStore store;
  EventLoop loop;
  loop.start();
  const auto incarnation = makeIncarnationID();
  {
    const auto lock =
        PresenceLock::acquire(store.directory(), incarnation, PresenceInfo::ofThisProcess("a", "assistant"));
  }
  loop.run([&] {
    ProcessWatcher watcher(loop);
    const auto never = [] { FAIL("told of a death that was answered already"); };
    CHECK(watcher.watch(store.directory(), incarnation, ::getpid(), never) == Begin::dead);
    CHECK(watcher.watch(store.directory(), makeIncarnationID(), ::getpid(), never) == Begin::dead);
    CHECK(watcher.watch(store.directory(), incarnation, 0, never) == Begin::blind);
  });
}

TEST_CASE("A watcher that is gone does not tell") {
  const test::ScratchStore store;
  EventLoop loop;
  loop.start();
  const auto incarnation = makeIncarnationID();
  Child holder = holderOf(store, incarnation);
  REQUIRE(holder.awaitReady());
  std::atomic<int> calls{0};
  {
    ProcessWatcher watcher(loop);
    loop.run([&] {
      CHECK(watcher.watch(store.directory(), incarnation, holder.pid(), [&] { ++calls; }) == Begin::watching);
    });
  }
  holder.signal(SIGKILL);
  holder.join();
  loop.run([] {});
  CHECK(calls == 0);
}
