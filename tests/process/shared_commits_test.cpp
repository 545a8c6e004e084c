#include <signal.h>

#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "director/store_access.h"
#include "tests/support/process_role.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// Processes that write one store at the same time apply each other's verbs. Whoever of them dies or stops at whatever
// moment, the others go on, each answer is true, and none is that of a repeat: nobody has asked twice.
namespace callsheet::tests {

namespace {

constexpr const char* storeID = "main";

std::size_t jobsOf(int round) {
  return static_cast<std::size_t>(1 + round % 3);
}

/// Submits to itself, claims and completes, round after round, and says of each job when it was told that it is
/// durable. Ends with 1 at the first answer that is not plainly ok.
const RoleRegistration sharesCommits("shares-commits", [](RoleChannel& channel) {
  const auto access = StoreAccess::open(channel.argument("location"), storeID, {});
  LmdbJobStore& store = access->store();
  const auto requireOk = [&](const Answer& answer, const std::string& what) {
    if (answer.verdict == Verdict::ok) return;
    channel.say("wrong " + what + " " + std::string(toString(answer.verdict)) + " " + answer.why);
    std::_Exit(1);
  };
  const IncarnationID self = makeIncarnationID();
  requireOk(store.apply(RegisterIncarnation{self, channel.argument("name"), Role::assistant, {}, {"k"}}), "register");
  channel.say("ready");
  (void)channel.readLine();
  const int rounds = std::stoi(channel.argument("rounds"));
  std::vector<AttemptRef> held;
  for (int round = 0; round < rounds; ++round) {
    std::vector<NewJob> jobs(jobsOf(round));
    std::string ids;
    for (NewJob& job : jobs) {
      job = newJob();
      ids += " " + job.id.toString();
    }
    const auto submitted = store.apply(submitOf(std::move(jobs), self));
    requireOk(submitted, "submit");
    for (const SubmittedJob& job : submitted.jobs) requireOk({job.verdict, job.why}, "job");
    channel.say("submitted" + ids);
    std::vector<Verb> verbs;
    for (const AttemptRef& attempt : held) verbs.emplace_back(Succeed{attempt, "1", {}});
    verbs.emplace_back(claimOf(self, 5));
    const auto answers = store.applyAll(std::move(verbs));
    for (const AnyAnswer& answer : answers) requireOk(baseOf(answer), "succeed or claim");
    for (const AttemptRef& attempt : held) channel.say("finished " + attempt.job.toString());
    held.clear();
    for (const auto& item : std::get<Claim::Answer>(answers.back()).jobs) held.push_back(attemptOf(item.row));
    if (held.empty()) requireOk({Verdict::notFound, {}}, "claim without jobs");
  }
  channel.say("end");
  return 0;
});

/// What a process has said so far.
struct Told {
  std::set<std::string> submitted;
  std::set<std::string> finished;
  bool ended = false;
};

struct Crowd {
  TemporaryDirectory directory{TemporaryDirectory::Place::disk};  // in memory a commit is over before anybody asks
  std::vector<RoleProcess> processes;
  std::vector<Told> told;

  void add(int rounds, const RoleProcess::Environment& environment = {}) {
    const std::string name = "p" + std::to_string(processes.size());
    processes.emplace_back(
        "shares-commits",
        std::vector<std::string>{"location=" + directory.path(), "name=" + name, "rounds=" + std::to_string(rounds)},
        environment);
    told.emplace_back();
    REQUIRE(processes.back().readLine() == "ready");
  }
  void begin() {
    for (auto& process : processes) process.send("go");
  }
  /// Hears a process until its end.
  void hear(std::size_t index) {
    while (const auto line = processes[index].readLine()) {
      const auto words = wordsOf(*line);
      INFO("process " << index << " said: " << *line);
      REQUIRE(words.at(0) != "wrong");
      auto& ids = words[0] == "submitted" ? told[index].submitted : told[index].finished;
      ids.insert(words.begin() + 1, words.end());
      told[index].ended = words[0] == "end";
    }
  }
  /// Everything that was told is true. Returns the number of commits.
  std::uint64_t checkStore() {
    const auto access = StoreAccess::open(directory.path(), storeID, {});
    LmdbJobStore& store = access->store();
    for (const Told& one : told) {
      for (const auto& id : one.submitted) CHECK(store.peek(*JobID::parse(id)));
      for (const auto& id : one.finished) {
        const auto row = store.peek(*JobID::parse(id));
        REQUIRE(row);
        CHECK(row->outcome == JobOutcome::succeeded);
        CHECK(row->attempt == 1);
      }
    }
    const CheckReport report = store.check();
    for (const auto& problem : report.problems) UNSCOPED_INFO(problem);
    CHECK(report.isClean());
    return store.sequence();
  }
};

}  // namespace

TEST_CASE("processes that write at once share commits, and each gets its own answers") {
  Crowd crowd;
  constexpr int rounds = 200;
  for (int i = 0; i < 4; ++i) crowd.add(rounds);
  crowd.begin();
  for (std::size_t i = 0; i < 4; ++i) crowd.hear(i);
  std::size_t jobs = 0;
  for (int round = 0; round < rounds; ++round) jobs += jobsOf(round);
  for (const Told& one : crowd.told) {
    CHECK(one.ended);
    CHECK(one.submitted.size() == jobs);
  }
  // Each alone would need two a round.
  const std::uint64_t commits = crowd.checkStore();
  CHECK(commits < 4 * 2 * rounds * 3 / 4);
}

TEST_CASE("a process killed wherever commits are shared takes nothing with it that was acknowledged") {
  for (const char* point :
       {"exchange.asked", "exchange.applied", "exchange.committed", "commit.locked", "commit.applied", "commit.after"})
    for (const char* count : {":2", ":9"}) {
      INFO("at " << point << count);
      // Who leads and who follows is a matter of timing, so a crowd may pass the point too seldom. Whatever it meets,
      // the promises hold.
      bool isReached = false;
      for (int crowds = 0; crowds < 10 && !isReached; ++crowds) {
        Crowd crowd;
        crowd.add(200, {{"CALLSHEET_CRASH_AT", std::string(point) + count}});
        for (int i = 0; i < 3; ++i) crowd.add(200);
        crowd.begin();
        for (std::size_t i = 0; i < 4; ++i) crowd.hear(i);
        isReached = crowd.processes[0].endedBySignal(SIGKILL);
        for (std::size_t i = 1; i < 4; ++i) CHECK(crowd.told[i].ended);
        (void)crowd.checkStore();
      }
      CHECK(isReached);
    }
}

TEST_CASE("a process stopped where commits are shared keeps nobody up, and harms nobody when it goes on") {
  for (const char* point : {"exchange.asked", "exchange.committed"})
    for (const char* count : {":1", ":3", ":20"}) {
      INFO("at " << point << count);
      Crowd crowd;
      crowd.add(150, {{"CALLSHEET_STOP_AT", std::string(point) + count}});
      for (int i = 0; i < 3; ++i) crowd.add(150);
      crowd.begin();
      for (std::size_t i = 1; i < 4; ++i) {
        crowd.hear(i);
        CHECK(crowd.told[i].ended);
      }
      crowd.processes[0].signal(SIGCONT);
      crowd.hear(0);
      CHECK(crowd.told[0].ended);
      (void)crowd.checkStore();
    }
}

}  // namespace callsheet::tests
