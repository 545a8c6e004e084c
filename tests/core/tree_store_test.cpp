// Trees of steps over a store that has no room, or that cannot read what it remembers.
#include "tests/core/tree_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

TEST_CASE("A step's result that the store has no room for is kept until there is some, and its code runs once") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = sumOf(Number{2}, Number{3}); };
  stage.memory.answersWithoutRoom = 2;
  CHECK(stage.result() == "5");
  CHECK(stage.memory.fullAnswers == 2);
  CHECK(runs["number"] == 2);
  CHECK(stage.memory.count() == 3);
}

TEST_CASE("A wait or a limit that the store has no room for is asked for again") {
  Stage stage;
  stage.memory.answersWithoutRoom = 1;
  SECTION("the job's last thing to do") {
    Root::bindTotal = [](JobInput<int>& total) { total = 1; };
    Root::body = [](JobContext& context, int one) {
      context.sleep("nap", 10s);
      return one;
    };
    CHECK(stage.attempt() == nullptr);
    CHECK(stage.memory.suspensions == 1);
    stage.memory.utcMicros += 10'000'000;
    CHECK(stage.result() == "1");
    CHECK(runs["root"] == 2);
  }
  SECTION("a limit") {
    Root::bindTotal = [](JobInput<int>& total) { total = Number{1} | timeout(1min); };
    CHECK(stage.result() == "1");
    CHECK(runs["number"] == 1);
  }
  CHECK(stage.memory.fullAnswers == 1);
}

TEST_CASE("A job whose results find no room ends as soon as it is asked to, and is given back") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = sumOf(Number{2}, Number{3}); };
  stage.memory.answersWithoutRoom = 1'000'000;
  JobRunner& runner = stage.begin();
  REQUIRE(waitFor([&] { return stage.memory.fullAnswers >= 2; }));
  runner.giveBackAll();
  const Verb* end = stage.end();
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Unclaim>(*end));
  CHECK(stage.memory.count() == 0);
  stage.memory.answersWithoutRoom = 0;
  CHECK(stage.result() == "5");
}

TEST_CASE("A job whose remembered steps cannot be read fails with an error that says so, and runs nothing again") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) {
    total = sumOf(Number{2}, Number{3}) | map("same", [](int v) { return v; });
  };
  CHECK(stage.result() == "5");
  SECTION("all of them") {
    stage.memory.isUnreadable = true;
    CHECK(stage.failure().type == "unreadable");
  }
  SECTION("a value that is gone") {
    stage.memory.lostName = "same";
    const JobFailure failure = stage.failure();
    CHECK(failure.type == "unreadable");
    CHECK(failure.message.find("same") != std::string::npos);
  }
  SECTION("a value that does not fit its input") {
    stage.memory.garbledName = "same";
    CHECK(stage.failure().type == "payload");
  }
  CHECK(runs["number"] == 2);
  CHECK(runs["sum"] == 1);
  CHECK(runs["root"] == 1);
}
