#include "core/job_runner.h"

#include <atomic>
#include <catch2/catch.hpp>

#include "tests/support/memory_host.h"
#include "tests/support/wait_for.h"

using namespace callsheet;

namespace {
/// Keeps what an attempt ended with, and how its runner counted meanwhile.
struct WatchingHost final : tests::MemoryHost {
  void ended(JobID, std::optional<Verb> verb) override {
    end = std::move(verb);
    runningAtEnd = runner->runningCount();
    freeAtEnd = runner->freeWorkers();
  }
  void freed() override {
    freeAfterwards = runner->freeWorkers();
    isOver = true;
  }

  JobRunner* runner = nullptr;
  std::optional<Verb> end;  // read when isOver
  std::atomic<std::size_t> runningAtEnd{99};
  std::atomic<unsigned> freeAtEnd{99};
  std::atomic<unsigned> freeAfterwards{99};
  std::atomic<bool> isOver{false};
};

Claim::Item claimed() {
  Claim::Item item;
  item.row.id = makeJobID();
  item.row.execID = ExecID{Uuid::makeV4()};
  item.row.kind = "k";
  return item;
}
}  // namespace

TEST_CASE("An attempt counts as running until its end was handed over, and its worker is free afterwards") {
  JobTypes types;
  types.add("k", 1, [](const std::string&, JobContext&) { return std::string("1"); });
  WatchingHost host;
  JobRunner runner(types, 1, host);
  host.runner = &runner;
  runner.run(claimed(), makeIncarnationID());
  REQUIRE(tests::waitFor([&] { return host.isOver.load(); }));
  CHECK(host.runningAtEnd == 1);
  CHECK(host.freeAtEnd == 0);
  CHECK(host.freeAfterwards == 1);
  CHECK(runner.runningCount() == 0);
}

TEST_CASE("An attempt that could not begin is given back with the reason and is no failure") {
  JobTypes types;
  types.add("k", 1, [](const std::string&, JobContext&) -> std::string {
    throw AttemptNotBegun{"the lock is held" + std::string(10'000, '!')};
  });
  WatchingHost host;
  JobRunner runner(types, 1, host);
  host.runner = &runner;
  const Claim::Item item = claimed();
  runner.run(item, {});
  REQUIRE(tests::waitFor([&] { return host.isOver.load(); }));
  REQUIRE(host.end);
  const auto* unclaim = std::get_if<Unclaim>(&*host.end);
  REQUIRE(unclaim != nullptr);
  CHECK(unclaim->attempt.exec == item.row.execID);
  CHECK(unclaim->why.find("the lock is held") == 0);
  CHECK(unclaim->why.size() <= limits::textBytesMax);
}
