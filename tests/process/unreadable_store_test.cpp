#include <catch2/catch.hpp>
#include <stdexcept>
#include <vector>

#include "tests/process/director_process.h"
#include "tests/support/greedy_reader.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// What directors do while the store cannot be read, and about rows whose owners nobody can see.
namespace callsheet::tests {

namespace {

const RoleRegistration greedyReader("greedy reader", playGreedyReader);

}  // namespace

TEST_CASE("directors live on while the store cannot be read and work when it can") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  DirectorProcess assistant = DirectorProcess::assistant(stage, "one", 2);
  const JobID held = assistant.submit("hold").value();
  REQUIRE(stage.waitForEffects(1));
  RoleProcess greedy("greedy reader", {"path=" + stage.access().directory().dataPath()});
  REQUIRE(greedy.readLine() == "full");
  const auto said = [&](const std::string& who) {
    return waitFor([&] {
      greedy.send("again");
      (void)greedy.readLine();
      const std::string log = stage.log();
      return log.find(who + " " + std::to_string(who == "principal" ? principal.pid() : assistant.pid()) +
                      " warning: looking") != std::string::npos;
    });
  };
  CHECK(said("principal"));
  CHECK(said("one"));
  greedy.kill();
  // Until the principal has freed what the dead one held.
  REQUIRE(waitFor([&] {
    try {
      return stage.store().totals().jobs() > 0;
    } catch (const Error&) {
      return false;
    }
  }));
  stage.raiseFlag("release");
  REQUIRE(stage.waitForDone({held}));
  CHECK(stage.row(held).attempt == 1);
  CHECK(principal.awaitDone(principal.submit("count").value()));
  CHECK(assistant.awaitDone(assistant.submit("count").value()));
  stage.expectNothingLeft();
}

TEST_CASE("a principal adopts from who is open in the store without a presence though it came after the start") {
  Stage stage;
  DirectorProcess principal = DirectorProcess::principal(stage);
  REQUIRE(principal.awaitDone(principal.submit("count").value()));
  RegisterIncarnation ghost;
  ghost.id = makeIncarnationID();
  ghost.name = "ghost";
  ghost.kinds = {"count"};
  REQUIRE(stage.store().apply(ghost).verdict == Verdict::ok);
  const JobID job = stage.submit("count", "{}", "ghost");
  REQUIRE(stage.waitForDone({job}));
  CHECK(stage.effectsOf(job).back().pid == principal.pid());
  stage.expectNothingLeft();
}

}  // namespace callsheet::tests
