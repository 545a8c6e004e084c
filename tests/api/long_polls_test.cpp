// Long-polls over the real server: who is woken, how many, and what becomes of an answer that reaches nobody.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "api/long_polls.h"
#include "core/clock.h"
#include "tests/api/api_stage.h"
#include "tests/support/faulty_store.h"
#include "tests/support/greedy_reader.h"
#include "tests/support/open_descriptors.h"
#include "tests/support/process_role.h"
#include "tests/support/wait_for.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

std::string pollText(const std::string& method, int timeout, int batch = 1) {
  return R"({"method":"awf.task/)" + method + R"(","params":{"taskDefinitions":["k"],"timeout":)" +
         std::to_string(timeout) + R"(,"maxBatchSize":)" + std::to_string(batch) + "}}";
}
std::size_t countIn(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}
std::string execIDIn(const std::string& body) {
  const auto at = body.find(R"("execId":")");
  return at == std::string::npos ? std::string() : body.substr(at + 10, 36);
}

}  // namespace

TEST_CASE("A job that becomes ready wakes one of a thousand long-polls, and the others wait on without a claim") {
  ApiStage stage;
  std::vector<HttpClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(stage.connect());
    REQUIRE(clients.back().send(requestOf(pollText("long-poll", 60'000))));
  }
  // All of them wait: the next request on the same loop comes behind them.
  REQUIRE(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).status == 200);
  const auto before = stage.store().info().commits;
  const JobID job = stage.add();
  REQUIRE(waitFor([&] { return stage.row(job).state == JobState::requested; }));
  const auto isFed = [](const HttpClient& client) { return client.hasBytes(0); };
  REQUIRE(waitFor([&] { return std::count_if(clients.begin(), clients.end(), isFed) == 1; }));
  CHECK(clients.front().read().body.find(job.toString()) != std::string::npos);  // who waited longest
  CHECK(stage.store().info().commits == before + 2);                             // the submit and one claim
  // Five more feed five of them; a batch is what one takes at once.
  for (int i = 0; i < 5; ++i) stage.add();
  REQUIRE(waitFor([&] { return std::count_if(clients.begin(), clients.end(), isFed) == 5; }));
}

TEST_CASE("Of a thousand long-polls only as many claim as there are jobs") {
  ApiStage stage;
  stage.stop();
  RegisterIncarnation opened;
  opened.id = makeIncarnationID();
  opened.name = "api";
  opened.role = Role::executor;
  REQUIRE(stage.store().apply(opened).verdict == Verdict::ok);
  FaultyStore counting(stage.lmdb());
  const SystemClock clock;
  EventLoop loop;
  ApiStore store(counting, loop);
  RemoteClaims claims(store, opened.id);
  LongPolls polls(store, claims, loop, clock, {});
  loop.start();
  std::atomic<int> fed = 0;
  loop.run([&] {
    for (int i = 0; i < 1000; ++i) {
      LongPolls::Poll poll{{"k"}, 1, std::chrono::minutes{1}, [] { return false; }, {}};
      poll.feed = [&fed](const Claim::Answer& answer) { fed += static_cast<int>(answer.jobs.size()); };
      polls.add(std::move(poll));
    }
  });
  constexpr int jobs = 3;
  for (int i = 0; i < jobs; ++i) stage.add();
  const unsigned before = counting.posts;
  loop.run([&] { polls.look(); });
  CHECK(waitFor([&] { return fed == jobs; }));
  loop.run([&] { polls.look(); });
  CHECK(counting.posts - before == jobs);
  loop.run([&] { polls.stop(); });
  store.drain(std::chrono::seconds{20});
  loop.stop();
}

TEST_CASE("A long-poll gets no more jobs than it asked for, the oldest first, and what is left goes to the next") {
  ApiStage stage;
  HttpClient three = stage.connect();
  HttpClient ten = stage.connect();
  std::vector<NewJob> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(newJob());
  REQUIRE(three.send(requestOf(pollText("long-poll", 60'000, 3))));
  REQUIRE(ten.send(requestOf(pollText("long-poll", 60'000, 10))));
  REQUIRE(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).status == 200);
  REQUIRE(stage.store().apply(submitOf(jobs)).verdict == Verdict::ok);
  const std::string first = three.read().body;
  const std::string second = ten.read().body;
  CHECK(countIn(first, R"("status":"requested")") == 3);
  CHECK(countIn(second, R"("status":"requested")") == 2);
  CHECK(first.find(jobs[0].id.toString()) < first.find(jobs[2].id.toString()));
  CHECK(second.find(jobs[4].id.toString()) != std::string::npos);
}

TEST_CASE("Nothing is claimed for a client that hung up while it waited") {
  ApiStage stage;
  HttpClient gone = stage.connect();
  HttpClient there = stage.connect();
  REQUIRE(gone.send(requestOf(pollText("long-poll", 60'000))));
  REQUIRE(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).status == 200);
  REQUIRE(there.send(requestOf(pollText("long-poll", 60'000))));
  REQUIRE(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).status == 200);
  gone.hangUp();
  const JobID job = stage.add();
  CHECK(there.read().body.find(job.toString()) != std::string::npos);
  CHECK(stage.row(job).attempt == 1);
}

TEST_CASE("A job whose answer cannot be written is ready again at once, and not only after its start time-out") {
  ApiStage stage;
  // Its parameters fill the socket's buffer, so that the answer is under way when the client goes.
  NewJob large = newJob();
  large.body.parameters = "\"" + std::string(1'000'000, 'x') + "\"";
  const JobID job = stage.add(std::move(large));
  {
    HttpClient client = stage.connect();
    REQUIRE(client.send(requestOf(pollText("poll", 0))));
    REQUIRE(waitFor([&] { return stage.row(job).state == JobState::requested; }));
  }
  REQUIRE(waitFor([&] { return stage.row(job).state == JobState::ready; }, std::chrono::seconds{5}));
  CHECK(stage.store().readLog(job, 0, 10).back().move == Move::unclaim);
}

TEST_CASE("What is lost after the answer was written comes back at the start time-out") {
  ApiStage stage;
  Definition definition = *stage.store().definition("k");
  definition.requestedToStartTimeoutMicros = 50'000;
  define(stage.store(), {definition});
  const JobID job = stage.add();
  const std::string body = stage.connect().ask("POST", "/rpc", pollText("poll", 0)).body;
  REQUIRE_FALSE(execIDIn(body).empty());
  // Nobody starts it, and there is no principal here whose sweep would come by.
  REQUIRE(waitFor([&] { return stage.row(job).state == JobState::ready; }));
  const std::string again = stage.connect().ask("POST", "/rpc", pollText("poll", 0)).body;
  CHECK(execIDIn(again) != execIDIn(body));
  CHECK(stage.row(job).started == 0);
}

TEST_CASE("A job that becomes due feeds a long-poll by itself") {
  ApiStage stage;
  NewJob later = newJob();
  later.delayMicros = 200'000;
  const JobID job = stage.add(std::move(later));
  HttpClient client = stage.connect();
  REQUIRE(client.send(requestOf(pollText("long-poll", 20'000))));
  CHECK(client.read().body.find(job.toString()) != std::string::npos);
}

TEST_CASE("A long-poll of several kinds gets what comes of any of them, also of one that is defined meanwhile") {
  ApiStage stage;
  HttpClient first = stage.connect();
  HttpClient second = stage.connect();
  const std::string poll =
      R"({"method":"awf.task/long-poll","params":{"taskDefinitions":["k","later","never"],"timeout":20000}})";
  for (HttpClient* client : {&first, &second}) REQUIRE(client->send(requestOf(poll)));
  const JobID later = stage.add(newJob("later"));
  const JobID known = stage.add(newJob("k"));
  REQUIRE(waitFor([&] { return first.hasBytes(0) || second.hasBytes(0); }));
  HttpClient& fed = first.hasBytes(0) ? first : second;
  HttpClient& waiting = &fed == &first ? second : first;
  CHECK(fed.read().body.find(known.toString()) != std::string::npos);
  CHECK_FALSE(waiting.hasBytes(100));  // nobody has defined it
  Definition definition;
  definition.kind = "later";
  definition.runner = Runner::remote;
  define(stage.store(), {definition});
  CHECK(waiting.read().body.find(later.toString()) != std::string::npos);
}

TEST_CASE("Whoever hung up makes room while many wait, without a commit") {
  ApiStage stage;
  const std::size_t before = openDescriptors();
  const std::uint64_t commits = stage.store().info().commits;
  {
    std::vector<HttpClient> clients;
    for (int i = 0; i < 400; ++i) {
      clients.push_back(stage.connect());
      REQUIRE(clients.back().send(requestOf(pollText("long-poll", 300'000))));
    }
    REQUIRE(waitFor([&] { return openDescriptors() >= before + 800; }));
  }
  // Nothing tells the server; who comes later has it look.
  CHECK(waitFor([&] {
    CHECK(stage.connect().ask("POST", "/rpc", pollText("long-poll", 1)).status == 200);
    return openDescriptors() < before + 100;
  }));
  CHECK(stage.store().info().commits == commits);
  const JobID job = stage.add();
  CHECK(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).body.find(job.toString()) != std::string::npos);
}

TEST_CASE("An API whose incarnation was closed registers anew, and whoever asks or waits does not see it") {
  ApiStage stage;
  const auto close = [&] {
    for (const IncarnationRow& row : stage.store().incarnations())
      if (row.closing == Closing::open && row.name == "api")
        REQUIRE(stage.store().apply(CloseIncarnation{row.id, Closing::stopped, row.id}).verdict == Verdict::ok);
  };
  close();
  const JobID one = stage.add();
  CHECK(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).body.find(one.toString()) != std::string::npos);
  HttpClient client = stage.connect();
  REQUIRE(client.send(requestOf(pollText("long-poll", 20'000))));
  close();
  const JobID two = stage.add();
  CHECK(client.read().body.find(two.toString()) != std::string::npos);
}

TEST_CASE("A rate feeds a long-poll when its next token comes") {
  ApiStage stage;
  Definition definition = *stage.store().definition("k");
  definition.rate = {1, 300'000, 1};
  define(stage.store(), {definition});
  stage.add();
  stage.add();
  CHECK(countIn(stage.connect().ask("POST", "/rpc", pollText("poll", 0, 5)).body, "execId") == 1);
  CHECK(countIn(stage.connect().ask("POST", "/rpc", pollText("poll", 0, 5)).body, "execId") == 0);
  CHECK(countIn(stage.connect().ask("POST", "/rpc", pollText("long-poll", 20'000, 5)).body, "execId") == 1);
}

TEST_CASE("A limited kind feeds as many long-polls as it has room for, and the next when one ends") {
  ApiStage stage;
  Definition definition = *stage.store().definition("k");
  definition.concurrencyLimit = 1;
  define(stage.store(), {definition});
  HttpClient one = stage.connect();
  HttpClient two = stage.connect();
  REQUIRE(one.send(requestOf(pollText("long-poll", 60'000))));
  REQUIRE(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).status == 200);
  REQUIRE(two.send(requestOf(pollText("long-poll", 60'000))));
  const JobID first = stage.add();
  const JobID second = stage.add();
  const std::string body = one.read().body;
  REQUIRE(body.find(first.toString()) != std::string::npos);
  CHECK_FALSE(two.hasBytes(0));
  const AttemptRef attempt{first, *ExecID::parse(execIDIn(body)), {}};
  REQUIRE(stage.store().apply(Start{attempt}).verdict == Verdict::ok);
  REQUIRE(stage.store().apply(Succeed{attempt, {}, {}}).verdict == Verdict::ok);
  CHECK(two.read().body.find(second.toString()) != std::string::npos);
}

TEST_CASE("A server that stops answers those who wait, and what it handed out goes on") {
  ApiStage stage;
  HttpClient client = stage.connect();
  const JobID job = stage.add();
  const std::string body = client.ask("POST", "/rpc", pollText("poll", 0)).body;
  REQUIRE(client.send(requestOf(pollText("long-poll", 60'000))));
  REQUIRE(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).status == 200);
  stage.stop();
  const HttpReply reply = client.read();
  CHECK((reply.status == 200 || reply.status == 503));
  CHECK(countIn(reply.body, "execId") == 0);
  const AttemptRef attempt{job, *ExecID::parse(execIDIn(body)), {}};
  CHECK(stage.store().apply(Start{attempt}).verdict == Verdict::ok);
}

// ---- a store that cannot be read -----------------------------------------------------------------------------------

namespace {
const RoleRegistration greedyReader("greedy reader", playGreedyReader);
}  // namespace

TEST_CASE("A store that cannot be read ends neither the server nor those who wait, and feeds them when it can be") {
  ApiStage stage;
  HttpClient client = stage.connect();
  REQUIRE(client.send(requestOf(pollText("long-poll", 60'000))));
  REQUIRE(stage.connect().ask("POST", "/rpc", pollText("poll", 0)).status == 200);
  RoleProcess greedy("greedy reader", {"path=" + stage.directory().dataPath()});
  REQUIRE(greedy.readLine() == "full");
  NewJob job = newJob();
  REQUIRE(stage.store().apply(submitOf({job})).verdict == Verdict::ok);
  // Whoever asks is told, and asks again.
  const HttpReply refused = stage.connect().ask("POST", "/rpc", R"({"method":"awf.task/list"})");
  CHECK(refused.status == 503);
  greedy.kill();
  REQUIRE(waitFor([&] {
    stage.lmdb().clearDeadReaders();
    return client.hasBytes(0);
  }));
  CHECK(client.read().body.find(job.id.toString()) != std::string::npos);
}

// ---- many pollers in several processes -----------------------------------------------------------------------------

namespace {
/// Takes jobs until none has come for a while, and prints the execId of each: `ID EXECID`.
int playPoller(RoleChannel& channel) {
  const auto directory = StoreDirectory::open(channel.argument("location"), "main", {});
  HttpClient client = HttpClient::toUnix(directory, ApiServer::socketName);
  channel.say("ready");
  (void)channel.readLine();
  std::string taken;
  for (bool isMore = true; isMore;) {
    const std::string body = client.ask("POST", "/rpc", pollText("long-poll", 1000, 3)).body;
    isMore = false;
    for (auto at = body.find(R"("execId":")"); at != std::string::npos; at = body.find(R"("execId":")", at + 1)) {
      isMore = true;
      taken += " " + body.substr(at + 10, 36);
    }
  }
  channel.say("taken" + taken);
  return 0;
}
const RoleRegistration pollerRole("poller", playPoller);
}  // namespace

TEST_CASE("Many pollers in several processes get each job exactly once") {
  ApiStage stage;
  std::vector<std::unique_ptr<RoleProcess>> pollers;
  for (int i = 0; i < 4; ++i)
    pollers.push_back(
        std::make_unique<RoleProcess>("poller", std::vector<std::string>{"location=" + stage.location()}));
  for (auto& poller : pollers) REQUIRE(poller->readLine() == "ready");
  for (auto& poller : pollers) poller->send("go");
  constexpr std::size_t count = 200;
  for (std::size_t i = 0; i < count; ++i) stage.add();
  std::multiset<std::string> execIDs;
  std::size_t busy = 0;
  for (auto& poller : pollers) {
    const auto line = poller->readLine();
    REQUIRE(line);
    auto words = wordsOf(*line);
    if (words.size() > 1) ++busy;
    execIDs.insert(words.begin() + 1, words.end());
  }
  CHECK(execIDs.size() == count);
  CHECK(std::set<std::string>(execIDs.begin(), execIDs.end()).size() == count);
  CHECK(busy > 1);
  CHECK(stage.store().totals().requested == count);
}
