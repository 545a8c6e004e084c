#include "api/http_server.h"

#include <catch2/catch.hpp>

#include "callsheet/errors.h"
#include "tests/api/http_stage.h"
#include "tests/support/open_descriptors.h"

using namespace callsheet;
using namespace callsheet::tests;
using namespace std::chrono_literals;

namespace {
std::string chunked(const std::string& body, std::size_t pieceSize) {
  std::string text = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += pieceSize) {
    const std::string piece = body.substr(at, pieceSize);
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    text += size + piece + "\r\n";
  }
  return text + "0\r\n\r\n";
}
HttpServerOptions withLimits(const HttpLimits& limits) {
  return {.limits = limits};
}
void checkRefusal(const HttpReply& reply, int status, const std::string& type) {
  CHECK(reply.status == status);
  CHECK(reply.header("content-type") == "application/json");
  CHECK(reply.header("x-request-id") != "(none)");
  CHECK(reply.body.find("\"type\":\"" + type + "\"") != std::string::npos);
}
}  // namespace

TEST_CASE("Requests are answered on both sockets, several on one connection") {
  HttpStage stage;
  for (const bool isUnix : {true, false}) {
    auto client = isUnix ? stage.unixClient() : stage.tcpClient();
    REQUIRE(client.isConnected());
    const auto got = client.ask("GET", "/echo%20it?a=%26&b", {}, "Accept: text/plain\r\n");
    CHECK(got.status == 200);
    CHECK(got.body == "GET /echo it [] [text/plain] a=& b= ");
    CHECK(got.header("content-type") == "text/plain");
    CHECK(got.header("x-request-id") == got.header("x-more"));
    const auto posted = client.ask("POST", "/echo", "{\"x\":1}", "Content-Type: application/json\r\n");
    CHECK(posted.body == "POST /echo [application/json] [] {\"x\":1}");
    CHECK(posted.header("x-request-id") != got.header("x-request-id"));
    CHECK(client.ask("DELETE", "/echo").body == "DELETE /echo [] [] ");
  }
}

TEST_CASE("An answer to HEAD is that to GET without its body") {
  HttpStage stage;
  auto client = stage.unixClient();
  const auto got = client.ask("GET", "/echo");
  const auto head = client.ask("HEAD", "/echo");
  CHECK(head.status == 200);
  CHECK(head.header("content-length") == std::to_string(got.body.size()));
  CHECK(client.ask("GET", "/echo").body == got.body);  // no byte of a body came before it
}

TEST_CASE("Requests that are sent without waiting are answered in their order") {
  HttpStage stage;
  auto client = stage.tcpClient();
  REQUIRE(client.send(requestText("GET", "/wait") + requestText("POST", "/echo", "two") + requestText("GET", "/echo")));
  REQUIRE(stage.awaitWaiting(1));
  stage.answerAll();
  CHECK(client.read().body == "/wait");
  CHECK(client.read().body == "POST /echo [] [] two");
  CHECK(client.read().body == "GET /echo [] [] ");
}

TEST_CASE("A request that comes byte by byte is the same request") {
  HttpStage stage;
  auto client = stage.tcpClient();
  for (const char byte : requestText("POST", "/echo?a=b", "body")) REQUIRE(client.send({&byte, 1}));
  CHECK(client.read().body == "POST /echo [] [] a=b body");
}

