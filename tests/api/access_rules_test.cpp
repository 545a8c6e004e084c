#include "api/access_rules.h"

#include <catch2/catch.hpp>

using namespace callsheet;

namespace {
const std::string token = "0123456789abcdef";
AccessHeaders good() {
  return {{"127.0.0.1:8080"}, {}, {"Bearer " + token}};
}
}  // namespace

TEST_CASE("Only the loopback names are hosts, with any port or none") {
  for (const char* host :
       {"localhost", "LocalHost", "localhost:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:80"})
    CHECK(isLoopbackHost(host));
  for (const char* host : {"",
                           ":",
                           ":80",
                           "localhost:",
                           "localhost:0",
                           "localhost:65536",
                           "localhost:80x",
                           "localhost:+1",
                           "localhost:000080",
                           "localhost.",
                           "localhost.evil.example",
                           "evil.example",
                           "evil.example:80",
                           "127.0.0.1.evil.example",
                           "127.0.0.2",
                           "0.0.0.0",
                           "[::1]x",
                           "[::1",
                           "::1",
                           "::1:80",
                           "[::2]",
                           "[::ffff:127.0.0.1]",
                           "user@localhost",
                           " localhost",
                           "localhost ",
                           "localhost:80:80",
                           "localhost,evil.example",
                           "127.1",
                           "2130706433"}) {
    INFO(host);
    CHECK_FALSE(isLoopbackHost(host));
  }
}

TEST_CASE("A bearer is known by its whole token") {
  CHECK(isBearer("Bearer " + token, token));
  CHECK(isBearer("bearer   " + token, token));
  for (const std::string& value :
       {std::string{}, std::string("Bearer"), std::string("Bearer "), token, "Basic " + token, "Bearer" + token,
        "Bearer " + token + "0", "Bearer " + token.substr(1), "Bearer " + token.substr(0, 15) + "0",
        "Bearer 1" + token.substr(1), "Bearer " + token + " "})
    CHECK_FALSE(isBearer(value, token));
}

TEST_CASE("On TCP the host, the absent origin and the token must all be right") {
  CHECK_FALSE(tcpRefusal(good(), token));
  auto headers = good();
  headers.authorization.clear();
  CHECK(tcpRefusal(headers, token) == HttpRefusal::unauthorized);
  CHECK_FALSE(tcpRefusal(headers, ""));
  headers.authorization = {"Bearer " + token, "Bearer " + token};
  CHECK(tcpRefusal(headers, token) == HttpRefusal::unauthorized);
  headers.authorization = {"Bearer other"};
  CHECK(tcpRefusal(headers, token) == HttpRefusal::unauthorized);

  headers = good();
  for (const char* origin : {"http://localhost:8080", "null", ""}) {
    headers.origin = {origin};
    CHECK(tcpRefusal(headers, token) == HttpRefusal::forbiddenOrigin);
    CHECK(tcpRefusal(headers, "") == HttpRefusal::forbiddenOrigin);
  }

  headers = good();
  headers.host.clear();
  CHECK(tcpRefusal(headers, token) == HttpRefusal::forbiddenHost);
  headers.host = {"evil.example"};
  CHECK(tcpRefusal(headers, token) == HttpRefusal::forbiddenHost);
  CHECK(tcpRefusal(headers, "") == HttpRefusal::forbiddenHost);
  headers.host = {"localhost", "evil.example"};
  CHECK(tcpRefusal(headers, token) == HttpRefusal::forbiddenHost);
}

TEST_CASE("A Unix socket is for its own user and root") {
  CHECK(isPeerAllowed(1000, 1000));
  CHECK(isPeerAllowed(0, 1000));
  CHECK_FALSE(isPeerAllowed(1001, 1000));
  CHECK_FALSE(isPeerAllowed(1000, 0));
}

TEST_CASE("A refusal is JSON with a type, and 401 says how to ask") {
  for (const auto refusal : {HttpRefusal::badRequest, HttpRefusal::unauthorized, HttpRefusal::forbiddenHost,
                             HttpRefusal::forbiddenOrigin, HttpRefusal::forbiddenPeer, HttpRefusal::tooSlow,
                             HttpRefusal::tooLarge, HttpRefusal::internal, HttpRefusal::stopping}) {
    const auto response = responseOf(refusal);
    CHECK(isSendable(response));
    CHECK(response.status >= 400);
    CHECK(response.body.starts_with(R"({"error":{"message":")"));
    CHECK(response.body.find(R"("type":"http/)") != std::string::npos);
    const bool asks = !response.headers.empty() && response.headers.front().first == "WWW-Authenticate";
    CHECK(asks == (response.status == 401));
  }
}

TEST_CASE("What could end a header's line is not sendable") {
  const auto with = [](const std::string& name, const std::string& value) {
    HttpResponse response;
    response.headers.emplace_back(name, value);
    return response;
  };
  CHECK(isSendable(with("Allow", "GET, POST")));
  CHECK(isSendable(with("X-Text", "caf\xc3\xa9")));
  for (const std::string& value :
       {std::string("a\r\nSet-Cookie: b"), std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3)})
    CHECK_FALSE(isSendable(with("Allow", value)));
  for (const char* name : {"", "A:b", "A b", "A\r\nB", "\xc3\xa9"}) CHECK_FALSE(isSendable(with(name, "x")));
  HttpResponse typed;
  typed.contentType = "text/plain\r\nX: y";
  CHECK_FALSE(isSendable(typed));
  for (const int status : {0, 100, 199, 600, -1}) {
    HttpResponse odd;
    odd.status = status;
    CHECK_FALSE(isSendable(odd));
  }
}
