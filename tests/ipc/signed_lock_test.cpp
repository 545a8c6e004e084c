#include "ipc/signed_lock.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "ipc/board.h"
#include "ipc/process_state.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using namespace std::chrono_literals;
using callsheet::test::Child;

namespace {

constexpr const char* path = "run/board.lock";

Child holderOf(const test::ScratchStore& store, bool mayBeKilled = true) {
  return Child::fork([&store, mayBeKilled](const Child::Ready& ready) {
    SignedLock::Rule rule;
    rule.mayBeKilled = mayBeKilled;
    const auto lock = SignedLock::acquire(store.directory(), path, rule);
    ready();
    return test::waitToBeKilled();
  });
}

test::Thrown refusalOf(const test::ScratchStore& store, SignedLock::Rule rule) {
  return test::errorOf([&] { static_cast<void>(SignedLock::acquire(store.directory(), path, rule)); });
}

bool names(const test::Thrown& error, const Child& holder) {
  return error.kind == ErrorKind::unavailable &&
         error.sentence.find("process " + std::to_string(holder.pid()) + " ") != std::string::npos;
}

}  // namespace

TEST_CASE("A holder that was stopped for the limit is killed by who waits") {
  const test::ScratchStore store;
  Child holder = holderOf(store);
  REQUIRE(holder.awaitReady());
  holder.signal(SIGSTOP);
  const auto lock = SignedLock::acquire(store.directory(), path, {.patience = 10s, .stoppedLimit = 50ms});
  CHECK(holder.join() == -SIGKILL);
}

TEST_CASE("A holder that runs, forbids it or stood still for less is named when the patience is over") {
  const test::ScratchStore store;
  const bool mayBeKilled = GENERATE(true, false);
  Child holder = holderOf(store, mayBeKilled);
  REQUIRE(holder.awaitReady());
  if (mayBeKilled) CHECK(names(refusalOf(store, {.patience = 200ms, .stoppedLimit = 20ms}), holder));
  holder.signal(SIGSTOP);
  if (mayBeKilled) CHECK(names(refusalOf(store, {.patience = 100ms, .stoppedLimit = 1h}), holder));
  if (!mayBeKilled) CHECK(names(refusalOf(store, {.patience = 200ms, .stoppedLimit = 20ms}), holder));
  CHECK(processState(holder.pid())->isStoppedOrTraced());  // it lives
}

TEST_CASE("Nobody is blamed who has let go") {
  const test::ScratchStore store;
  { const auto former = SignedLock::acquire(store.directory(), path); }
  // Held by somebody who does not sign.
  Child holder = Child::fork([&](const Child::Ready& ready) {
    OfdLock lock = OfdLock::open(store.directory().descriptor(), path);
    if (!lock.tryLock()) return 1;
    ready();
    return test::waitToBeKilled();
  });
  REQUIRE(holder.awaitReady());
  holder.signal(SIGSTOP);
  const auto error = refusalOf(store, {.patience = 200ms, .stoppedLimit = 20ms});
  CHECK(error.kind == ErrorKind::unavailable);
  CHECK(error.sentence.find("a process does not let go") != std::string::npos);
  holder.signal(SIGKILL);
  CHECK(holder.join() == -SIGKILL);
}

TEST_CASE("A process stopped while it takes a slot of the board does not keep others from theirs") {
  const test::ScratchStore store;
  static_cast<void>(Board::open(store.directory()));
  Child holder = holderOf(store);
  REQUIRE(holder.awaitReady());
  holder.signal(SIGSTOP);
  Board board = Board::open(store.directory());  // after the ten seconds of every stopped writer
  CHECK(holder.join() == -SIGKILL);
  CHECK_NOTHROW(static_cast<void>(board.takeSlot(makeIncarnationID(), ::getpid())));
}
