#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>

#include "callsheet/job_director.h"
#include "callsheet/limits.h"
#include "tests/process/director_process.h"
#include "tests/process/director_role.h"
#include "tests/support/seed.h"
#include "tests/support/wait_for.h"

// One principal and four assistants that submit, run, transfer and cancel, while any of them is killed at any moment.
// What was promised to whom is written into logs outside of the store, and compared with it at the end.
namespace callsheet::tests {

namespace {

/// "WORD JOB\n" in one write, so that a kill leaves no half line: "intent" before a submit, "ack" when it was accepted,
/// "cancel" before a cancel.
void writePromise(const std::string& location, const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  const int file = ::open((location + "/promises").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("no promises log");
  ::close(file);
}

struct Promises {
  std::set<std::string> intents;
  std::set<std::string> acknowledged;
  std::set<std::string> canceled;
};

Promises readPromises(const std::string& location) {
  std::ifstream file(location + "/promises");
  Promises promises;
  std::string word;
  std::string job;
  while (file >> word >> job)
    (word == "intent" ? promises.intents : word == "ack" ? promises.acknowledged : promises.canceled).insert(job);
  return promises;
}

std::string parametersFor(const std::string& kind) {
  if (kind == "transfer") return R"({"threads":1})";
  if (kind == "throw") return R"({"what":"exception","failures":1})";
  return "{}";
}

/// One round of a submitter: one to eight jobs, some of a kind that makes trouble; waits for one of them, so that no
/// queue grows without end.
void submitSome(JobDirector& director, const std::string& location, Dice& dice) {
  const std::string kind = dice.oneIn(6) ? "transfer" : dice.oneIn(10) ? "throw" : "count";
  SubmitOptions options;
  options.retry.firstDelay = std::chrono::milliseconds{1};
  if (dice.oneIn(8)) options.delay = std::chrono::milliseconds{dice.roll(50)};
  const unsigned count = 1 + dice.roll(8);
  JobID last;
  for (unsigned i = 0; i < count; ++i) {
    options.id = last = makeJobID();
    writePromise(location, {"intent " + last.toString()});
    const Submission submission = director.submitJson(kind, parametersFor(kind), options);
    if (submission.isAccepted()) writePromise(location, {"ack " + last.toString()});
  }
  if (dice.oneIn(10)) {
    writePromise(location, {"cancel " + last.toString()});
    director.cancel(last);
  } else if (dice.oneIn(2)) {
    (void)director.wait(last, std::chrono::milliseconds{500});
  }
}

/// A director that submits until it is told "enough".
int playSoaker(RoleChannel& channel) {
  const std::string location = channel.argument("location");
  useStage(location);
  JobDirector director(JobDirectorID(channel.argument("id")), location, modeOf(channel), testJobs(),
                       optionsOf(channel));
  director.start();
  std::atomic<bool> isEnough{false};
  std::thread submitter([&, seed = std::stoull(channel.argument("seed"))] {
    Dice dice(seed);
    while (!isEnough) submitSome(director, location, dice);
  });
  channel.say("started " + director.incarnation().toString());
  const auto told = channel.readLine();
  isEnough = true;
  submitter.join();
  if (!told) return 3;
  channel.say("enough");
  return serveDirector(channel, director);
}
const RoleRegistration soakRole("soaker", playSoaker);

/// The five directors, each replaced as soon as it was killed.
class Crew {
 public:
  Crew(const Stage& stage, std::uint64_t seed) : stage_(stage), dice_(seed) {
    for (std::size_t i = 0; i < names_.size(); ++i) launch(i);
  }

  /// Kills one, sometimes after it was stopped for a while, and starts its successor. `pace` waits for the world to go
  /// on.
  void killOne(const std::function<void()>& pace) {
    const std::size_t victim = dice_.roll(names_.size());
    if (dice_.oneIn(6)) {
      members_[victim]->process().signal(SIGSTOP);
      pace();
      if (dice_.oneIn(2)) members_[victim]->process().signal(SIGCONT);
    }
    members_[victim]->kill();
    ++kills_[victim];
    if (dice_.oneIn(3)) pace();  // the others are without it for a while
    launch(victim);
  }
  /// Lets one stand still until it is fenced, and then go on with jobs that end at that moment, so that their answers
  /// come late.
  void hangOne(Stage& stage) {
    const std::size_t victim = 1 + dice_.roll(static_cast<std::uint32_t>(names_.size() - 1));
    awaitStart(victim);
    const IncarnationID former = members_[victim]->incarnation();
    stage.lowerFlag("release");
    for (int i = 0; i < 2; ++i) {
      const JobID job = stage.submit("stubborn", "{}", names_[victim]);
      writePromise(stage.location(), {"intent " + job.toString(), "ack " + job.toString()});
      REQUIRE(stage.waitForState(job, JobState::inProgress));
    }
    members_[victim]->process().signal(SIGSTOP);
    const bool isFenced = waitFor(
        [&] { return stage.openAssistant(names_[victim]) != former || members_[victim]->process().hasEnded(); });
    if (!isFenced) UNSCOPED_INFO("the directors said:\n" << stage.log());
    INFO(names_[victim] << ", process " << members_[victim]->pid());
    CHECK(isFenced);
    stage.raiseFlag("release");
    members_[victim]->process().signal(SIGCONT);
    ++hangs_;
  }
  [[nodiscard]] std::size_t hangs() const { return hangs_; }
  [[nodiscard]] std::size_t kills() const {
    std::size_t all = 0;
    for (const auto count : kills_) all += count;
    return all;
  }
  [[nodiscard]] std::size_t principalKills() const { return kills_[0]; }

  void endSubmitting() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      awaitStart(i);
      auto answer = members_[i]->process().ask("enough");
      if (!answer) {
        // It stood still in the middle of a write, and the others have killed it for that.
        CHECK(members_[i]->process().endedBySignal(SIGKILL));
        launch(i);
        awaitStart(i);
        answer = members_[i]->process().ask("enough");
      }
      CHECK(answer == "enough");
    }
  }
  void quit() {
    for (auto& member : members_) member->quit();
  }

