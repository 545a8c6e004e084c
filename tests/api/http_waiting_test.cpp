#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/api/http_stage.h"

using namespace callsheet;
using namespace callsheet::tests;
using namespace std::chrono_literals;

namespace {
// What the process has in memory of its own, in bytes.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t residentMost = std::size_t{512} << 20;  // with its own books of what a process touches
#else
constexpr std::size_t residentMost = std::size_t{64} << 20;
#endif

std::size_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
// How often the loop's thread went to sleep.
long loopSwitches(EventLoop& loop) {
  long count = 0;
  loop.run([&] {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    count = usage.ru_nvcsw;
  });
  return count;
}
}  // namespace

TEST_CASE("A thousand requests wait without memory to speak of and without a wake-up, and all are answered") {
  HttpStage stage;
  constexpr int count = 1000;
  const std::size_t resident = residentBytes();
  std::vector<HttpClient> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(i % 2 == 0 ? stage.unixClient() : stage.tcpClient());
    REQUIRE(clients.back().send(requestText("GET", "/wait/" + std::to_string(i))));
  }
  REQUIRE(stage.awaitWaiting(count));
  CHECK(residentBytes() < resident + residentMost);
  const long switches = loopSwitches(stage.loop);
  const auto before = stage.computed();
  CHECK_FALSE(clients.front().hasBytes(500));
  CHECK(loopSwitches(stage.loop) - switches <= 3);  // this test's own question is one
  CHECK(stage.computed() - before < 50ms);
  stage.answerAll();
  for (int i = 0; i < count; ++i) {
    const auto reply = clients[static_cast<std::size_t>(i)].read();
    REQUIRE(reply.status == 200);
    REQUIRE(reply.body == "/wait/" + std::to_string(i));
  }
  CHECK(stage.awaitSent(count, 0));
  CHECK(clients.back().ask("GET", "/echo").status == 200);
}

TEST_CASE("Who hangs up while waiting is seen, and an answer to nobody is known not to be sent") {
  HttpStage stage;
  for (const bool isUnix : {true, false}) {
    auto client = isUnix ? stage.unixClient() : stage.tcpClient();
    auto faithful = isUnix ? stage.unixClient() : stage.tcpClient();
    REQUIRE(client.send(requestText("GET", "/wait") + requestText("GET", "/wait")));  // bytes lie before its end
    REQUIRE(stage.awaitWaiting(1));
    REQUIRE(faithful.send(requestText("GET", "/wait/faithful")));
    REQUIRE(stage.awaitWaiting(2));
    const auto hungUp = [&](std::size_t index) {
      bool is = false;
      stage.loop.run([&] { is = stage.kept[index]->isHungUp(); });
      return is;
    };
    CHECK_FALSE(hungUp(0));
    client.hangUp();
    CHECK(waitFor([&] { return hungUp(0); }));
    CHECK_FALSE(hungUp(1));
    const auto before = stage.computed();
    CHECK_FALSE(faithful.hasBytes(200));
    CHECK(stage.computed() - before < 50ms);
    stage.answerAll();
    CHECK(faithful.read().body == "/wait/faithful");
    CHECK(stage.awaitSent(isUnix ? 1 : 2, isUnix ? 1 : 2));
    CHECK(stage.waiting() == 0);  // what stood behind it was not taken for a request
  }
}

TEST_CASE("An answer that nobody takes to its end was not sent") {
  HttpStage stage;
  auto client = stage.unixClient();
  REQUIRE(client.send(requestText("GET", "/large?n=20000000")));
  REQUIRE(client.hasBytes(20'000));
  client.hangUp();
  CHECK(stage.awaitSent(0, 1));
  auto patient = stage.unixClient();
  CHECK(patient.ask("GET", "/large?n=20000000").body.size() == 20'000'000);
  CHECK(stage.awaitSent(1, 1));
}

TEST_CASE("An exchange that waited and is dropped is answered 500") {
  HttpStage stage;
  auto client = stage.tcpClient();
  REQUIRE(client.send(requestText("GET", "/wait")));
  REQUIRE(stage.awaitWaiting(1));
  stage.loop.run([&] { stage.kept.clear(); });
  CHECK(client.read().status == 500);
  CHECK(client.ask("GET", "/echo").status == 200);
}

TEST_CASE("A server that stops answers those that wait, cuts the others off and ends") {
  HttpStage stage;
  auto waiting = stage.tcpClient();
  auto alsoWaiting = stage.unixClient();
  auto gone = stage.unixClient();
  for (auto* client : {&waiting, &alsoWaiting, &gone}) REQUIRE(client->send(requestText("GET", "/wait")));
  REQUIRE(stage.awaitWaiting(3));
  gone.hangUp();
  auto arriving = stage.tcpClient();
  REQUIRE(arriving.send("POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1234"));
  auto idle = stage.unixClient();
  CHECK(idle.ask("GET", "/echo").status == 200);
  stage.server.stop();
  stage.server.stop();
  for (auto* client : {&waiting, &alsoWaiting}) {
    const auto reply = client->read();
    CHECK(reply.status == 503);
    CHECK(reply.body.find("http/stopping") != std::string::npos);
    CHECK(client->isClosedByServer());
  }
  CHECK(arriving.isClosedByServer());
  CHECK(idle.isClosedByServer());
  CHECK_FALSE(stage.tcpClient().isConnected());
  CHECK_FALSE(stage.unixClient().isConnected());
  stage.loop.run([&] {
    for (const auto& exchange : stage.kept) {
      CHECK(exchange->isHungUp());
      CHECK(exchange->request().path == "/wait");
    }
  });
  stage.answerAll();
  CHECK(stage.awaitSent(0, 3));
}

TEST_CASE("A server may stop before its loop starts and after it stopped, with requests that wait") {
  {
    EventLoop loop;
    HttpServer server(loop, {}, [](const auto&) {});
    CHECK(server.listenTcp("127.0.0.1:0").starts_with("127.0.0.1:"));
    server.stop();
    CHECK_THROWS(server.listenTcp("127.0.0.1:0"));
  }
  HttpStage stage;
  auto client = stage.tcpClient();
  REQUIRE(client.send(requestText("GET", "/wait")));
  REQUIRE(stage.awaitWaiting(1));
  stage.loop.stop();
  stage.server.stop();
  CHECK(client.read().status == 503);
  CHECK(stage.kept.front()->isHungUp());
}
