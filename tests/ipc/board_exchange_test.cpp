#include "ipc/board_exchange.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ipc/board.h"
#include "ipc/board_bytes.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;
using Awaited = CommitExchange::Awaited;

// One thread plays several processes, each with a place of its own. Where the product holds the store's write lock the
// tests say so; there is none here.

namespace {

struct Party {
  BoardSlot slot;
  std::unique_ptr<BoardExchange> exchange;

  /// The answer, when it comes in time.
  std::optional<std::string> answer() {
    std::string_view answer;
    if (exchange->await(answer) != Awaited::answer) return std::nullopt;
    return std::string(answer);
  }
  Awaited await() {
    std::string_view answer;
    return exchange->await(answer);
  }
  /// Asks, as whoever finds somebody else leading.
  void ask(const std::string& question) {
    REQUIRE_FALSE(exchange->tryLead());
    REQUIRE(exchange->ask(question));
  }
};

struct Parties {
  test::ScratchStore store;
  Board board = Board::open(store.directory());

  /// As a process that has had the write lock once, after which it may ask.
  Party join() {
    Party party = joinNew();
    (void)party.exchange->withdraw();
    party.exchange->settle(true);
    party.exchange->endLead();
    return party;
  }
  Party joinNew() {
    BoardSlot slot = board.takeSlot(makeIncarnationID(), ::getpid());
    auto exchange = board.takePlaceIfAny(slot);
    REQUIRE(exchange);
    return {std::move(slot), std::move(exchange)};
  }
};

/// A leader and somebody who has asked it "one".
struct AskingPair : Parties {
  struct Both {
    Party leader;
    Party asking;
  } both{join(), join()};

  AskingPair() {
    REQUIRE(both.leader.exchange->tryLead());
    both.asking.ask("one");
  }
};

/// What a leader does with the write lock held, up to its commit.
std::vector<std::string> serve(BoardExchange& leader) {
  REQUIRE_FALSE(leader.withdraw());
  std::vector<std::string> questions;
  while (const auto asked = leader.next()) {
    questions.emplace_back(asked->request);
    leader.answer(asked->place, "to " + questions.back());
  }
  return questions;
}

void commit(BoardExchange& leader) {
  leader.settle(true);
  leader.endLead();
}

}  // namespace

TEST_CASE("Who leads serves all who ask, and each gets its own answer") {
  Parties parties;
  Party leader = parties.join();
  Party one = parties.join();
  Party two = parties.join();
  REQUIRE(leader.exchange->tryLead());
  one.ask("one");
  two.ask("two");
  CHECK(serve(*leader.exchange) == std::vector<std::string>{"one", "two"});
  commit(*leader.exchange);
  CHECK(one.answer() == "to one");
  CHECK(two.answer() == "to two");
  // An answer is for one question.
  REQUIRE(one.exchange->tryLead());
  CHECK(serve(*one.exchange).empty());
  commit(*one.exchange);
}

TEST_CASE("Nobody is answered before the commit, and after none everybody goes for the lock") {
  AskingPair parties;
  auto& [leader, asking] = parties.both;
  (void)serve(*leader.exchange);
  // It waits in vain and then goes for the lock, which it gets only when the leader's transaction is over.
  CHECK_FALSE(asking.answer());
  leader.exchange->settle(false);
  leader.exchange->endLead();
  CHECK_FALSE(asking.answer());
  CHECK_FALSE(asking.exchange->withdraw());
  CHECK(asking.exchange->next() == std::nullopt);
  commit(*asking.exchange);
}

TEST_CASE("Who was served while he waited for the lock finds the answer there") {
  AskingPair parties;
  auto& [leader, asking] = parties.both;
  CHECK_FALSE(asking.answer());
  (void)serve(*leader.exchange);
  commit(*leader.exchange);
  const auto outcome = asking.exchange->withdraw();
  REQUIRE(outcome);
  CHECK(outcome->isDurable);
  CHECK(outcome->answer == "to one");
}

