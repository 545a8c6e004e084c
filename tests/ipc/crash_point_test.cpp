#include "core/crash_point.h"

#include <signal.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "ipc/process_state.h"
#include "tests/ipc/ipc_support.h"

using namespace callsheet;
using callsheet::test::Child;

namespace {
// Passes one point three times; the exit code counts in `passed` are visible only when it survives.
const test::AddRole passThrice("pass-crash-point-thrice", [] {
  for (int pass = 0; pass < 3; ++pass) crashPoint("board.renamed");
  return 7;
});
int runWith(const std::string& variable) {
  return Child::role("pass-crash-point-thrice", {{"CALLSHEET_CRASH_AT", variable}}).join();
}
}  // namespace

TEST_CASE("A process is killed at the crash point and pass that its environment names") {
  CHECK(runWith("board.renamed") == -SIGKILL);
  CHECK(runWith("board.renamed:3") == -SIGKILL);
  CHECK(runWith("board.renamed:4") == 7);
  CHECK(runWith("presence.linked") == 7);
  CHECK(runWith("") == 7);
}

TEST_CASE("A process is stopped once at the point and pass that its environment names and then goes on") {
  Child child = Child::role("pass-crash-point-thrice", {{"CALLSHEET_STOP_AT", "board.renamed:2"}});
  REQUIRE(callsheet::test::waitUntil([&] {
    const auto state = processState(child.pid());
    return state && state->isStoppedOrTraced();
  }));
  child.signal(SIGCONT);
  CHECK(child.join() == 7);
}

TEST_CASE("A process with an unknown crash point or a bad count does not start") {
  for (const char* bad : {"no.such-point", "board.renamed:0", "board.renamed:x", "board.renamed:", ":1"})
    CHECK(runWith(bad) == 2);
}

TEST_CASE("The names of crash points are unique") {
  const auto names = crashPointNames();
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
}
