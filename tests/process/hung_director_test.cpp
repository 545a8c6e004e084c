#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "ipc/board.h"
#include "ipc/presence_lock.h"
#include "tests/process/director_process.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// Directors that live and do not move: stopped by a signal for longer than their lease.
namespace callsheet::tests {

namespace {

constexpr std::chrono::seconds shortLease{5};  // the shortest

DirectorProcess principalWithShortLease(const Stage& stage) {
  DirectorProcess::Options options;
  options.lease = shortLease;
  DirectorProcess principal(stage, options);
  REQUIRE(principal.awaitStart());
  return principal;
}

/// What never moved on the board is not taken for hung.
bool waitForBeat(Stage& stage, IncarnationID incarnation) {
  const Board board = Board::open(stage.access().directory());
  return waitFor([&] {
    const auto entries = board.snapshot();
    return std::any_of(entries.begin(), entries.end(),
                       [&](const BoardEntry& one) { return one.incarnation == incarnation && one.beatBootNanos != 0; });
  });
}

/// A director by hand, so that it is known which commit is which: it registers, submits two jobs, claims one, and then
/// does what it was told; CALLSHEET_STOP_AT stops it with that in the store's queue. It says the claimed attempt, and
/// what became of its last verb.
int playZombie(RoleChannel& channel) {
  const auto access = StoreAccess::open(channel.argument("location"), channel.argument("id"), {});
  JobStore& store = access->store();
  const IncarnationID self = makeIncarnationID();
  const auto presence =
      PresenceLock::acquire(access->directory(), self, PresenceInfo::ofThisProcess("zombie", "assistant"));
  Board board = Board::open(access->directory());
  BoardSlot slot = board.takeSlot(self, ::getpid());
  slot.beat();
  if (!isAccepted(store.apply(RegisterIncarnation{self, "zombie", Role::assistant, {}, {"count"}}).verdict)) return 4;
  if (!isAccepted(store.apply(submitOf({newJob("count"), newJob("count")}, self)).verdict)) return 5;
  const auto claimed = store.apply(claimOf(self, 1, {"count"}));
  if (claimed.jobs.size() != 1) return 6;
  const JobRow& row = claimed.jobs.front().row;
  channel.say(row.id.toString() + " " + row.execID.toString());
  const std::string last = channel.argument("last");
  Verdict verdict = Verdict::unknown;
  if (last == "submit") verdict = store.apply(submitOf({newJob("count")}, self)).verdict;
  if (last == "claim") verdict = store.apply(claimOf(self, 1, {"count"})).verdict;
  if (last == "succeed")
    verdict = store.apply(Succeed{attemptOf(row), "\"" + row.execID.toString() + "\"", {}}).verdict;
  channel.say(std::string(toString(verdict)));
  while (channel.readLine()) {
  }
  return 0;
}
const RoleRegistration zombieRole("zombie", playZombie);

}  // namespace

TEST_CASE("what a stopped director had in its queue is fenced when it goes on after its adoption") {
  const std::string last = GENERATE("submit", "claim", "succeed");
  INFO("queued: " << last);
  Stage stage;
  DirectorProcess principal = principalWithShortLease(stage);
  RoleProcess zombie("zombie", {"location=" + stage.location(), "id=" + stage.id(), "last=" + last},
                     {{"CALLSHEET_STOP_AT", "commit.before:4"}});
  const auto words = wordsOf(zombie.readLine().value());
  REQUIRE(words.size() == 2);
  const JobID job = *JobID::parse(words[0]);
  // The lease passes, both jobs are adopted and run.
  REQUIRE(stage.waitForEffects(2));
  REQUIRE(stage.waitForAllDone());
  const JobRow before = stage.row(job);
  CHECK(before.execID != *ExecID::parse(words[1]));

  zombie.signal(SIGCONT);
  CHECK(zombie.readLine() == "fenced");
  CHECK(stage.store().totals().submitted == 2);
  CHECK(stage.effectCount() == 2);
  CHECK(stage.row(job).version == before.version);
  CHECK(stage.effectsOf(job).front().pid == principal.pid());
  CHECK(stage.effectsOf(job).front().exec == stage.row(job).execID);
  CHECK(stage.resultOf(job) == "\"" + stage.row(job).execID.toString() + "\"");
  zombie.kill();
  stage.expectNothingLeft();
}

TEST_CASE("a director that was stopped past its lease is fenced and begins anew when it goes on") {
  Stage stage;
  DirectorProcess principal = principalWithShortLease(stage);
  DirectorProcess zombie = DirectorProcess::assistant(stage, "zombie", 2);
  const IncarnationID former = zombie.incarnation();
  std::vector<JobID> jobs;
  for (int i = 0; i < 2; ++i) jobs.push_back(zombie.submit("stubborn").value());
  REQUIRE(stage.waitForEffects(2));
  const JobID queued = zombie.submit("count").value();
  REQUIRE(waitForBeat(stage, former));
  const JobRow attempt = stage.row(jobs[0]);

  zombie.process().signal(SIGSTOP);
  REQUIRE(stage.waitForEffects(5));  // the two that it ran and the one that it had not begun
  REQUIRE(stage.waitForDone({queued}));
  CHECK(stage.row(jobs[0]).holder == principal.incarnation().value);
  CHECK(stage.row(jobs[0]).holderDeaths == 0);  // a lease says nothing about the job

  SECTION("its submit is repeated, its claims and results are not") {
    // It reads this before its own clock has told it anything.
    const JobID late = makeJobID();
    zombie.process().send("submit " + late.toString() + " count {}");
    zombie.process().signal(SIGCONT);
    CHECK(zombie.process().readLine() == "accepted");
    REQUIRE(waitFor([&] {
      const auto now = zombie.askIncarnation();
      return now && !now->isNil() && *now != former;
    }));
    // Both of its old attempts still hold its two workers.
    stage.raiseFlag("release");
    REQUIRE(stage.waitForDone(jobs));
    for (const JobID job : jobs) {
      CHECK(stage.row(job).attempt == 2);
      CHECK(stage.effectsOf(job).back().pid == principal.pid());
    }
    CHECK(zombie.awaitDone(late));
    CHECK(stage.effectsOf(late).back().pid == zombie.pid());
    CHECK(stage.row(late).owner == stage.openAssistant("zombie"));
  }
  SECTION("in the store nothing of the closed incarnation counts") {
    CHECK(stage.store().apply(Succeed{attemptOf(attempt), "1", {}}).verdict == Verdict::fenced);
    CHECK(stage.store().apply(claimOf(former, 1, {"count"})).verdict == Verdict::fenced);
    CHECK(stage.store().apply(submitOf({newJob("count")}, former)).verdict == Verdict::fenced);
    zombie.process().signal(SIGCONT);
    stage.raiseFlag("release");
    REQUIRE(stage.waitForDone(jobs));
    for (const JobID job : jobs) CHECK(stage.row(job).attempt == 2);
  }
  SECTION("when its name was taken meanwhile it does not begin anew and what it submits is not lost") {
    DirectorProcess successor = DirectorProcess::assistant(stage, "zombie", 2);
    zombie.process().signal(SIGCONT);
    REQUIRE(waitFor([&] { return zombie.askIncarnation() == IncarnationID{}; }));
    stage.raiseFlag("release");
    const JobID late = zombie.submit("count").value();
    REQUIRE(stage.waitForDone({late}));
    CHECK(stage.openAssistant("zombie") == successor.incarnation());
    CHECK(successor.awaitDone(successor.submit("count").value()));
  }
  stage.expectNothingLeft();
}

TEST_CASE("a director that was stopped right after its start is fenced all the same") {
  Stage stage;
  DirectorProcess principal = principalWithShortLease(stage);
  DirectorProcess zombie = DirectorProcess::assistant(stage, "zombie", 2);
  const JobID job = zombie.submit("stubborn").value();
  REQUIRE(stage.waitForEffects(1));
  zombie.process().signal(SIGSTOP);
  REQUIRE(stage.waitForEffects(2));
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  zombie.kill();
  stage.expectNothingLeft();
}

TEST_CASE("a job given to an idle director that stands still is run by the principal after the lease") {
  Stage stage;
  DirectorProcess principal = principalWithShortLease(stage);
  DirectorProcess zombie = DirectorProcess::assistant(stage, "zombie", 2);
  REQUIRE(zombie.awaitDone(zombie.submit("count").value()));
  zombie.process().signal(SIGSTOP);
  const JobID job = stage.submit("count", "{}", "zombie");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  zombie.kill();
  stage.expectNothingLeft();
}

TEST_CASE("a director that works for longer than its lease is not fenced") {
  Stage stage;
  DirectorProcess::Options options;
  options.lease = shortLease;
  DirectorProcess principal(stage, options);
  REQUIRE(principal.awaitStart());
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
  const JobID job = assistant.submit("hold").value();
  const Board board = Board::open(stage.access().directory());
  const auto beats = [&] {
    for (const BoardEntry& one : board.snapshot())
      if (one.incarnation == assistant.incarnation()) return one.sequence;
    return std::uint64_t{0};
  };
  const std::uint64_t first = beats();
  REQUIRE(waitFor([&] { return beats() >= first + 7; }, std::chrono::seconds{60}));  // one a second
  stage.raiseFlag("release");
  CHECK(assistant.awaitDone(job));
  CHECK(stage.row(job).attempt == 1);
  CHECK(assistant.askIncarnation() == assistant.incarnation());
  stage.expectNothingLeft();
}

}  // namespace callsheet::tests