TEST_CASE(
    "A leader that is gone between commit and answers leaves an answer that may be true, and answers nothing later") {
  AskingPair parties;
  auto& [leader, asking] = parties.both;
  (void)serve(*leader.exchange);
  CHECK_FALSE(asking.answer());
  // The lock came free, so the leader is dead, or stopped as here.
  const auto outcome = asking.exchange->withdraw();
  REQUIRE(outcome);
  CHECK_FALSE(outcome->isDurable);
  CHECK(outcome->answer == "to one");
  commit(*asking.exchange);
  // It goes on, while the other one asks somebody else.
  Party third = parties.join();
  REQUIRE(third.exchange->tryLead());
  asking.ask("two");
  commit(*leader.exchange);
  CHECK(serve(*third.exchange) == std::vector<std::string>{"two"});
  commit(*third.exchange);
  CHECK(asking.answer() == "to two");
}

TEST_CASE("A leader that is gone before it answered leaves nothing to be taken for an answer") {
  Parties parties;
  Party leader = parties.join();
  Party asking = parties.join();
  // An answer from before stands in the same place.
  REQUIRE(leader.exchange->tryLead());
  asking.ask("one");
  (void)serve(*leader.exchange);
  commit(*leader.exchange);
  REQUIRE(asking.answer());
  REQUIRE(leader.exchange->tryLead());
  asking.ask("two");
  REQUIRE_FALSE(leader.exchange->withdraw());
  REQUIRE(leader.exchange->next());
  CHECK_FALSE(asking.answer());
  CHECK_FALSE(asking.exchange->withdraw());
}

TEST_CASE("What nobody wants to know any more is void before the place asks again") {
  AskingPair parties;
  auto& [leader, asking] = parties.both;
  asking.exchange->abandon();
  // Not while somebody may read the old question.
  CHECK_FALSE(asking.exchange->ask("two"));
  SECTION("when nobody took it") {
    CHECK_FALSE(asking.exchange->withdraw());
    CHECK(serve(*leader.exchange).empty());
  }
  SECTION("when somebody did") {
    CHECK(serve(*leader.exchange) == std::vector<std::string>{"one"});
    CHECK_FALSE(asking.exchange->withdraw());
    leader.exchange->settle(true);
    asking.exchange->settle(true);
    asking.exchange->endLead();
    REQUIRE(leader.exchange->tryLead());
    asking.ask("two");
    CHECK_FALSE(asking.answer());
  }
}

TEST_CASE("What is too large for a place is not asked, and not answered") {
  Parties parties;
  Party leader = parties.join();
  Party asking = parties.join();
  REQUIRE(leader.exchange->tryLead());
  REQUIRE_FALSE(asking.exchange->tryLead());
  CHECK_FALSE(asking.exchange->ask(std::string(detail::exchangedBytesMax + 1, 'x')));
  const std::string largest(detail::exchangedBytesMax, 'y');
  REQUIRE(asking.exchange->ask(largest));
  REQUIRE_FALSE(leader.exchange->withdraw());
  const auto asked = leader.exchange->next();
  REQUIRE(asked);
  CHECK(asked->request == largest);
  leader.exchange->answer(asked->place, std::string(detail::exchangedBytesMax + 1, 'z'));
  commit(*leader.exchange);
  CHECK_FALSE(asking.answer());
  CHECK_FALSE(asking.exchange->withdraw());
}

TEST_CASE("When a leader ends, one of those who still ask goes for the lock at once") {
  Parties parties;
  Party leader = parties.join();
  Party asking = parties.join();
  REQUIRE(leader.exchange->tryLead());
  REQUIRE_FALSE(leader.exchange->withdraw());
  CHECK_FALSE(leader.exchange->next());
  asking.ask("one");  // too late for this commit
  commit(*leader.exchange);
  CHECK(asking.await() == Awaited::turn);
  // It leads now: the others see that.
  CHECK_FALSE(leader.exchange->tryLead());
}

TEST_CASE("The lock says who leads, whatever the board said") {
  Parties parties;
  Party dead = parties.join();
  Party late = parties.join();
  Party third = parties.join();
  REQUIRE(dead.exchange->tryLead());
  late.ask("one");
  CHECK(late.await() == Awaited::nothing);
  REQUIRE_FALSE(late.exchange->withdraw());  // it has the lock, so nobody else does
  CHECK_FALSE(third.exchange->tryLead());
  commit(*late.exchange);
  CHECK(third.exchange->tryLead());
}