 private:
  void launch(std::size_t index) {
    DirectorProcess::Options options;
    options.name = names_[index];
    options.role = "soaker";
    options.lease = std::chrono::seconds{5};
    options.writerLimit = std::chrono::seconds{2};
    options.more = {"seed=" + std::to_string(dice_.bits())};
    members_[index].emplace(stage_, options);
    hasStarted_[index] = false;
  }
  void awaitStart(std::size_t index) {
    if (hasStarted_[index]) return;
    hasStarted_[index] = members_[index]->awaitStart();
    INFO(members_[index]->whyNot());
    REQUIRE(hasStarted_[index]);
  }

  const Stage& stage_;
  Dice dice_;
  const std::array<std::string, 5> names_{"", "north", "east", "south", "west"};
  std::array<std::optional<DirectorProcess>, 5> members_;
  std::array<bool, 5> hasStarted_{};
  std::array<std::size_t, 5> kills_{};
  std::size_t hangs_ = 0;
};

/// How many outcomes came too late and were not accepted, as the directors logged it.
std::size_t lateAnswers(const Stage& stage) {
  const std::string log = stage.log();
  std::size_t count = 0;
  for (auto at = log.find("was not accepted"); at != std::string::npos; at = log.find("was not accepted", at + 1))
    ++count;
  return count;
}

/// Whether a job's accepted success came from whoever claimed it last, and that one was not closed before.
bool isByItsHolder(const std::vector<LogEntry>& log, const std::map<Uuid, IncarnationRow>& incarnations) {
  const LogEntry* claim = nullptr;
  for (const LogEntry& entry : log) {
    if (entry.move == Move::claim) claim = &entry;
    if (entry.move != Move::succeed) continue;
    if (claim == nullptr || claim->actor != entry.actor) return false;
    const auto who = incarnations.find(entry.actor);
    if (who == incarnations.end() || (!who->second.isOpen() && who->second.closedAt < entry.at)) return false;
  }
  return true;
}

/// Every promise against what the store says. Stage::finish() has more to say about attempts.
void judge(Stage& stage, const Promises& promises) {
  std::size_t lost = 0;
  std::size_t unfinished = 0;
  std::size_t failed = 0;
  std::size_t canceledUnasked = 0;
  for (const auto& text : promises.acknowledged) {
    const auto row = stage.store().peek(*JobID::parse(text));
    if (!row) {
      ++lost;
      continue;
    }
    if (row->state != JobState::done) ++unfinished;
    if (row->outcome == JobOutcome::failed) ++failed;
    if (row->outcome == JobOutcome::canceled && !promises.canceled.contains(text)) ++canceledUnasked;
  }
  CHECK(lost == 0);
  CHECK(unfinished == 0);
  CHECK(failed == 0);
  CHECK(canceledUnasked == 0);

  std::set<Uuid> principals;
  std::map<Uuid, IncarnationRow> incarnations;
  for (const IncarnationRow& one : stage.store().incarnations()) {
    incarnations.emplace(one.id.value, one);
    if (one.role == Role::principal) principals.insert(one.id.value);
  }
  std::size_t byOthers = 0;
  std::size_t unasked = 0;
  std::size_t movedByOthers = 0;
  std::string token;
  do {
    const JobPage page = stage.store().list({}, token, limits::pageRowsMax);
    for (const JobView& view : page.jobs) {
      if (!promises.intents.contains(view.row.id.toString())) ++unasked;
      const auto log = stage.store().readLog(view.row.id, 0, limits::logEntriesMax);
      if (!isByItsHolder(log, incarnations)) ++byOthers;
      for (const LogEntry& entry : log)
        if ((entry.move == Move::adopt || entry.move == Move::holderEnded || entry.move == Move::holderDied) &&
            !principals.contains(entry.actor))
          ++movedByOthers;
    }
    token = page.next;
  } while (!token.empty());
  CHECK(unasked == 0);
  CHECK(byOthers == 0);       // an outcome is the last holder's, and comes while that one counts
  CHECK(movedByOthers == 0);  // nobody but a principal takes another's jobs
}

std::size_t numberFrom(const char* variable, std::size_t otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr && *given != '\0' ? std::stoul(given) : otherwise;
}

}  // namespace

