// A kind's limits while executors straight on the store and pollers over the API, in processes of their own, all want
// its jobs: no limit is ever exceeded, and every job is done once.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "api/json.h"
#include "callsheet/executor.h"
#include "callsheet/submit_options.h"
#include "core/new_job.h"
#include "tests/api/api_stage.h"
#include "tests/support/process_role.h"
#include "tests/support/wait_for.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

constexpr std::uint32_t ofEachGroup = 2;
constexpr RateLimit rate{120, second, 10};
constexpr std::size_t jobCount = 240;

struct Grouped {
  int group = 0;
  void execute(JobContext&) const {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(group));
  }
};

/// Takes tasks as long as the server answers; prints how many.
int playTaker(RoleChannel& channel) {
  HttpClient client =
      HttpClient::toUnix(StoreDirectory::open(channel.argument("location"), "main", {}), ApiServer::socketName);
  const auto call = [&](const char* method, const Json& params) {
    return client.ask("POST", "/rpc", Json{{"method", method}, {"params", params}}.dump(),
                      "Content-Type: application/json\r\n");
  };
  channel.say("ready");
  int done = 0;
  for (;;) {
    const HttpReply polled = call("awf.task/long-poll", {{"taskDefinitions", {"k"}}, {"maxBatchSize", 2}});
    if (polled.status != 200) break;
    const Json resources = Json::parse(polled.body)["result"]["resources"];
    for (const Json& task : resources) {
      const Json attempt{{"id", task["id"]}, {"execId", task["execId"]}};
      if (call("awf.task/start", attempt).status != 200) return 1;
      // Every fifth fails, which ends it as well.
      if (call(++done % 5 == 0 ? "awf.task/fail" : "awf.task/success", attempt).status != 200) return 1;
    }
  }
  channel.say("done " + std::to_string(done));
  return 0;
}
const RoleRegistration takerRole("taker", playTaker);

int playExecutor(RoleChannel& channel) {
  JobDirectorOptions options;
  options.workers = 3;
  Executor executor(JobDirectorID("main"), channel.argument("location"), "cpp", JobTypes{}.add<Grouped>("k"), options);
  executor.start();
  channel.say("ready");
  (void)channel.readLine();
  return executor.stop().leftRunning == 0 ? 0 : 1;
}
const RoleRegistration executorRole("store-executor", playExecutor);

/// What happened to the slots of the limit, in the order in which it did: a job took one, or gave it back.
struct Slot {
  std::int64_t at = 0;
  int change = 0;
  /// Within a commit, which has one time, slots are given back first.
  friend bool operator<(const Slot& a, const Slot& b) { return std::tie(a.at, a.change) < std::tie(b.at, b.change); }
};

bool isHeld(JobState state) {
  return state == JobState::requested || state == JobState::inProgress;
}

}  // namespace

TEST_CASE("Limits and rates hold while pollers and executors of several processes race for the jobs") {
  Definition definition;
  definition.concurrencyLimit = ofEachGroup;
  definition.concurrencyPath = "params.group";
  definition.rate = rate;
  ApiStage stage(definition);
  std::map<JobID, int> groupOf;
  const auto addUpTo = [&](std::size_t count) {
    for (std::size_t i = groupOf.size(); i < count; ++i) {
      const int group = static_cast<int>(i / 20 % 3);
      groupOf[stage.add(newJobOf("k", 1, R"({"group":)" + std::to_string(group) + "}", {}))] = group;
    }
  };
  // Those of one group are there before anybody asks: whoever is first takes as many as the limit lets him.
  addUpTo(20);
  std::vector<std::unique_ptr<RoleProcess>> racers;
  const std::vector<std::string> arguments{"location=" + stage.location()};
  for (const char* role : {"taker", "store-executor", "taker", "store-executor", "taker"})
    racers.push_back(std::make_unique<RoleProcess>(role, arguments));
  for (auto& racer : racers) REQUIRE(racer->readLine() == "ready");

  addUpTo(jobCount);
  const auto doneCount = [&] {
    const Totals totals = stage.store().totals();
    return totals.done[static_cast<int>(JobOutcome::succeeded)] + totals.done[static_cast<int>(JobOutcome::failed)];
  };
  REQUIRE(waitFor([&] { return doneCount() == jobCount; }));
  stage.stop();  // which ends the takers
  int taken = 0;
  for (auto& racer : racers) {
    racer->send("stop");
    if (const auto line = racer->readLine()) taken += std::stoi(wordsOf(*line).at(1));
    CHECK(racer->waitForEnd() == 0);
  }
  // Both ways were used.
  CHECK(taken > 0);
  CHECK(taken < static_cast<int>(jobCount));

  std::map<int, std::vector<Slot>> slotsOf;
  std::vector<std::int64_t> begun;
  for (const auto& [job, group] : groupOf)
    for (const LogEntry& entry : stage.store().readLog(job, 0, 100)) {
      if (isHeld(entry.before) == isHeld(entry.after)) continue;
      slotsOf[group].push_back({entry.at, isHeld(entry.after) ? 1 : -1});
      if (isHeld(entry.after)) begun.push_back(entry.at);
    }
  int most = 0;
  for (auto& [group, slots] : slotsOf) {
    INFO("group " << group);
    std::sort(slots.begin(), slots.end());
    int held = 0;
    for (const Slot& slot : slots) {
      held += slot.change;
      most = std::max(most, held);
    }
    CHECK(held == 0);
  }
  CHECK(most == static_cast<int>(ofEachGroup));

  CHECK(begun.size() == jobCount);
  std::sort(begun.begin(), begun.end());
  const double step = static_cast<double>(rate.perMicros) / rate.count;
  std::size_t tooMany = 0;
  for (std::size_t first = 0; first < begun.size(); ++first)
    for (std::size_t last = first; last < begun.size(); ++last) {
      // The clock that the bucket goes by and UTC may differ by a little.
      const double tokens = rate.burst + static_cast<double>(begun[last] - begun[first]) * 1.001 / step + 0.5;
      if (static_cast<double>(last - first + 1) > tokens) ++tooMany;
    }
  CHECK(tooMany == 0);
  CHECK(stage.lmdb().check().isClean());
}