TEST_CASE("A place is given back, and that of a dead process is taken over with its question void") {
  Parties parties;
  Party leader = parties.join();
  std::vector<Party> others;
  for (std::size_t i = 2; i < detail::placeCount; ++i) others.push_back(parties.join());
  const auto dead = makeIncarnationID();
  Child child = Child::fork([&](const Child::Ready& ready) {
    BoardSlot slot = parties.board.takeSlot(dead, ::getpid());
    auto exchange = parties.board.takePlaceIfAny(slot);
    (void)exchange->withdraw();
    exchange->settle(true);
    exchange->endLead();
    ready();
    while (exchange->tryLead()) exchange->endLead();
    if (!exchange->ask("of the dead")) return 1;
    return test::waitToBeKilled();
  });
  REQUIRE(child.awaitReady());
  REQUIRE(test::waitUntil([&] { return leader.exchange->tryLead(); }));
  std::optional<CommitExchange::Asked> asked;
  REQUIRE_FALSE(leader.exchange->withdraw());
  REQUIRE(test::waitUntil([&] { return (asked = leader.exchange->next()).has_value(); }));
  leader.exchange->settle(false);
  BoardSlot without = parties.board.takeSlot(makeIncarnationID(), ::getpid());
  CHECK_FALSE(parties.board.takePlaceIfAny(without));
  child.signal(SIGKILL);
  CHECK(child.join() == -SIGKILL);
  Party heir = parties.joinNew();
  CHECK_FALSE(heir.exchange->ask("too early"));  // not before it had the lock
  CHECK_FALSE(heir.exchange->withdraw());
  commit(*heir.exchange);
  REQUIRE_FALSE(leader.exchange->withdraw());
  CHECK_FALSE(leader.exchange->next());
  others.pop_back();
  CHECK(parties.board.takePlaceIfAny(without));
}

TEST_CASE("Who usually comes back soon is waited for") {
  Parties parties;
  // Seconds where there are microseconds, so that it does not matter how busy the machine is.
  constexpr std::uint64_t nanosEach = 1'000'000'000;
  BoardSlot slot = parties.board.takeSlot(makeIncarnationID(), ::getpid());
  const auto leader = parties.board.takePlaceIfAny(slot, 60 * nanosEach);
  Party other = parties.join();
  const FileDescriptor file(::open(parties.store.directory().path("run/board").c_str(), O_RDWR | O_CLOEXEC));
  const auto write = [&](std::size_t offset, std::uint64_t value) {
    REQUIRE(::pwrite(file.number(), &value, sizeof value, static_cast<off_t>(offset)) == sizeof value);
  };
  constexpr std::size_t exchange = offsetof(detail::BoardBytes, exchange);
  constexpr std::size_t otherPlace = offsetof(detail::BoardBytes, places) + sizeof(detail::PlaceBytes);

  REQUIRE(leader->tryLead());
  REQUIRE_FALSE(leader->withdraw());
  other.ask("once");
  auto asked = leader->next();
  REQUIRE(asked);
  leader->answer(asked->place, "yes");
  CHECK_FALSE(leader->next());
  commit(*leader);
  REQUIRE(other.answer() == "yes");

  // Commits take two minutes now, and the other one comes back after twenty seconds.
  write(exchange + offsetof(detail::ExchangeBytes, commitNanos), 120 * nanosEach);
  REQUIRE(leader->tryLead());
  REQUIRE_FALSE(leader->withdraw());
  bool isAsked = false;
  std::thread asking([&] {
    const bool isWaitedFor = test::waitUntil([&] {
      std::uint32_t isLingering = 0;
      const auto offset = static_cast<off_t>(exchange + offsetof(detail::ExchangeBytes, isLingering));
      return ::pread(file.number(), &isLingering, sizeof isLingering, offset) == sizeof isLingering && isLingering == 1;
    });
    isAsked = isWaitedFor && !other.exchange->tryLead() && other.exchange->ask("again");
  });
  write(otherPlace + offsetof(detail::PlaceBytes, gapNanos), 20 * nanosEach);
  asked = leader->next();
  asking.join();
  CHECK(isAsked);
  REQUIRE(asked);
  CHECK(asked->request == "again");
  leader->settle(false);
  leader->endLead();
}
