#include "ipc/stopped_writer.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>

#include "ipc/boot_clock.h"
#include "ipc/presence_lock.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using namespace std::chrono_literals;
using Action = StoppedWriterVerdict::Action;
using callsheet::test::Child;

namespace {

constexpr std::int64_t period = 250'000'000;

const IncarnationID holder = makeIncarnationID();
const IncarnationID other = makeIncarnationID();
const IncarnationID waiter = makeIncarnationID();

BoardEntry entry(IncarnationID incarnation, pid_t pid, WriterState state, std::uint64_t sequence) {
  return BoardEntry{
      .incarnation = incarnation, .pid = pid, .startTime = 1000, .writerState = state, .writerSequence = sequence};
}

// A waiter that looks every 250 ms at a board where process 1 writes, 2 may do something, and 3 is itself.
struct Waiter {
  explicit Waiter(StoppedWriter::Rule rule = {}) : writer(rule) {}
  StoppedWriter writer;
  std::int64_t now = 50'000'000'000;
  std::map<pid_t, ProcessState> processes{{1, {'T', 1000}}, {2, {'S', 1000}}, {3, {'S', 1000}}};
  BoardEntry first = entry(holder, 1, WriterState::writing, 5);
  BoardEntry second = entry(other, 2, WriterState::idle, 8);
  BoardEntry third = entry(waiter, 3, WriterState::wants, 1);
  int asked = 0;
  bool isWaiting = true;

  StoppedWriterVerdict look(std::int64_t gap = period) {
    now += gap;
    const BoardEntry entries[] = {first, second, third};
    return writer.look(now, isWaiting, entries, [this](pid_t pid) -> std::optional<ProcessState> {
      ++asked;
      const auto found = processes.find(pid);
      if (found == processes.end()) return std::nullopt;
      return found->second;
    });
  }
  // How many looks were told nothing before the first that was told something, at most `looks`.
  int looksUntilVerdict(int looks, StoppedWriterVerdict* verdict = nullptr) {
    for (int i = 0; i < looks; ++i) {
      const auto answer = look();
      if (verdict != nullptr) *verdict = answer;
      if (answer.action != Action::nothing) return i;
    }
    return looks;
  }
};

}  // namespace

TEST_CASE("A stopped writer that stood still for ten seconds is to be killed") {
  Waiter all;
  StoppedWriterVerdict verdict;
  // The first look begins the time; ten seconds are forty periods behind it.
  CHECK(all.looksUntilVerdict(100, &verdict) == 40);
  CHECK(verdict == StoppedWriterVerdict{Action::kill, holder, 1, 1000, 'T'});
  CHECK(all.look().action == Action::kill);  // until it is gone
  all.processes[1].letter = 't';
  CHECK(all.look().action == Action::kill);
}

TEST_CASE("Nothing is asked of the kernel before somebody has waited") {
  Waiter all({.actAfter = 0ns});
  CHECK(all.look().action == Action::nothing);
  CHECK(all.asked == 0);
  all.isWaiting = false;
  for (int i = 0; i < 100; ++i) CHECK(all.look().action == Action::nothing);
  CHECK(all.asked == 0);
  all.isWaiting = true;
  all.look();
  CHECK(all.asked == 0);
  CHECK(all.look().action == Action::kill);
}

TEST_CASE("Whoever may go on by itself is not killed") {
  Waiter all;
  SECTION("a running one") {
    all.processes[1].letter = 'R';
  }
  SECTION("a sleeping one") {
    all.processes[1].letter = 'S';
  }
  SECTION("a zombie, whose lock is free") {
    all.processes[1].letter = 'Z';
  }
  SECTION("one that is gone") {
    all.processes.erase(1);
  }
  SECTION("a later process with its pid") {
    all.processes[1].startTime = 1001;
  }
  SECTION("one that does not write") {
    all.first.writerState = WriterState::idle;
  }
  CHECK(all.looksUntilVerdict(200) == 200);
}

TEST_CASE("One in disk sleep and one that forbids it are reported once") {
  Waiter all;
  char letter = 'T';
  SECTION("disk sleep") {
    letter = 'D';
  }
  SECTION("its own option") {
    all.first.mayBeKilled = false;
  }
  SECTION("the killer's option") {
    all.writer = StoppedWriter({.mayKill = false});
  }
  SECTION("its own option, behind the lock and not shown yet") {
    all.first.mayBeKilled = false;
    all.first.writerState = WriterState::wants;
  }
  all.processes[1].letter = letter;
  StoppedWriterVerdict verdict;
  CHECK(all.looksUntilVerdict(100, &verdict) == 40);
  CHECK(verdict == StoppedWriterVerdict{Action::report, holder, 1, 1000, letter});
  CHECK(all.looksUntilVerdict(200) == 200);
}

