#include "ipc/board.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "core/crash_point.h"
#include "ipc/boot_clock.h"
#include "ipc/presence_lock.h"
#include "ipc/process_state.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;
namespace fs = std::filesystem;

namespace {

PresenceInfo ownInfo() {
  return PresenceInfo::ofThisProcess("a", "assistant");
}

ino_t inodeOfBoard(const test::ScratchStore& store) {
  struct stat status {};
  REQUIRE(::stat(store.directory().path("run/board").c_str(), &status) == 0);
  return status.st_ino;
}

// Overwrites a part of the header: 8 layout version, 16 boot id, 32 PID namespace.
void damage(const test::ScratchStore& store, off_t offset, char byte) {
  const FileDescriptor file(::open(store.directory().path("run/board").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::pwrite(file.number(), &byte, 1, offset) == 1);
}

std::optional<BoardEntry> entryOf(const Board& board, IncarnationID incarnation) {
  for (const BoardEntry& entry : board.snapshot())
    if (entry.incarnation == incarnation) return entry;
  return std::nullopt;
}

const test::AddRole takeASlot("take-a-slot", [] {
  const auto store = StoreDirectory::open(std::getenv("CALLSHEET_TEST_LOCATION"), "main");
  Board board = Board::open(store);
  const auto slot = board.takeSlot(makeIncarnationID(), ::getpid());
  return 0;
});

// Runs `body` in a PID namespace of its own that has its own /proc; 77 when the machine does not allow that.
int inOtherPidNamespace(const std::function<int()>& body) {
  return Child::fork([&](const Child::Ready&) {
           if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return 77;
           if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
           Child inner = Child::fork(
               [&](const Child::Ready&) { return ::mount("proc", "/proc", "proc", 0, nullptr) == 0 ? body() : 77; });
           return inner.join();
         })
      .join();
}

}  // namespace

TEST_CASE("What one process shows on the board another one sees") {
  const test::ScratchStore store;
  Board board = Board::open(store.directory());
  const auto incarnation = makeIncarnationID();
  CHECK(board.snapshot().empty());
  Child other = Child::fork([&](const Child::Ready& ready) {
    Board same = Board::open(store.directory());
    BoardSlot slot = same.takeSlot(incarnation, ::getpid(), false);
    slot.beat();
    slot.beat();
    slot.writerWants();
    slot.writerBegan();
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(other.awaitReady());
  const auto entry = entryOf(board, incarnation);
  REQUIRE(entry);
  CHECK(entry->pid == other.pid());
  CHECK(entry->startTime == processState(other.pid())->startTime);
  CHECK(entry->sequence == 2);
  CHECK(entry->beatBootNanos > nowNanos() - 60'000'000'000);
  CHECK(entry->beatBootNanos <= nowNanos());
  CHECK(entry->writerState == WriterState::writing);
  CHECK(entry->writerSequence == 2);
  CHECK(entry->writerBeganBootNanos >= entry->beatBootNanos);
  CHECK_FALSE(entry->mayBeKilled);
}

TEST_CASE("A slot shows each change of its owner and is free when that is gone") {
  const test::ScratchStore store;
  Board board = Board::open(store.directory());
  const auto incarnation = makeIncarnationID();
  {
    BoardSlot slot = board.takeSlot(incarnation, ::getpid());
    CHECK(entryOf(board, incarnation)->beatBootNanos == 0);
    CHECK(entryOf(board, incarnation)->sequence == 0);
    slot.beat();
    CHECK(entryOf(board, incarnation)->beatBootNanos != 0);
    slot.rest();
    CHECK(entryOf(board, incarnation)->beatBootNanos == 0);
    CHECK(entryOf(board, incarnation)->sequence == 2);
    slot.writerWants();
    CHECK(entryOf(board, incarnation)->writerState == WriterState::wants);
    slot.writerBegan();
    slot.writerCleared();
    CHECK(entryOf(board, incarnation)->writerState == WriterState::idle);
    CHECK(entryOf(board, incarnation)->writerSequence == 3);
    BoardSlot moved = std::move(slot);
    moved.beat();
    CHECK(entryOf(board, incarnation)->sequence == 3);
    Child child = Child::fork([&](const Child::Ready&) {
      moved.beat();
      const BoardSlot taken = std::move(moved);
      return 0;
    });
    CHECK(child.join() == 0);
    CHECK(entryOf(board, incarnation)->sequence == 3);
  }
  CHECK_FALSE(entryOf(board, incarnation));
  const BoardSlot next = board.takeSlot(incarnation, ::getpid());
  CHECK(entryOf(board, incarnation)->sequence == 0);  // nothing of its former holder
  CHECK(entryOf(board, incarnation)->writerSequence == 0);
}

TEST_CASE("A slot may outlive its board object") {
  const test::ScratchStore store;
  auto board = std::make_unique<Board>(Board::open(store.directory()));
  const auto incarnation = makeIncarnationID();
  BoardSlot slot = board->takeSlot(incarnation, ::getpid());
  board.reset();
  slot.beat();
  CHECK(entryOf(Board::open(store.directory()), incarnation)->sequence == 1);
}

TEST_CASE("A full board gives the slots of the dead and then refuses with a hint") {
  const test::ScratchStore store;
  Board board = Board::open(store.directory());
  const auto deadPresence = makeIncarnationID();
  const auto stoppedOwner = makeIncarnationID();
  std::vector<BoardSlot> slots;
  Child killed = Child::fork([&](const Child::Ready& ready) {
    const auto lock = PresenceLock::acquire(store.directory(), deadPresence, ownInfo());
    const auto slot = board.takeSlot(deadPresence, ::getpid());
    const auto withoutPresence = board.takeSlot(makeIncarnationID(), ::getpid());
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(killed.awaitReady());
  Child stopped = Child::fork([&](const Child::Ready& ready) {
    const auto lock = PresenceLock::acquire(store.directory(), stoppedOwner, ownInfo());
    const auto slot = board.takeSlot(stoppedOwner, ::getpid());
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(stopped.awaitReady());
  stopped.signal(SIGSTOP);
  for (std::size_t i = 3; i < Board::slotCount; ++i) slots.push_back(board.takeSlot(makeIncarnationID(), ::getpid()));
  CHECK(board.snapshot().size() == Board::slotCount);
  CHECK(test::errorOf([&] { static_cast<void>(board.takeSlot(makeIncarnationID(), ::getpid())); }).kind ==
        ErrorKind::unavailable);
  killed.signal(SIGKILL);
  killed.join();
  slots.push_back(board.takeSlot(makeIncarnationID(), ::getpid()));
  slots.push_back(board.takeSlot(makeIncarnationID(), ::getpid()));
  CHECK(entryOf(board, stoppedOwner));
  CHECK_FALSE(entryOf(board, deadPresence));
  CHECK_THROWS_AS(static_cast<void>(board.takeSlot(makeIncarnationID(), ::getpid())), Error);
  stopped.signal(SIGKILL);
  stopped.join();
  CHECK(board.freeDeadSlots() == 1);
  CHECK(board.freeDeadSlots() == 0);
}

TEST_CASE("A board that cannot be had now is blank and made good for later") {
  const test::ScratchStore store;
  // Where the board would be made a directory of that name is in the way.
  const fs::path blocked = store.directory().path("run/board.new");
  fs::create_directories(blocked / "in the way");
  CHECK_THROWS_AS(static_cast<void>(Board::open(store.directory())), Error);
  Board board = Board::openIfPossible(store.directory());
  CHECK(board.isBlank());
  CHECK(board.snapshot().empty());
  CHECK(board.freeDeadSlots() == 0);
  CHECK_FALSE(board.takeSlotIfAny(makeIncarnationID(), ::getpid()));
  CHECK_THROWS_AS(static_cast<void>(board.takeSlot(makeIncarnationID(), ::getpid())), Error);
  CHECK_NOTHROW(Board::requireUsable(store.directory()));
  fs::remove_all(blocked);
  const auto slot = board.takeSlotIfAny(makeIncarnationID(), ::getpid());
  CHECK(slot);
  CHECK(board.snapshot().size() == 1);
}

TEST_CASE("A slot that was taken away from its owner is not touched by it any more") {
  const test::ScratchStore store;
  Board board = Board::open(store.directory());
  const auto former = makeIncarnationID();
  auto lock = std::make_unique<PresenceLock>(PresenceLock::acquire(store.directory(), former, ownInfo()));
  BoardSlot slot = board.takeSlot(former, ::getpid());
  lock.reset();  // the wrong order: the presence before the slot
  CHECK(board.freeDeadSlots() == 1);
  const auto next = makeIncarnationID();
  const BoardSlot nextSlot = board.takeSlot(next, ::getpid());
  slot.beat();
  slot.writerBegan();
  { const BoardSlot gone = std::move(slot); }
  REQUIRE(entryOf(board, next));
  CHECK(entryOf(board, next)->sequence == 0);
  CHECK(entryOf(board, next)->writerState == WriterState::idle);
}

TEST_CASE("Slots taken by many threads and processes at once are all different") {
  const test::ScratchStore store;
  const auto takeMany = [&] {
    Board board = Board::open(store.directory());
    std::vector<BoardSlot> slots;
    for (int i = 0; i < 20; ++i) {
      const auto incarnation = makeIncarnationID();
      slots.push_back(board.takeSlot(incarnation, ::getpid()));
      slots.back().beat();
      if (entryOf(board, incarnation)->sequence != 1) return 1;
    }
    for (const BoardEntry& entry : board.snapshot())
      if (entry.sequence > 1) return 2;
    return 0;
  };
  std::vector<Child> children;
  for (int i = 0; i < 3; ++i) children.push_back(Child::fork([&](const Child::Ready&) { return takeMany(); }));
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { failures += takeMany(); });
  for (auto& thread : threads) thread.join();
  for (auto& child : children) CHECK(child.join() == 0);
  CHECK(failures == 0);
  CHECK(Board::open(store.directory()).snapshot().empty());
}

TEST_CASE("A board of this boot is kept and one of another boot or a damaged one is made anew") {
  const test::ScratchStore store;
  { const Board board = Board::open(store.directory()); }
  const ino_t first = inodeOfBoard(store);
  const auto keeper = FileDescriptor(::open(store.directory().path("run/board").c_str(), O_RDONLY | O_CLOEXEC));
  { const Board again = Board::open(store.directory()); }
  CHECK(inodeOfBoard(store) == first);
  SECTION("another boot") {
    damage(store, 16, '!');
  }
  SECTION("a damaged beginning") {
    damage(store, 0, '!');
  }
  SECTION("cut short") {
    fs::resize_file(store.directory().path("run/board"), 4096);
  }
  SECTION("empty, as after a power cut") {
    fs::resize_file(store.directory().path("run/board"), 0);
  }
  const Board board = Board::open(store.directory());
  CHECK(inodeOfBoard(store) != first);
  CHECK(board.snapshot().empty());
}

TEST_CASE("A board that another version's living process may use is not replaced") {
  const test::ScratchStore store;
  { const Board board = Board::open(store.directory()); }
  const ino_t first = inodeOfBoard(store);
  Child holder = Child::fork([&](const Child::Ready& ready) {
    const auto lock = PresenceLock::acquire(store.directory(), makeIncarnationID(), ownInfo());
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(holder.awaitReady());
  damage(store, 8, 99);
  const auto error = test::errorOf([&] { static_cast<void>(Board::open(store.directory())); });
  CHECK(error.kind == ErrorKind::unsupported);
  CHECK(error.sentence.find("version") != std::string::npos);
  CHECK(inodeOfBoard(store) == first);
  holder.signal(SIGKILL);
  holder.join();
  CHECK_NOTHROW(static_cast<void>(Board::open(store.directory())));
}

TEST_CASE("A store in use from one PID namespace is refused in another until nobody lives there") {
  const test::ScratchStore store;
  { const Board board = Board::open(store.directory()); }
  const auto openThere = [&] {
    return inOtherPidNamespace([&] {
      try {
        static_cast<void>(Board::open(store.directory()));
        return 0;
      } catch (const Error& error) {
        const bool hints = std::string(error.what()).find("--pid=host") != std::string::npos;
        return error.kind() == ErrorKind::unsupported && hints ? 1 : 2;
      }
    });
  };
  {
    const auto lock = PresenceLock::acquire(store.directory(), makeIncarnationID(), ownInfo());
    const int refused = openThere();
    if (refused == 77) {
      std::cout << "SKIPPED: a PID namespace of its own needs more rights\n";
      return;
    }
    CHECK(refused == 1);
  }
  CHECK(openThere() == 0);
}

TEST_CASE("A kill at any point of the board's making or a slot's taking harms nobody") {
  for (const std::string_view point : crashPointNames()) {
    if (!point.starts_with("board.")) continue;
    CAPTURE(point);
    const test::ScratchStore store;
    Child victim = Child::role(
        "take-a-slot", {{"CALLSHEET_CRASH_AT", std::string(point)}, {"CALLSHEET_TEST_LOCATION", store.location()}});
    REQUIRE(victim.join() == -SIGKILL);
    Board board = Board::open(store.directory());
    CHECK(board.snapshot().empty());
    std::vector<BoardSlot> slots;
    for (std::size_t i = 0; i < Board::slotCount; ++i) slots.push_back(board.takeSlot(makeIncarnationID(), ::getpid()));
    CHECK(board.snapshot().size() == Board::slotCount);
  }
}

TEST_CASE("A slot needs an incarnation and a process") {
  const test::ScratchStore store;
  Board board = Board::open(store.directory());
  CHECK(test::errorOf([&] { static_cast<void>(board.takeSlot(IncarnationID{}, ::getpid())); }).kind ==
        ErrorKind::invalid);
  Child gone = Child::fork([](const Child::Ready&) { return 0; });
  const pid_t pid = gone.pid();
  gone.join();
  CHECK(test::errorOf([&] { static_cast<void>(board.takeSlot(makeIncarnationID(), pid)); }).kind == ErrorKind::invalid);
}
