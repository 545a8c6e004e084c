#include <catch2/catch.hpp>
#include <deque>
#include <stdexcept>

#include "tests/api/http_stage.h"

// Answers whose bytes come while they are sent.
using namespace callsheet;
using namespace callsheet::tests;
using namespace std::chrono_literals;

namespace {

/// What a test puts into an answer, on the loop's thread alone.
struct Tap {
  std::deque<std::string> pieces;
  bool isOver = false;
  bool isBroken = false;
  std::function<void()> more;
  int reads = 0;
  bool isGone = false;
};

class TappedSource final : public BodySource {
 public:
  explicit TappedSource(Tap& tap) : tap_(tap) {}
  ~TappedSource() override { tap_.isGone = true; }
  std::optional<std::string> read(std::size_t bytesMax, std::function<void()> more) override {
    ++tap_.reads;
    if (tap_.isBroken) throw std::runtime_error("the tap's own trouble");
    if (!tap_.pieces.empty()) {
      std::string piece = tap_.pieces.front().substr(0, bytesMax);
      tap_.pieces.front().erase(0, bytesMax);
      if (tap_.pieces.front().empty()) tap_.pieces.pop_front();
      return piece;
    }
    if (tap_.isOver) return std::nullopt;
    tap_.more = std::move(more);
    return std::string();
  }

 private:
  Tap& tap_;
};

/// A request that is answered from the tap.
class TapStage {
 public:
  explicit TapStage(HttpServerOptions options = {}) : stage(std::move(options)), client(stage.tcpClient()) {
    REQUIRE(client.send(requestText("GET", "/wait")));
    REQUIRE(stage.awaitWaiting(1));
    stage.loop.run([&] {
      HttpResponse response;
      response.source = std::make_unique<TappedSource>(tap);
      stage.kept.front()->answer(std::move(response),
                                 [this](bool wasSent) { ++(wasSent ? stage.sent : stage.unsent); });
      stage.kept.clear();
    });
  }
  /// Something has changed about the tap.
  void turn(const std::function<void(Tap&)>& how) {
    stage.loop.run([&] {
      how(tap);
      if (const auto more = std::exchange(tap.more, {})) more();
    });
  }
  [[nodiscard]] bool awaitAsleep() {
    return waitFor([&] { return seen([](const Tap& one) { return static_cast<bool>(one.more); }); });
  }
  [[nodiscard]] bool seen(const std::function<bool(const Tap&)>& what) {
    bool is = false;
    stage.loop.run([&] { is = what(tap); });
    return is;
  }

  Tap tap;  // first: the source says that it is gone
  HttpStage stage;
  HttpClient client;
};

}  // namespace

TEST_CASE("An answer goes out in chunks as its bytes come, and costs nothing while there are none") {
  TapStage tapped;
  const auto head = tapped.client.read();
  CHECK(head.status == 200);
  CHECK(head.header("transfer-encoding") == "chunked");
  REQUIRE(tapped.awaitAsleep());
  const auto before = tapped.stage.computed();
  CHECK_FALSE(tapped.client.hasBytes(200));
  CHECK(tapped.stage.computed() - before < 50ms);
  tapped.turn([](Tap& tap) { tap.pieces = {"one"}; });
  CHECK(tapped.client.readText("one\r\n"));
  REQUIRE(tapped.awaitAsleep());
  tapped.turn([](Tap& tap) { tap.pieces = {"two", "three"}; });
  CHECK(tapped.client.readText("three\r\n"));
  tapped.turn([](Tap& tap) { tap.isOver = true; });
  CHECK(tapped.client.readText("0\r\n\r\n"));
  CHECK(tapped.stage.awaitSent(1, 0));
  CHECK(tapped.seen([](const Tap& tap) { return tap.isGone; }));
  // The connection serves the next request.
  CHECK(tapped.client.ask("GET", "/echo").status == 200);
}

TEST_CASE("Who goes away while an answer has no more bytes is noticed when the source looks again") {
  TapStage tapped;
  REQUIRE(tapped.awaitAsleep());
  tapped.client.hangUp();
  tapped.turn([](Tap&) {});
  CHECK(tapped.stage.awaitSent(0, 1));
  CHECK(tapped.seen([](const Tap& tap) { return tap.isGone && tap.reads == 1; }));
}

TEST_CASE("An answer whose source fails is cut off, so that nobody takes it for whole") {
  TapStage tapped;
  REQUIRE(tapped.awaitAsleep());
  static_cast<void>(tapped.client.read());
  tapped.turn([](Tap& tap) { tap.isBroken = true; });
  CHECK(tapped.client.isClosedByServer());
  CHECK(tapped.stage.awaitSent(0, 1));
  CHECK(tapped.stage.log.count("the tap's own trouble") == 1);
}

TEST_CASE("Who does not read an answer that has more bytes is left after a while") {
  HttpServerOptions options;
  options.limits.answerTime = 300ms;
  TapStage tapped(options);
  REQUIRE(tapped.awaitAsleep());
  tapped.turn([](Tap& tap) { tap.pieces = {std::string(64u << 20, 'x')}; });
  CHECK(tapped.stage.awaitSent(0, 1));
  CHECK(tapped.seen([](const Tap& tap) { return tap.isGone; }));
}

TEST_CASE("A server that stops cuts off what is still coming") {
  TapStage tapped;
  REQUIRE(tapped.awaitAsleep());
  static_cast<void>(tapped.client.read());
  tapped.stage.server.stop();
  CHECK(tapped.client.isClosedByServer());
  CHECK(tapped.stage.awaitSent(0, 1));
  CHECK(tapped.tap.isGone);
}
