#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "callsheet/job_director.h"
#include "ipc/board.h"
#include "ipc/presence_lock.h"
#include "tests/process/director_process.h"
#include "tests/support/wait_for.h"

// Deaths, and every order in which directors start and end. The lease is an hour, so nothing here happens because of
// it.
namespace callsheet::tests {

namespace {

struct Work {
  std::vector<JobID> running;
  std::vector<JobID> ready;
  [[nodiscard]] std::vector<JobID> all() const {
    std::vector<JobID> both = running;
    both.insert(both.end(), ready.begin(), ready.end());
    return both;
  }
};

/// Two jobs that run until they are released fill both of its workers; three stand in its queue.
Work occupy(const Stage& stage, DirectorProcess& director) {
  Work work;
  const std::size_t before = stage.effectCount();
  for (int i = 0; i < 2; ++i) work.running.push_back(director.submit("hold").value());
  REQUIRE(stage.waitForEffects(before + 2));
  for (int i = 0; i < 3; ++i) work.ready.push_back(director.submit("count").value());
  return work;
}

void expectRunBy(const Stage& stage, const std::vector<JobID>& jobs, pid_t pid) {
  for (const JobID job : jobs) {
    const auto effects = stage.effectsOf(job);
    REQUIRE_FALSE(effects.empty());
    CHECK(effects.back().pid == pid);
  }
}

}  // namespace

TEST_CASE("a living principal takes over a killed assistant's jobs") {
  Stage stage;
  const bool principalFirst = GENERATE(true, false);
  INFO("principal first: " << principalFirst);
  std::optional<DirectorProcess> principal;
  if (principalFirst) principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
  const Work work = occupy(stage, assistant);
  if (!principalFirst) principal = DirectorProcess::principal(stage);
  assistant.kill();
  REQUIRE(stage.waitForEffects(4));  // the two that were running begin again
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone(work.all()));
  expectRunBy(stage, work.all(), principal->pid());
  for (const JobID job : work.running) CHECK(stage.row(job).holderDeaths == 0);
  for (const JobID job : work.running) CHECK(stage.countOf(job, Move::holderEnded) == 1);
  stage.expectNothingLeft();
}

TEST_CASE("two assistants that die at one moment are both taken over") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess one = DirectorProcess::assistant(stage, "one", 2);
  DirectorProcess two = DirectorProcess::assistant(stage, "two", 2);
  std::vector<JobID> jobs = occupy(stage, one).all();
  for (const JobID job : occupy(stage, two).all()) jobs.push_back(job);
  REQUIRE(::kill(one.pid(), SIGKILL) == 0);
  REQUIRE(::kill(two.pid(), SIGKILL) == 0);
  REQUIRE(stage.waitForEffects(8));  // all four that were running begin again
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone(jobs));
  expectRunBy(stage, jobs, principal.pid());
  one.kill();
  two.kill();
  stage.expectNothingLeft();
}

TEST_CASE("half of all takeovers take less than a quarter of a second from the kill to the job's next start",
          "[serial]") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  std::vector<std::chrono::microseconds> delays;
  for (int round = 0; round < 20; ++round) {
    DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 1);
    const std::size_t before = stage.effectCount();
    const JobID job = assistant.submit("hold").value();
    REQUIRE(stage.waitForEffects(before + 1));
    const auto killed = std::chrono::steady_clock::now();
    assistant.process().signal(SIGKILL);
    REQUIRE(stage.waitForEffects(before + 2));
    delays.push_back(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - killed));
    stage.raiseFlag("release");
    REQUIRE(stage.waitForDone({job}));
    stage.lowerFlag("release");
  }
  std::sort(delays.begin(), delays.end());
  std::printf("takeover: median %lld us, longest %lld us of %zu\n",
              static_cast<long long>(delays[delays.size() / 2].count()), static_cast<long long>(delays.back().count()),
              delays.size());
  CHECK(delays[delays.size() / 2] < std::chrono::milliseconds{250});
  stage.expectNothingLeft();
}

TEST_CASE("a principal that starts later takes over what a dead assistant left") {
  Stage stage;
  Work work;
  {
    DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
    work = occupy(stage, assistant);
    assistant.kill();
  }
  for (const JobID job : work.running) CHECK(stage.row(job).state == JobState::inProgress);
  stage.raiseFlag("release");
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone(work.all()));
  expectRunBy(stage, work.all(), principal.pid());
  stage.expectNothingLeft();
}

TEST_CASE("a new principal finishes what a dead principal and a dead assistant left") {
  Stage stage;
  std::vector<JobID> jobs;
  {
    DirectorProcess::Options two;
    two.workers = 2;
    DirectorProcess principal(stage, two);
    REQUIRE(principal.awaitStart());
    DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
    for (DirectorProcess* director : {&principal, &assistant}) {
      const Work work = occupy(stage, *director);
      for (const JobID job : work.all()) jobs.push_back(job);
    }
    const bool principalDiesFirst = GENERATE(true, false);
    (principalDiesFirst ? principal : assistant).kill();
    (principalDiesFirst ? assistant : principal).kill();
  }
  stage.raiseFlag("release");
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone(jobs));
  expectRunBy(stage, jobs, principal.pid());
  stage.expectNothingLeft();
}

