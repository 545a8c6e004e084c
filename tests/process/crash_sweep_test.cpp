#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/crash_point.h"
#include "core/names.h"
#include "core/schedule_changes.h"
#include "tests/process/director_process.h"
#include "tests/support/wait_for.h"

// A process is killed at every named crash point, in the life of an assistant and in that of a principal. Whatever it
// had promised until then is kept by the next principal.
namespace callsheet::tests {

namespace {

struct Asked {
  JobID id;
  std::string kind;
  bool isAcknowledged = false;
};

std::string parametersOf(const Stage& stage, const std::string& kind) {
  if (kind == commandKind) return stage.commandParameters();
  if (kind == "tree") return R"({"depth":1,"width":2,"napMillis":20})";
  return kind == "transfer" ? R"({"threads":1})" : "{}";
}

/// Asks as a program does: with an id of its own making, so that it may ask again when it got no answer.
void ask(const Stage& stage, DirectorProcess& director, std::vector<Asked>& asked, const std::string& kind) {
  asked.push_back({makeJobID(), kind, false});
  asked.back().isAcknowledged = director.submit(asked.back().id, kind, parametersOf(stage, kind));
}

/// A whole life: it starts, submits, runs, transfers, is fenced and begins anew, stops. Ends as soon as the director is
/// dead.
void live(Stage& stage, DirectorProcess& director, std::vector<Asked>& asked) {
  if (!director.awaitStart()) return;
  for (const char* kind : {"count", commandKind, "count", "tree", "transfer", "count"}) {
    ask(stage, director, asked, kind);
    if (!asked.back().isAcknowledged) return;
  }
  for (const Asked& one : asked)
    if (one.kind != "transfer" && !director.awaitDone(one.id)) return;
  const IncarnationID former = director.incarnation();
  CHECK(isAccepted(stage.store().apply(CloseIncarnation{former, Closing::hung, former}).verdict));
  for (const char* kind : {"count", "hold"}) {
    ask(stage, director, asked, kind);
    if (!asked.back().isAcknowledged) return;
  }
  if (!director.stop()) return;
  director.process().send("quit");
  director.process().waitForEnd();  // perhaps by the crash
}

/// What a dead assistant leaves to the principal: jobs that ran and jobs that stood in its queue.
std::vector<Asked> leaveWork(const Stage& stage) {
  std::vector<Asked> asked;
  DirectorProcess dead = DirectorProcess::assistant(stage, "dead", 2);
  for (int i = 0; i < 4; ++i) ask(stage, dead, asked, "hold");
  REQUIRE(waitFor([&] { return stage.effectCount() >= 2; }));
  dead.kill();
  stage.raiseFlag("release");
  return asked;
}

constexpr std::uint64_t firings = 5;

/// Fires so often, and is gone then. Every instant counts, also one that nobody was there for.
void giveSchedule(Stage& stage) {
  constexpr std::int64_t step = 30'000;
  Schedule schedule;
  schedule.name = "tick";
  const std::int64_t now = SystemClock().now().utcMicros;
  schedule.timing = IntervalTiming{now, step, now + step * static_cast<std::int64_t>(firings) + 1};
  schedule.policy.missed = MissedRuns::all;
  schedule.overlap = Overlap::allow;
  schedule.job.kind = "count";
  schedule.job.body.parameters = "{}";
  REQUIRE(stage.store().apply(putOf({}, std::move(schedule), false, now)).verdict == Verdict::ok);
}

/// That each of its instants made one job.
void expectFirings(Stage& stage) {
  CHECK(waitFor([&] { return !stage.store().schedule("tick"); }));
  std::set<std::int64_t> instants;
  const auto jobs = stage.store().occurrences("tick", {}, 100);
  for (const JobID id : jobs) instants.insert(stage.store().find(id)->body.occurrence);
  CHECK(jobs.size() == firings);
  CHECK(instants.size() == firings);
}

enum class Part { assistant, principal };

/// Whether the process reached the point and was killed there. In any case every job must come to its end afterwards.
bool crashAt(const std::string& point, Part part) {
  INFO("at " << point << " in the " << (part == Part::assistant ? "assistant" : "principal"));
  Stage stage;
  std::vector<Asked> asked;
  if (part == Part::principal) {
    asked = leaveWork(stage);
    giveSchedule(stage);
  }
  DirectorProcess::Options options;
  if (part == Part::assistant) options.name = "one";
  options.crashAt = point;
  DirectorProcess crashing(stage, options);
  live(stage, crashing, asked);
  const bool reached = crashing.process().endedBySignal(SIGKILL);

  stage.raiseFlag("release");
  DirectorProcess principal = DirectorProcess::principal(stage);
  for (const Asked& one : asked) {
    if (one.isAcknowledged) CHECK(stage.store().peek(one.id));
    // The answer was lost, so the caller asks again with the same id: that is still one job.
    if (!one.isAcknowledged) CHECK(principal.submit(one.id, one.kind, parametersOf(stage, one.kind)));
  }
  if (part == Part::principal) expectFirings(stage);
  stage.expectNothingLeft();
  for (const Asked& one : asked) CHECK(stage.row(one.id).outcome == JobOutcome::succeeded);
  CHECK(stage.store().totals().submitted == asked.size() + (part == Part::principal ? firings : 0));
  principal.stop();
  principal.quit();
  return reached;
}

}  // namespace

TEST_CASE("a process killed at any crash point loses nothing and leaves nothing behind", "[slow]") {
  std::set<std::string> reached;
  for (const char* point : crashPointNames())
    for (const Part part : {Part::assistant, Part::principal})
      if (crashAt(point, part))
        reached.insert(std::string(part == Part::assistant ? "assistant " : "principal ") + point);

  const auto has = [&](const std::string& one) {
    INFO(one << " was not reached");
    CHECK(reached.contains(one));
  };
  const std::set<std::string> onlyAssistants{"store.made", "transfer.requested", "transfer.left", "board.file-made",
                                             "board.renamed"};
  const std::set<std::string> onlyPrincipals{"adopt.moving",        "adopt.closed",     "adopt.sliced",
                                             "presence.dead-taken", "principal.locked", "schedule.fired"};
  for (const std::string point : crashPointNames()) {
    if (point.starts_with("exchange.")) continue;  // of processes that write at once: shared_commits_test
    if (!onlyPrincipals.contains(point)) has("assistant " + point);
    if (!onlyAssistants.contains(point)) has("principal " + point);
  }
}

TEST_CASE("a process killed around its second and third commit loses nothing", "[slow]") {
  for (const char* point : {"commit.before", "commit.locked", "commit.applied", "commit.after"})
    for (const char* count : {":2", ":3", ":4"})
      for (const Part part : {Part::assistant, Part::principal}) CHECK(crashAt(std::string(point) + count, part));
}

TEST_CASE("a process killed at a later pass of any crash point loses nothing and leaves nothing behind", "[slow]") {
  // Which later passes there are is a matter of timing; whatever they meet, the promises hold.
  std::size_t reached = 0;
  for (const char* point : crashPointNames())
    for (const char* count : {":2", ":3"})
      for (const Part part : {Part::assistant, Part::principal}) reached += crashAt(std::string(point) + count, part);
  CHECK(reached > crashPointNames().size());
}

TEST_CASE("a principal killed between any two steps of an adoption is followed by one that finishes it", "[slow]") {
  // Three slices of at most a thousand each; every step of the takeover happens more than once.
  for (const char* point : {"adopt.sliced:2", "adopt.sliced:3", "commit.applied:3", "commit.after:4"}) {
    INFO("at " << point);
    Stage stage;
    std::vector<JobID> jobs;
    {
      DirectorProcess dead = DirectorProcess::assistant(stage, "dead", 2);
      REQUIRE(dead.submit("hold"));
      REQUIRE(dead.submit("hold"));
      REQUIRE(waitFor([&] { return stage.effectCount() == 2; }));
      jobs = dead.submitMany(2500, "count");
      dead.kill();
    }
    DirectorProcess::Options options;
    options.crashAt = point;
    DirectorProcess crashing(stage, options);
    CHECK(crashing.process().endedBySignal(SIGKILL));
    stage.raiseFlag("release");
    DirectorProcess principal = DirectorProcess::principal(stage);
    stage.expectNothingLeft();
    CHECK(stage.store().totals().submitted == 2502);
    principal.quit();
  }
}

}  // namespace callsheet::tests