TEST_CASE("One stopped behind the lock before it showed that is killed when a running one waited all the time") {
  Waiter all;
  all.first.writerState = WriterState::wants;
  StoppedWriterVerdict verdict;
  CHECK(all.looksUntilVerdict(100, &verdict) == 40);
  CHECK(verdict == StoppedWriterVerdict{Action::kill, holder, 1, 1000, 'T'});
}

TEST_CASE("One stopped where it only wants to write is reported once when another one may hold the lock") {
  Waiter all;
  all.first.writerState = WriterState::wants;
  SECTION("nobody that runs waits") {
    all.third.writerState = WriterState::idle;
  }
  SECTION("another one that wants to write is stopped too") {
    all.second.writerState = WriterState::wants;
    all.processes[2].letter = 'T';
  }
  SECTION("one shows that it writes") {
    all.second.writerState = WriterState::writing;
  }
  StoppedWriterVerdict verdict;
  CHECK(all.looksUntilVerdict(100, &verdict) == 40);
  CHECK(verdict.action == Action::report);
  // In the second section the other one is reported too.
  for (int i = 0; i < 200; ++i) CHECK(all.look().action != Action::kill);
}

TEST_CASE("A waiter that stood still itself says nothing about a free lock") {
  Waiter all;
  all.first.writerState = WriterState::wants;
  all.second.writerState = WriterState::wants;
  all.third.writerState = WriterState::idle;
  all.processes[2].letter = 'T';
  StoppedWriterVerdict verdict;
  REQUIRE(all.looksUntilVerdict(100, &verdict) == 40);
  CHECK(verdict.action == Action::report);  // two of them
  for (int i = 0; i < 10; ++i) CHECK(all.look().action != Action::kill);
  all.processes[2].letter = 'S';
  CHECK(all.looksUntilVerdict(100, &verdict) == 39);  // counted from its last stopped look
  CHECK(verdict.action == Action::kill);
  CHECK(verdict.incarnation == holder);
}

TEST_CASE("Any progress at the write lock begins the time anew") {
  Waiter all;
  REQUIRE(all.looksUntilVerdict(39) == 39);
  SECTION("its own next write") {
    all.first.writerSequence += 3;
  }
  SECTION("another's new incarnation in its place") {
    all.first.incarnation = makeIncarnationID();
  }
  SECTION("another one that writes") {
    all.second.writerState = WriterState::writing;
    all.second.writerSequence += 2;
  }
  SECTION("another one that has written between two looks") {
    all.second.writerSequence += 3;
  }
  StoppedWriterVerdict verdict;
  CHECK(all.looksUntilVerdict(200, &verdict) == 40);
  CHECK(verdict.action == Action::kill);
}

TEST_CASE("New waiters are no progress") {
  Waiter all;
  REQUIRE(all.looksUntilVerdict(39) == 39);
  all.second.writerState = WriterState::wants;
  ++all.second.writerSequence;
  CHECK(all.looksUntilVerdict(100) == 1);
}

TEST_CASE("Time in which the waiter itself slept counts for two periods at most") {
  Waiter all;
  all.look();
  CHECK(all.look(3600ll * 1'000'000'000).action == Action::nothing);
  CHECK(all.looksUntilVerdict(100) == 37);  // two of the forty periods have passed, and this counts from 0
}

TEST_CASE("A new waiting begins the time anew") {
  Waiter all;
  REQUIRE(all.looksUntilVerdict(39) == 39);
  all.isWaiting = false;
  all.look();
  all.isWaiting = true;
  CHECK(all.looksUntilVerdict(100) == 40);
}

TEST_CASE("A really stopped writer on a real board is killed and one that goes on is not") {
  const test::ScratchStore store;
  Board board = Board::open(store.directory());
  const auto incarnation = makeIncarnationID();
  Child writer = Child::fork([&](const Child::Ready& ready) {
    const auto lock =
        PresenceLock::acquire(store.directory(), incarnation, PresenceInfo::ofThisProcess("a", "assistant"));
    BoardSlot slot = board.takeSlot(incarnation, ::getpid());
    slot.writerWants();
    slot.writerBegan();
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(writer.awaitReady());
  StoppedWriter rule({.lookAfter = 5ms, .actAfter = 20ms, .period = 5ms});
  StoppedWriterVerdict verdict;
  const auto isToBeKilled = [&] {
    verdict = rule.look(nowNanos(), true, board.snapshot());
    return verdict.action == Action::kill;
  };
  CHECK_FALSE(test::waitUntil(isToBeKilled, 100ms));
  CHECK_FALSE(carryOut(verdict));
  writer.signal(SIGSTOP);
  REQUIRE(test::waitUntil(isToBeKilled));
  CHECK(verdict.pid == writer.pid());
  auto another = verdict;
  ++another.startTime;
  CHECK_FALSE(carryOut(another));
  CHECK(carryOut(verdict));
  CHECK(writer.join() == -SIGKILL);
  CHECK(test::waitUntil([&] { return presenceStateOf(store.directory(), incarnation) == PresenceState::free; }));
  CHECK_FALSE(test::waitUntil(isToBeKilled, 50ms));
}