TEST_CASE("an assistant goes on undisturbed while principals die and start") {
  Stage stage;
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
  const JobID held = assistant.submit("hold").value();
  REQUIRE(stage.waitForEffects(1));
  for (int i = 0; i < 3; ++i) {
    DirectorProcess principal = DirectorProcess::principal(stage);
    const JobID mine = principal.submit("count").value();
    CHECK(principal.awaitDone(mine));
    principal.kill();
    const JobID own = assistant.submit("count").value();
    CHECK(assistant.awaitDone(own));
    expectRunBy(stage, {own}, assistant.pid());
  }
  stage.raiseFlag("release");
  CHECK(assistant.awaitDone(held));
  CHECK(stage.row(held).attempt == 1);
  DirectorProcess principal = DirectorProcess::principal(stage);
  stage.expectNothingLeft();
}

TEST_CASE("2500 jobs of a killed assistant are adopted slice by slice") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
  const Work work = occupy(stage, assistant);
  REQUIRE(assistant.submitMany(2495, "count").size() == 2495);
  const IncarnationID dead = assistant.incarnation();
  assistant.kill();
  stage.raiseFlag("release");
  REQUIRE(stage.waitForAllDone());
  const auto incarnations = stage.store().incarnations();
  const auto row =
      std::find_if(incarnations.begin(), incarnations.end(), [&](const auto& one) { return one.id == dead; });
  REQUIRE(row != incarnations.end());
  CHECK(row->adopted == 2500);
  stage.expectNothingLeft();
}

TEST_CASE("a child that an assistant forked does not delay the takeover of its jobs") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
  const Work work = occupy(stage, assistant);
  const pid_t child = assistant.fork().value();
  assistant.kill();
  REQUIRE(stage.waitForEffects(4));
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone(work.all()));
  stage.expectNothingLeft();
  CHECK(::kill(child, SIGKILL) == 0);  // it lived all the while
}

TEST_CASE("who takes a dead assistant's name gets none of its jobs") {
  Stage stage;
  DirectorProcess dead = DirectorProcess::assistant(stage, "one", 2);
  const Work work = occupy(stage, dead);
  dead.kill();

  DirectorProcess second = DirectorProcess::assistant(stage, "one", 4);
  CHECK(second.incarnation() != dead.incarnation());
  const JobID own = second.submit("count").value();
  CHECK(second.awaitDone(own));
  // The second one has claimed since, with workers to spare: these stand where they stood.
  for (const JobID job : work.running) CHECK(stage.effectsOf(job).size() == 1);
  for (const JobID job : work.ready) CHECK(stage.effectsOf(job).empty());
  for (const JobID job : work.all()) CHECK(stage.row(job).owner == dead.incarnation());

  stage.raiseFlag("release");
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone(work.all()));
  expectRunBy(stage, work.all(), principal.pid());
  CHECK(stage.openAssistant("one") == second.incarnation());
  stage.expectNothingLeft();
}

TEST_CASE("an assistant that died on its way into the store does not keep its name") {
  const std::string point =
      GENERATE("presence.file-made", "presence.locked", "presence.linked", "bell.bound", "director.registered");
  // Twice for the presence: a process has one as a writer before its director gets one.
  const std::string count = point.starts_with("presence") ? ":2" : "";
  INFO("at " << point);
  Stage stage;
  DirectorProcess::Options options;
  options.name = "one";
  options.crashAt = point + count;
  DirectorProcess crashing(stage, options);
  CHECK_FALSE(crashing.awaitStart());
  REQUIRE(crashing.process().endedBySignal(SIGKILL));
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  CHECK(assistant.awaitDone(assistant.submit("count").value()));
  DirectorProcess principal = DirectorProcess::principal(stage);
  CHECK(assistant.awaitDone(assistant.submit("count").value()));
  stage.expectNothingLeft();
}

TEST_CASE("a second principal and a second living assistant of a name are refused across processes") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one");
  DirectorProcess secondPrincipal(stage, {});
  CHECK_FALSE(secondPrincipal.awaitStart());
  CHECK(secondPrincipal.whyNot().find("process " + std::to_string(principal.pid()) + " is the principal") !=
        std::string::npos);
  DirectorProcess::Options sameName;
  sameName.name = "one";
  DirectorProcess secondAssistant(stage, sameName);
  CHECK_FALSE(secondAssistant.awaitStart());
  CHECK(secondAssistant.whyNot().find("a living director is named 'one'") != std::string::npos);
  // Those that were there first notice nothing.
  CHECK(principal.awaitDone(principal.submit("count").value()));
  CHECK(assistant.awaitDone(assistant.submit("count").value()));
  // When the first ones are dead, both roles can be had at once.
  principal.kill();
  assistant.kill();
  CHECK(DirectorProcess::principal(stage).incarnation() != principal.incarnation());
  CHECK(DirectorProcess::assistant(stage, "one").incarnation() != assistant.incarnation());
}

