#include "core/job_runner.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

using namespace callsheet;

namespace {

/// Keeps the verb that the attempt ended with.
class Host final : public JobRunner::Host {
 public:
  void ended(JobID, std::optional<Verb> end) override {
    const std::lock_guard lock(mutex_);
    end_ = std::move(end);
    hasEnded_ = true;
    changed_.notify_all();
  }
  AttemptAnswer requestTransfer(const AttemptRef&) override { return {}; }
  void progressed(const AttemptRef&, double, std::string) override {}
  JobDirector& director() override { std::abort(); }
  bool isPrincipal() const override { return true; }

  std::optional<Verb> awaitEnd() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds{20}, [this] { return hasEnded_; }));
    return end_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Verb> end_;
  bool hasEnded_ = false;
};

}  // namespace

TEST_CASE("An attempt that could not begin is given back with the reason and is no failure") {
  JobTypes types;
  types.add(JobTypes::Type{"k", 1, [](const std::string&, JobContext&) -> std::string {
                             throw AttemptNotBegun{"the lock is held" + std::string(10'000, '!')};
                           }});
  Host host;
  JobRunner runner(types, 1, host);
  Claim::Item item;
  item.row.id = makeJobID();
  item.row.execID = ExecID{Uuid::makeV4()};
  item.row.kind = "k";
  runner.run(item, {});
  const auto end = host.awaitEnd();
  REQUIRE(end);
  const auto* unclaim = std::get_if<Unclaim>(&*end);
  REQUIRE(unclaim != nullptr);
  CHECK(unclaim->attempt.exec == item.row.execID);
  CHECK(unclaim->why.find("the lock is held") == 0);
  CHECK(unclaim->why.size() <= limits::textBytesMax);
}
