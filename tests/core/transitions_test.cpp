#include "core/transitions.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <tuple>

using namespace callsheet;

namespace {
using enum JobState;
using Arrow = std::tuple<int, Move, JobState>;
constexpr int nothing = -1;
int from(JobState state) {
  return static_cast<int>(state);
}

/// The diagram of docs/architecture.md, written down a second time.
const std::set<Arrow>& diagram() {
  static const std::set<Arrow> arrows{
      // a job comes
      {nothing, Move::submit, ready},
      {nothing, Move::submitLater, waiting},
      {from(waiting), Move::promote, ready},
      // it is handed out
      {from(ready), Move::request, requested},
      {from(ready), Move::claim, inProgress},
      {from(requested), Move::start, inProgress},
      // and comes back
      {from(requested), Move::unclaim, ready},
      {from(inProgress), Move::unclaim, ready},
      {from(requested), Move::startTimeOut, ready},
      {from(requested), Move::transfer, ready},
      {from(inProgress), Move::transfer, ready},
      {from(inProgress), Move::suspend, ready},
      {from(requested), Move::holderEnded, ready},
      {from(inProgress), Move::holderEnded, ready},
      // or waits
      {from(inProgress), Move::retryLater, waiting},
      {from(inProgress), Move::suspend, waiting},
      {from(inProgress), Move::holderDied, waiting},
      {from(inProgress), Move::quarantine, waiting},
      // or is done
      {from(inProgress), Move::succeed, done},
      {from(inProgress), Move::fail, done},
      {from(inProgress), Move::deadline, done},
      {from(waiting), Move::cancel, done},
      {from(ready), Move::cancel, done},
      {from(requested), Move::cancel, done},
      {from(inProgress), Move::cancel, done},
      // what changes no state
      {from(waiting), Move::promote, waiting},
      {from(inProgress), Move::cancelRequest, inProgress},
      {from(inProgress), Move::transferRequest, inProgress},
      {from(inProgress), Move::notify, inProgress},
      {from(waiting), Move::adopt, waiting},
      {from(ready), Move::adopt, ready},
      {from(requested), Move::adopt, requested},
      {from(inProgress), Move::adopt, inProgress},
      {from(waiting), Move::forget, waiting},
      {from(ready), Move::forget, ready},
      {from(requested), Move::forget, requested},
      {from(inProgress), Move::forget, inProgress},
      {from(done), Move::forget, done},
  };
  return arrows;
}
}  // namespace

TEST_CASE("The transition table is the diagram, no arrow more and none less") {
  for (int state = nothing; state <= static_cast<int>(done); ++state)
    for (int move = 0; move < moveCount; ++move)
      for (int target = 0; target <= static_cast<int>(done); ++target) {
        const auto before = state == nothing ? std::nullopt : std::optional(static_cast<JobState>(state));
        const Arrow arrow{state, static_cast<Move>(move), static_cast<JobState>(target)};
        INFO((before ? toString(*before) : "nothing")
             << " --" << toString(static_cast<Move>(move)) << "--> " << toString(static_cast<JobState>(target)));
        CHECK(isLegal(before, static_cast<Move>(move), static_cast<JobState>(target)) == diagram().contains(arrow));
      }
  CHECK(transitions().size() == diagram().size());
}

TEST_CASE("Nothing leads out of done, and everything leads there") {
  for (const Transition& row : transitions()) CHECK((row.from != done || row.to == done));
  for (const JobState state : {waiting, ready, requested, inProgress}) {
    bool canEnd = false;
    for (const Transition& row : transitions()) canEnd = canEnd || (row.from == state && row.to == done);
    CHECK(canEnd);
  }
}

TEST_CASE("Every move has an arrow and a name of its own") {
  std::set<std::string> names;
  for (int move = 0; move < moveCount; ++move) {
    const std::string name(toString(static_cast<Move>(move)));
    CHECK(name != "unknown");
    CHECK(names.insert(name).second);
    bool used = false;
    for (const Transition& row : transitions()) used = used || row.move == static_cast<Move>(move);
    INFO(name);
    CHECK(used);
  }
  CHECK(toString(static_cast<Move>(moveCount)) == "unknown");
}