TEST_CASE("A body of the limit is taken and one byte more is refused") {
  HttpStage stage(withLimits({.bodyBytes = 100'000}));
  const std::string most(100'000, 'm');
  for (const bool isUnix : {true, false}) {
    const auto connect = [&] { return isUnix ? stage.unixClient() : stage.tcpClient(); };
    auto client = connect();
    CHECK(client.ask("POST", "/echo", most).body.ends_with(most));
    REQUIRE(client.send(chunked(most, 777)));
    CHECK(client.read().body.ends_with(most));
    // Refused by its length alone: none of the body is sent.
    REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100001\r\n\r\n"));
    checkRefusal(client.read(), 413, "http/too-large");
    CHECK(client.isClosedByServer());
    client = connect();
    REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n"));
    CHECK(client.read().status == 413);
    client = connect();
    REQUIRE(client.send(chunked(most + "x", 777)));
    checkRefusal(client.read(), 413, "http/too-large");
    CHECK(client.isClosedByServer());
  }
  CHECK(waitFor([&] { return stage.log.count("/echo 413") >= 4; }));
}

TEST_CASE("A client that sends all of its body before it reads gets its refusal") {
  HttpStage stage({.limits = {.bodyBytes = 100'000}, .token = "the-right-token"});
  const std::string large(5'000'000, 'x');
  const std::string start = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
  const std::string length = "Content-Length: 5000000\r\n";
  for (const bool isUnix : {true, false}) {
    const auto connect = [&] { return isUnix ? stage.unixClient() : stage.tcpClient(); };
    const std::string token = "Authorization: Bearer the-right-token\r\n";
    for (const std::string& request :
         {start + token + length + "\r\n" + large, start + token + chunked(large, 70'000).substr(start.size())}) {
      auto client = connect();
      REQUIRE(client.send(request));
      checkRefusal(client.read(), 413, "http/too-large");
      CHECK(client.isClosedByServer());
    }
  }
  auto stranger = stage.tcpClient();
  REQUIRE(stranger.send(start + length + "\r\n" + large));
  const auto refusal = stranger.read();
  checkRefusal(refusal, 401, "http/unauthorized");
  CHECK(refusal.header("www-authenticate") == "Bearer");
}

TEST_CASE("A client that goes on sending after its refusal is cut off") {
  HttpStage stage({.limits = {.bodyBytes = 100'000, .answerTime = 100ms}});
  auto client = stage.tcpClient();
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000\r\n\r\n"));
  checkRefusal(client.read(), 413, "http/too-large");
  const std::string piece(10'000, 'x');
  CHECK(waitFor([&] { return !client.send(piece); }));
  CHECK(waitFor([&] { return stage.log.count("/echo 413") == 1; }));
}

TEST_CASE("A client that asks before it sends its body is told to go on, or is refused") {
  HttpStage stage({.token = "the-right-token"});
  const std::string asking = "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  auto client = stage.unixClient();
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + asking));
  CHECK(client.read().status == 100);
  REQUIRE(client.send("body"));
  CHECK(client.read().body == "POST /echo [] [] body");
  auto refused = stage.tcpClient();
  REQUIRE(refused.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + asking));
  CHECK(refused.read().status == 401);
}

TEST_CASE("A request whose end is told in two ways, or in an unknown one, is refused") {
  HttpStage stage;
  for (const char* headers :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    INFO(headers);
    auto client = stage.tcpClient();
    REQUIRE(client.send(std::string("POST /wait HTTP/1.1\r\nHost: localhost\r\n") + headers + "\r\n0\r\n\r\n"));
    CHECK(client.read().status == 400);
    CHECK(client.isClosedByServer());
  }
  CHECK(stage.waiting() == 0);
}

TEST_CASE("A request for a target that is not understood is refused") {
  HttpStage stage;
  for (const char* target : {"/%zz", "/a%00b", "*", "http://localhost/echo"}) {
    auto client = stage.unixClient();
    checkRefusal(client.ask("GET", target), 400, "http/bad-request");
  }
  CHECK(stage.unixClient().ask("GET", "/" + std::string(40'000, 'a')).status >= 400);
  CHECK(stage.unixClient().ask("GET", "/echo", {}, "X: " + std::string(40'000, 'a') + "\r\n").status == 431);
}

// libmicrohttpd may find the end of a connection only by its idle time when it comes with the last bytes.
TEST_CASE("Half a request and then nobody is forgotten") {
  HttpStage stage(withLimits({.idle = 1s}));
  const std::size_t before = openDescriptors();
  for (const char* half : {"", "G", "GET /wait HT", "GET /wait HTTP/1.1\r\nHost: loc",
                           "POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1234",
                           "POST /wait HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n1234"}) {
    REQUIRE(stage.unixClient().send(half));
    REQUIRE(stage.tcpClient().send(half));
  }
  CHECK(waitFor([&] { return stage.log.count("POST /wait unanswered") >= 2; }));
  CHECK(waitFor([&] { return openDescriptors() == before; }));
  CHECK(stage.waiting() == 0);
  CHECK(stage.tcpClient().ask("GET", "/echo").status == 200);
}

TEST_CASE("A request that takes too long to arrive is told so and cut off, wherever it stands") {
  HttpStage stage(withLimits({.idle = 1s, .requestTime = 150ms}));
  for (const std::string start :
       {"POST /wait HTTP/1.1\r\nHost: localhost\r\nX: ",
        "POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n", "GET /"}) {
    INFO(start);
    for (const bool isUnix : {true, false}) {
      auto client = isUnix ? stage.unixClient() : stage.tcpClient();
      REQUIRE(client.send(start));
      // Never idle for long.
      while (!client.hasBytes(20) && client.send("a")) {
      }
      checkRefusal(client.read(), 408, "http/too-slow");
      CHECK(client.isClosedByServer());
    }
  }
  CHECK(stage.waiting() == 0);
}

TEST_CASE("An answer that is read too slowly is cut off, though never idle for long") {
  HttpStage stage(withLimits({.idle = 1s, .requestTime = 150ms, .answerTime = 300ms}));
  constexpr std::size_t size = 64 << 20;
  for (const bool isUnix : {true, false}) {
    stage.sent = stage.unsent = 0;
    auto client = isUnix ? stage.unixClient() : stage.tcpClient();
    REQUIRE(client.send(requestText("GET", "/wait")));
    REQUIRE(stage.awaitWaiting(1));
    stage.answerAll(size);
    std::size_t taken = 0;
    bool isOver = false;
    CHECK(waitFor([&] {
      taken += client.skip(64 << 10);
      stage.loop.run([&] { isOver = stage.unsent == 1; });
      return isOver;
    }));
    while (const std::size_t more = client.skip(1 << 20)) taken += more;  // that the kernel held already
    CHECK(taken < size);
    CHECK(stage.unixClient().ask("GET", "/echo").status == 200);
  }
}

TEST_CASE("A silent connection is closed, one that waits for its answer is not") {
  HttpStage stage(withLimits({.idle = 1s, .requestTime = 150ms}));
  auto waiting = stage.tcpClient();
  REQUIRE(waiting.send(requestText("GET", "/wait")));
  REQUIRE(stage.awaitWaiting(1));
  auto served = stage.tcpClient();
  CHECK(served.ask("GET", "/echo").status == 200);
  CHECK(served.isClosedByServer());
  auto silent = stage.unixClient();
  CHECK(silent.isClosedByServer());
  auto later = stage.unixClient();
  CHECK(later.isClosedByServer());
  stage.answerAll();
  CHECK(waiting.read().body == "/wait");
  CHECK(stage.awaitSent(1, 0));
  CHECK(waiting.ask("GET", "/echo").status == 200);
}

TEST_CASE("More connections than the limit wait until there is room") {
  HttpStage stage(withLimits({.connections = 2}));
  auto one = stage.unixClient();
  auto two = stage.unixClient();
  CHECK(one.ask("GET", "/echo").status == 200);
  CHECK(two.ask("GET", "/echo").status == 200);
  auto three = stage.unixClient();
  REQUIRE(three.send(requestText("GET", "/echo")));
  const auto before = stage.computed();
  CHECK_FALSE(three.hasBytes(300));
  CHECK(stage.computed() - before < 50ms);
  CHECK(stage.log.count("as many connections as it takes") == 1);
  one.hangUp();
  CHECK(three.read().status == 200);
  CHECK(stage.log.count("as many connections as it takes") == 1);
}

TEST_CASE("On TCP the host, the origin and the token decide, on the Unix socket nothing of it") {
  HttpStage stage({.token = "the-right-token"});
  const std::string token = "Authorization: Bearer the-right-token\r\n";
  const auto ask = [&](HttpClient client, const std::string& headers, const std::string& version = "1.1") {
    REQUIRE(client.send("POST /echo HTTP/" + version + "\r\n" + headers + "Content-Length: 4\r\n\r\nbody"));
    return client.read();
  };
  const std::string host = "Host: localhost\r\n";
  CHECK(ask(stage.tcpClient(), host + token).status == 200);
  CHECK(ask(stage.tcpClient(), "Host: 127.0.0.1:1\r\n" + token).status == 200);
  CHECK(ask(stage.tcpClient(), "Host: [::1]\r\n" + token).status == 200);
  checkRefusal(ask(stage.tcpClient(), "Host: evil.example\r\n" + token), 403, "http/forbidden-host");
  checkRefusal(ask(stage.tcpClient(), host + "Host: evil.example\r\n" + token), 403, "http/forbidden-host");
  checkRefusal(ask(stage.tcpClient(), token, "1.0"), 403, "http/forbidden-host");
  checkRefusal(ask(stage.tcpClient(), token), 403, "http/forbidden-host");
  checkRefusal(ask(stage.tcpClient(), host + token + "Origin: http://localhost\r\n"), 403, "http/forbidden-origin");
  checkRefusal(ask(stage.tcpClient(), host), 401, "http/unauthorized");
  checkRefusal(ask(stage.tcpClient(), host + "Authorization: Bearer wrong\r\n"), 401, "http/unauthorized");
  CHECK(ask(stage.tcpClient(), host).header("www-authenticate") == "Bearer");
  CHECK(ask(stage.unixClient(), "Host: evil.example\r\nOrigin: x\r\n").status == 200);
  // Before the body: none is sent.
  auto early = stage.tcpClient();
  REQUIRE(early.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400\r\n\r\n"));
  CHECK(early.read().status == 401);
  CHECK(early.isClosedByServer());
  CHECK(stage.log.count("the-right-token") == 0);
}

TEST_CASE("A handler's mistakes are answered 500 and said in the log") {
  HttpStage stage;
  auto client = stage.tcpClient();
  checkRefusal(client.ask("GET", "/drop"), 500, "http/internal");
  checkRefusal(client.ask("GET", "/throw"), 500, "http/internal");
  const auto injected = client.ask("GET", "/inject");
  checkRefusal(injected, 500, "http/internal");
  CHECK(injected.header("set-cookie") == "(none)");
  CHECK(stage.log.count("dropped by its handler") == 2);
  CHECK(stage.log.count("cannot be sent") == 1);
  CHECK(client.ask("GET", "/twice").body == "one");
  CHECK(stage.awaitSent(1, 1));
}

TEST_CASE("A request is one line of the log without its query") {
  HttpStage stage;
  auto client = stage.unixClient();
  const auto reply = client.ask("POST", "/echo?secret=1", "secret");
  REQUIRE(
      waitFor([&] { return stage.log.count("request " + reply.header("x-request-id") + " POST /echo 200 ") == 1; }));
  CHECK(stage.log.count("secret") == 0);
}
