#include "ipc/board_exchange.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
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
  Parties parties;
  Party leader = parties.join();
  Party asking = parties.join();
  REQUIRE(leader.exchange->tryLead());
  asking.ask("one");
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
  Parties parties;
  Party leader = parties.join();
  Party asking = parties.join();
  REQUIRE(leader.exchange->tryLead());
  asking.ask("one");
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
  Parties parties;
  Party leader = parties.join();
  Party asking = parties.join();
  REQUIRE(leader.exchange->tryLead());
  asking.ask("one");
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
  Parties parties;
  Party leader = parties.join();
  Party asking = parties.join();
  REQUIRE(leader.exchange->tryLead());
  asking.ask("one");
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
  Party leader = parties.join();
  Party other = parties.join();
  const auto begin = [&] {
    REQUIRE(leader.exchange->tryLead());
    REQUIRE_FALSE(leader.exchange->withdraw());
  };
  const auto spend = [](std::chrono::microseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
    }
  };
  const auto serveAndCommit = [&](std::optional<CommitExchange::Asked> asked) {
    for (; asked; asked = leader.exchange->next()) leader.exchange->answer(asked->place, "yes");
    spend(std::chrono::milliseconds{1});  // long enough for a wait to be worth it
    commit(*leader.exchange);
  };
  for (int i = 0; i < 30; ++i) {
    spend(std::chrono::microseconds{100});
    begin();
    other.ask("again");
    serveAndCommit(leader.exchange->next());
    REQUIRE(other.answer());
  }
  // Now its question comes a little after the leader has begun to look for it; on a machine that is busy, too late.
  constexpr int rounds = 200;
  std::atomic<int> round = 0;  // that the leader has begun
  std::atomic<int> asked = 0;  // rounds for which the other one has asked
  std::thread asking([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (round < i) std::this_thread::yield();
      spend(std::chrono::microseconds{30});
      if (other.exchange->tryLead() || !other.exchange->ask("back")) return;
      asked = i;
    }
  });
  int met = 0;
  for (int i = 1; i <= rounds; ++i) {
    begin();
    round = i;
    const auto question = leader.exchange->next();
    met += question ? 1 : 0;
    if (!test::waitUntil([&] { return asked == i; })) break;
    serveAndCommit(question);
    if (!other.answer()) {
      (void)other.exchange->withdraw();
      commit(*other.exchange);
    }
    spend(std::chrono::microseconds{70});
  }
  const bool wasWell = asked == rounds;
  round = rounds;
  asking.join();
  REQUIRE(wasWell);
  CHECK(met >= rounds / 20);
}
