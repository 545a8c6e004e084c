#include "ipc/presence_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>

#include "core/crash_point.h"
#include "ipc/process_state.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;
namespace fs = std::filesystem;

namespace {

PresenceInfo ownInfo() {
  return PresenceInfo::ofThisProcess("thumbs", "assistant");
}

std::size_t filesIn(const StoreDirectory& store) {
  const fs::directory_iterator files(store.path(StoreDirectory::presences));
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// Acquires, is adopted and unlinked, all in one process, so that every crash point of a presence is passed.
const test::AddRole live("live-a-presence-life", [] {
  const auto store = StoreDirectory::open(std::getenv("CALLSHEET_TEST_LOCATION"), "main");
  const auto incarnation = makeIncarnationID();
  { const auto presence = PresenceLock::acquire(store, incarnation, ownInfo()); }
  auto dead = tryTakeDead(store, incarnation);
  if (!dead) return 1;
  dead->unlink();
  return 0;
});

}  // namespace

TEST_CASE("A presence says who holds it and is held until it is let go") {
  const test::ScratchStore store;
  const auto incarnation = makeIncarnationID();
  const PresenceInfo info = ownInfo();
  CHECK(info.pid == ::getpid());
  CHECK(info.startTime == processState(::getpid())->startTime);
  CHECK(info.bootID == currentBootID());
  CHECK(presenceStateOf(store.directory(), incarnation) == PresenceState::absent);
  {
    const auto presence = PresenceLock::acquire(store.directory(), incarnation, info);
    CHECK(presenceStateOf(store.directory(), incarnation) == PresenceState::held);
    CHECK_FALSE(tryTakeDead(store.directory(), incarnation));
    const auto all = listPresences(store.directory());
    REQUIRE(all.size() == 1);
    CHECK(all[0].incarnation == incarnation);
    CHECK(all[0].info == info);
    CHECK(all[0].held);
    CHECK(filesIn(store.directory()) == 1);
  }
  CHECK(presenceStateOf(store.directory(), incarnation) == PresenceState::free);
  CHECK_FALSE(listPresences(store.directory()).at(0).held);
}

TEST_CASE("An incarnation is present once") {
  const test::ScratchStore store;
  const auto incarnation = makeIncarnationID();
  { const auto presence = PresenceLock::acquire(store.directory(), incarnation, ownInfo()); }
  const auto again = [&] { static_cast<void>(PresenceLock::acquire(store.directory(), incarnation, ownInfo())); };
  CHECK(test::errorOf(again).kind == ErrorKind::conflict);
  CHECK(filesIn(store.directory()) == 1);
}

TEST_CASE("A killed process's presence can be taken by one only and stays until it is unlinked") {
  const test::ScratchStore store;
  const auto incarnation = makeIncarnationID();
  Child holder = Child::fork([&](const Child::Ready& ready) {
    const auto presence = PresenceLock::acquire(store.directory(), incarnation, ownInfo());
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(holder.awaitReady());
  CHECK_FALSE(tryTakeDead(store.directory(), incarnation));
  const pid_t pid = holder.pid();
  holder.signal(SIGSTOP);
  CHECK_FALSE(tryTakeDead(store.directory(), incarnation));  // stopped is not dead
  holder.signal(SIGKILL);
  holder.join();
  {
    const auto dead = tryTakeDead(store.directory(), incarnation);
    REQUIRE(dead);
    CHECK(dead->incarnation() == incarnation);
    CHECK(dead->info().pid == pid);
    CHECK(dead->info().name == "thumbs");
    CHECK_FALSE(tryTakeDead(store.directory(), incarnation));
  }
  auto dead = tryTakeDead(store.directory(), incarnation);  // given back without unlink, it is found again
  REQUIRE(dead);
  dead->unlink();
  CHECK(presenceStateOf(store.directory(), incarnation) == PresenceState::absent);
  CHECK_FALSE(tryTakeDead(store.directory(), incarnation));
}

TEST_CASE("Of two that clear away a dead presence at once only one has it") {
  const test::ScratchStore store;
  for (int round = 0; round < 300; ++round) {
    const auto incarnation = makeIncarnationID();
    { const auto gone = PresenceLock::acquire(store.directory(), incarnation, ownInfo()); }
    std::atomic<int> arrived{0};
    std::atomic<int> taken{0};
    const auto clearAway = [&] {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
      auto dead = tryTakeDead(store.directory(), incarnation);
      if (!dead) return;
      ++taken;
      dead->unlink();
    };
    std::thread other(clearAway);
    clearAway();
    other.join();
    REQUIRE(taken == 1);
  }
}

TEST_CASE("A presence that was closed cleanly leaves nothing") {
  const test::ScratchStore store;
  auto presence = PresenceLock::acquire(store.directory(), makeIncarnationID(), ownInfo());
  presence.releaseAndUnlink();
  presence.releaseAndUnlink();
  CHECK(filesIn(store.directory()) == 0);
}

TEST_CASE("A forked child can neither let go of nor unlink its parent's presence") {
  const test::ScratchStore store;
  auto presence = PresenceLock::acquire(store.directory(), makeIncarnationID(), ownInfo());
  Child child = Child::fork([&](const Child::Ready&) {
    presence.releaseAndUnlink();
    const auto taken = std::move(presence);
    return 0;
  });
  CHECK(child.join() == 0);
  CHECK(presenceStateOf(store.directory(), presence.incarnation()) == PresenceState::held);
}

TEST_CASE("Strange things among the presences are passed over and never followed") {
  const test::ScratchStore store;
  const std::string folder = store.directory().path(StoreDirectory::presences) + "/";
  const std::string target = store.location() + "/target";
  std::ofstream(target) << "pid=1\n";
  const auto linked = makeIncarnationID();
  const auto pipe = makeIncarnationID();
  const auto directory = makeIncarnationID();
  fs::create_symlink(target, folder + linked.toString() + ".lock");
  REQUIRE(::mkfifo((folder + pipe.toString() + ".lock").c_str(), 0600) == 0);
  fs::create_directory(folder + directory.toString() + ".lock");
  fs::create_symlink(target, folder + ".new-link");
  std::ofstream(folder + "notes.txt") << "x";
  std::ofstream(folder + "0000.lock") << "x";
  CHECK(listPresences(store.directory()).empty());
  CHECK_FALSE(tryTakeDead(store.directory(), linked));
  CHECK_FALSE(tryTakeDead(store.directory(), pipe));
  CHECK_FALSE(tryTakeDead(store.directory(), directory));
  CHECK(removeAbandonedPresences(store.directory()) == 0);
  CHECK(fs::exists(target));
}

TEST_CASE("What a presence file says is read with care") {
  const auto info = PresenceInfo::parse("pid=12\nnonsense\n=\nfuture=yes\nname=a=b\nstartTime=x\nbootID=zz\npid");
  CHECK(info.pid == 12);
  CHECK(info.name == "a=b");
  CHECK(info.startTime == 0);
  CHECK(info.bootID.isNil());
  PresenceInfo forged;
  forged.name = "x\npid=1";
  CHECK(PresenceInfo::parse(forged.toText(makeIncarnationID())).pid == 0);
}

TEST_CASE("Acquiring goes on while a principal tidies up all the time") {
  const test::ScratchStore store;
  std::atomic<bool> stop{false};
  std::thread principal([&] {
    while (!stop) removeAbandonedPresences(store.directory());
  });
  std::size_t held = 0;
  for (int i = 0; i < 300; ++i) {
    auto presence = PresenceLock::acquire(store.directory(), makeIncarnationID(), ownInfo());
    if (presenceStateOf(store.directory(), presence.incarnation()) == PresenceState::held) ++held;
    presence.releaseAndUnlink();
  }
  stop = true;
  principal.join();
  CHECK(held == 300);
  CHECK(filesIn(store.directory()) == 0);
}

TEST_CASE("A kill at any point of a presence's life leaves only what the principal can clear") {
  for (const std::string_view point : crashPointNames()) {
    if (!point.starts_with("presence.")) continue;
    const test::ScratchStore store;
    CAPTURE(point);
    Child victim = Child::role("live-a-presence-life", {{"CALLSHEET_CRASH_AT", std::string(point)},
                                                        {"CALLSHEET_TEST_LOCATION", store.location()}});
    REQUIRE(victim.join() == -SIGKILL);
    for (const Presence& presence : listPresences(store.directory())) {
      CHECK_FALSE(presence.held);
      CHECK(presence.info.name == "thumbs");  // whole, whenever it has its final name
      auto dead = tryTakeDead(store.directory(), presence.incarnation);
      REQUIRE(dead);
      dead->unlink();
    }
    removeAbandonedPresences(store.directory());
    CHECK(filesIn(store.directory()) == 0);
  }
}