namespace {
std::unique_ptr<JobDirector> directorHere(const Stage& stage, const std::string& name, const std::string& id = "main") {
  JobDirectorOptions options;
  options.workers = 2;
  const JobDirectorMode mode = name.empty() ? JobDirectorMode::principal() : JobDirectorMode::assistant(name);
  return std::make_unique<JobDirector>(JobDirectorID(id), stage.location(), mode, testJobs(), options);
}

ErrorKind kindOfRefusal(JobDirector& director) {
  try {
    director.start();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::usage;
}
}  // namespace

TEST_CASE("a second principal and a second living assistant of a name are refused in one process") {
  Stage stage;
  const auto principal = directorHere(stage, "");
  const auto assistant = directorHere(stage, "one");
  principal->start();
  assistant->start();
  CHECK(kindOfRefusal(*directorHere(stage, "")) == ErrorKind::conflict);
  CHECK(kindOfRefusal(*directorHere(stage, "one")) == ErrorKind::conflict);
  CHECK(assistant->wait(assistant->submit(CountJob{}).id, std::chrono::seconds{20})->isSucceeded());
  assistant->stop();
  const auto next = directorHere(stage, "one");
  next->start();
  CHECK(next->wait(next->submit(CountJob{}).id, std::chrono::seconds{20})->isSucceeded());
}

TEST_CASE("several directors in one process share one store and take over from each other") {
  Stage stage;
  const auto principal = directorHere(stage, "");
  const auto left = directorHere(stage, "left");
  const auto right = directorHere(stage, "right");
  for (const auto* director : {&principal, &left, &right}) (*director)->start();
  std::vector<JobID> jobs;
  for (int i = 0; i < 3; ++i)
    for (const auto* director : {&principal, &left, &right}) jobs.push_back((*director)->submit(CountJob{}).id);
  for (const JobID job : jobs) CHECK(right->wait(job, std::chrono::seconds{20})->isSucceeded());
  const JobID moved = left->submit(HoldJob{}).id;
  REQUIRE(stage.waitForEffects(10));
  left->stop();
  REQUIRE(stage.waitForEffects(11));
  CHECK(principal->status(moved)->owner == "principal");
  stage.raiseFlag("release");
  CHECK(principal->wait(moved, std::chrono::seconds{20})->isSucceeded());
}

TEST_CASE("who can hang no bell waits for a job all the same") {
  Stage stage;
  const auto principal = directorHere(stage, "");
  principal->start();
  const JobID job = principal->submit(HoldJob{}).id;
  REQUIRE(stage.waitForEffects(1));
  // As on a full disk: no socket can be made any more.
  std::filesystem::remove_all(stage.access().directory().path(StoreDirectory::bells));
  CHECK_FALSE(principal->wait(job, std::chrono::milliseconds{10})->isDone());
  stage.raiseFlag("release");
  CHECK(principal->wait(job, std::chrono::seconds{20})->isSucceeded());
}

TEST_CASE("a director without a line on the full board works and gets one when there is one") {
  Stage stage;
  Board board = Board::open(stage.access().directory());
  std::vector<BoardSlot> slots;
  while (auto slot = board.takeSlotIfAny(makeIncarnationID(), ::getpid())) slots.push_back(std::move(*slot));
  CHECK(slots.size() == Board::slotCount);
  // A reader, a writer and a director: none of them is refused.
  CHECK(stage.store().totals().submitted == 0);
  const JobID job = stage.submit("count");
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(stage.waitForDone({job}));
  slots.clear();
  CHECK(waitFor([&] {
    const auto entries = board.snapshot();
    return std::any_of(entries.begin(), entries.end(), [&](const BoardEntry& one) {
      return one.incarnation == principal.incarnation() && one.beatBootNanos != 0;
    });
  }));
  stage.expectNothingLeft();
}

TEST_CASE("two ids in one location are two stores") {
  Stage stage;
  const auto here = directorHere(stage, "");
  const auto there = directorHere(stage, "", "other");
  here->start();
  there->start();
  const JobID job = here->submit(CountJob{}).id;
  CHECK(here->wait(job, std::chrono::seconds{20})->isSucceeded());
  CHECK_FALSE(there->status(job));
  const auto assistantHere = directorHere(stage, "one");
  const auto assistantThere = directorHere(stage, "one", "other");
  assistantHere->start();
  assistantThere->start();
  const JobID other = assistantThere->submit(CountJob{}).id;
  CHECK(there->wait(other, std::chrono::seconds{20})->isSucceeded());
  CHECK_FALSE(here->status(other));
}

}  // namespace callsheet::tests