TEST_CASE("random kills of a principal and four assistants lose nothing and accept nothing twice", "[slow][serial]") {
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  const std::size_t kills = numberFrom("CALLSHEET_SOAK", 200);
  const std::size_t jobs = 25 * kills;
  const auto began = std::chrono::steady_clock::now();
  Stage stage;
  Dice dice(seed);
  Crew crew(stage, dice.bits());
  // The world goes on by a random number of jobs, or does not and then that is what the next kill meets.
  const auto pace = [&] {
    const std::size_t until = stage.effectCount() + dice.roll(60);
    (void)waitFor([&] { return stage.effectCount() >= until; }, std::chrono::milliseconds{400});
  };
  while (crew.kills() < kills) {
    pace();
    crew.killOne(pace);
    if (crew.kills() % 20 == 10) crew.hangOne(stage);
  }
  REQUIRE(waitFor([&] { return readPromises(stage.location()).acknowledged.size() >= jobs; }, std::chrono::minutes{5}));
  crew.endSubmitting();
  REQUIRE(stage.waitForAllDone(std::chrono::minutes{5}));
  const Promises promises = readPromises(stage.location());
  stage.expectNothingLeft();
  crew.quit();
  judge(stage, promises);
  CHECK(crew.kills() >= kills);
  CHECK(crew.principalKills() > 0);
  const std::size_t late = lateAnswers(stage);
  if (crew.hangs() >= 5) CHECK(late > 0);
  CHECK(promises.acknowledged.size() >= jobs);
  std::printf(
      "soak: CALLSHEET_SEED=%llu, %zu kills (%zu of the principal), %zu jobs acknowledged, %zu cancels, %zu calls of "
      "execute, %zu hangs, %zu late answers, %lld ms\n",
      static_cast<unsigned long long>(seed), crew.kills(), crew.principalKills(), promises.acknowledged.size(),
      promises.canceled.size(), stage.effectCount(), crew.hangs(), late,
      static_cast<long long>(
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count()));
}

}  // namespace callsheet::tests
