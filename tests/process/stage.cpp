#include "tests/process/stage.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "callsheet/limits.h"
#include "core/names.h"
#include "ipc/presence_lock.h"
#include "tests/support/store_fixture.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

namespace {
constexpr std::chrono::seconds patience{60};

std::unique_ptr<TemporaryDirectory> makeDirectory() {
  constexpr const char* inMemory = "/dev/shm";
  if (::access(inMemory, W_OK) == 0) ::setenv("TMPDIR", inMemory, 0);
  return std::make_unique<TemporaryDirectory>();
}
}  // namespace

Stage::Stage(std::string id) : id_(std::move(id)), directory_(makeDirectory()) {
  useStage(location());
}

Stage::~Stage() {
  if (std::uncaught_exceptions() == 0) finish();
}

StoreAccess& Stage::access() {
  if (!access_) access_ = StoreAccess::open(location(), id_, {});
  return *access_;
}

std::string Stage::commandParameters(const std::string& script) const {
  const std::string file = location() + "/command-" + std::to_string(std::hash<std::string>{}(script)) + ".sh";
  std::ofstream(file) << "printf '%s %s %10d\\n' $CALLSHEET_JOB_ID $CALLSHEET_EXEC_ID $$ >>\"$1/effects\"\n"
                      << script << "\nprintf %s $CALLSHEET_EXEC_ID\n";
  return R"({"argv":["sh",")" + file + R"(",")" + location() + R"("]})";
}

void Stage::raiseFlag(const std::string& name) const {
  std::ofstream(location() + "/" + name).flush();
}
void Stage::lowerFlag(const std::string& name) const {
  std::filesystem::remove(location() + "/" + name);
}

std::vector<Effect> Stage::effectsOf(JobID job) const {
  std::vector<Effect> all = effects();
  std::erase_if(all, [&](const Effect& effect) { return effect.job != job; });
  return all;
}

std::string Stage::log() const {
  std::ifstream file(location() + "/log");
  return {std::istreambuf_iterator<char>(file), {}};
}

bool Stage::waitForEffects(std::size_t count) const {
  return waitFor([&] { return effectCount() >= count; }, patience);
}

JobRow Stage::row(JobID job) {
  const auto row = store().peek(job);
  REQUIRE(row);
  return *row;
}

std::string Stage::resultOf(JobID job) {
  const auto view = store().find(job);
  REQUIRE(view);
  return view->result ? view->result->value : "";
}

std::size_t Stage::countOf(JobID job, Move move) {
  const auto log = store().readLog(job, 0, limits::logEntriesMax);
  return static_cast<std::size_t>(
      std::count_if(log.begin(), log.end(), [&](const LogEntry& entry) { return entry.move == move; }));
}

IncarnationID Stage::openAssistant(const std::string& name) {
  for (const IncarnationRow& one : store().incarnations())
    if (one.isOpen() && one.role == Role::assistant && one.name == name) return one.id;
  return {};
}

JobID Stage::submit(const std::string& kind, const std::string& parameters, const std::string& to) {
  NewJob job = newJob(kind);
  job.body.parameters = parameters;
  job.body.retry.firstDelay = std::chrono::milliseconds{1};
  Submit verb = submitOf({job});
  verb.ownerName = to;
  const auto answer = store().apply(verb);
  INFO(answer.why);
  REQUIRE(answer.verdict == Verdict::ok);
  return job.id;
}

bool Stage::cancel(JobID job) {
  return isAccepted(store().apply(Cancel{job, "the test wants it"}).verdict);
}

bool Stage::waitForDone(const std::vector<JobID>& jobs) {
  return std::all_of(jobs.begin(), jobs.end(), [this](JobID job) { return waitForState(job, JobState::done); });
}

bool Stage::waitForState(JobID job, JobState state) {
  return waitFor(
      [&] {
        const auto row = store().peek(job);
        return row && row->state == state;
      },
      patience);
}

bool Stage::waitForAllDone(std::chrono::milliseconds deadline) {
  return waitFor(
      [this] {
        const Totals totals = store().totals();
        std::uint64_t done = 0;
        for (const auto count : totals.done) done += count;
        return done == totals.jobs();
      },
      deadline);
}

void Stage::expectNothingLeft() {
  REQUIRE(waitForAllDone());
  REQUIRE(waitFor([this] {
    const auto presences = listPresences(access().directory());
    return std::all_of(presences.begin(), presences.end(), [](const Presence& one) { return one.held; });
  }));
  for (const IncarnationRow& one : store().incarnations()) CHECK((one.isOpen() || one.emptied));
}

void Stage::checkEffects() {
  std::map<ExecID, JobID> attempts;
  bool everyExecOnce = true;
  for (const Effect& effect : effects())
    everyExecOnce = attempts.emplace(effect.exec, effect.job).second && everyExecOnce;
  CHECK(everyExecOnce);
  std::string token;
  do {
    const JobPage page = store().list({}, token, limits::pageRowsMax);
    CHECK(page.unreadable.empty());
    for (const JobView& view : page.jobs) {
      const JobRow& row = view.row;
      if (row.outcome != JobOutcome::succeeded) continue;
      INFO("job " << row.id.toString() << " of kind " << row.kind);
      const auto attempt = attempts.find(row.execID);
      const bool itRan = attempt != attempts.end() && attempt->second == row.id;
      const auto place = resultOf(row.id).find(row.execID.toString());
      const bool itsOwnResult =
          row.kind == "big" || place == 1 || (row.kind == commandKind && place != std::string::npos);
      if (!itRan || !itsOwnResult || countOf(row.id, Move::succeed) != 1) {
        CHECK(itRan);
        CHECK(itsOwnResult);
        CHECK(countOf(row.id, Move::succeed) == 1);
      }
    }
    token = page.next;
  } while (!token.empty());
}

void Stage::finish() {
  const CheckReport report = store().check();
  for (const auto& problem : report.problems) UNSCOPED_INFO(problem);
  CHECK(report.problemCount == 0);
  checkStories(store());
  checkEffects();
}

}  // namespace callsheet::tests
