#include "core/job_runner.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/support/wait_for.h"

using namespace callsheet;

namespace {
struct CountingHost final : JobRunner::Host {
  void ended(JobID, std::optional<Verb>) override {
    runningAtEnd = runner->runningCount();
    freeAtEnd = runner->freeWorkers();
  }
  void freed() override {
    freeAfterwards = runner->freeWorkers();
    isOver = true;
  }
  AttemptAnswer requestTransfer(const AttemptRef&) override { return {}; }
  void progressed(const AttemptRef&, double, std::string) override {}
  JobDirector& director() override { std::abort(); }
  bool isPrincipal() const override { return true; }

  JobRunner* runner = nullptr;
  std::atomic<std::size_t> runningAtEnd{99};
  std::atomic<unsigned> freeAtEnd{99};
  std::atomic<unsigned> freeAfterwards{99};
  std::atomic<bool> isOver{false};
};
}  // namespace

TEST_CASE("An attempt counts as running until its end was handed over, and its worker is free afterwards") {
  JobTypes types;
  types.add({"k", 1, [](const std::string&, JobContext&) { return std::string("1"); }});
  CountingHost host;
  JobRunner runner(types, 1, host);
  host.runner = &runner;
  Claim::Item item;
  item.row.id = makeJobID();
  item.row.kind = "k";
  runner.run(std::move(item), makeIncarnationID());
  REQUIRE(tests::waitFor([&] { return host.isOver.load(); }));
  CHECK(host.runningAtEnd == 1);
  CHECK(host.freeAtEnd == 0);
  CHECK(host.freeAfterwards == 1);
  CHECK(runner.runningCount() == 0);
}
