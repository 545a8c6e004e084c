// Jobs that have no thread while they run.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <thread>
#include <vector>

#include "core/job_runner.h"
#include "tests/support/memory_host.h"
#include "tests/support/wait_for.h"

using namespace callsheet;

namespace {
/// Keeps the ends of attempts, and the runner that they are of.
class Stage {
 public:
  explicit Stage(unsigned workers = 1, JobTypes::BeginDetached begin = {}) {
    if (!begin)
      begin = [this](const std::string&, std::shared_ptr<DetachedJob> job) {
        const std::lock_guard lock(mutex_);
        begun_.push_back(std::move(job));
      };
    types_.addDetached("k", 1, std::move(begin));
    host_.stage = this;
    runner_.emplace(types_, workers, host_, 1);
  }

  JobID run() {
    Claim::Item item;
    item.row.id = makeJobID();
    item.row.execID = ExecID{Uuid::makeV4()};
    item.row.kind = std::string("k");  // of a literal GCC 12 warns falsely
    item.row.attempt = 3;
    runner_->run(item, {});
    return item.row.id;
  }
  std::shared_ptr<DetachedJob> takeBegun() { return takeFirst(begun_); }
  Verb end() { return takeFirst(ends_); }
  JobFailure failure() { return std::get<Fail>(end()).failure; }
  std::size_t endCount() {
    const std::lock_guard lock(mutex_);
    return ends_.size();
  }
  JobRunner& runner() { return *runner_; }
  void endRunner() { runner_.reset(); }

 private:
  template <class T>
  T takeFirst(std::vector<T>& from) {
    REQUIRE(tests::waitFor([&] {
      const std::lock_guard lock(mutex_);
      return !from.empty();
    }));
    const std::lock_guard lock(mutex_);
    T first = std::move(from.front());
    from.erase(from.begin());
    return first;
  }
  struct Host final : tests::MemoryHost {
    void ended(JobID, std::optional<Verb> verb) override {
      const std::lock_guard lock(stage->mutex_);
      if (verb) stage->ends_.push_back(std::move(*verb));
    }
    void freed() override {}
    Stage* stage = nullptr;
  };
  JobTypes types_;
  Host host_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<DetachedJob>> begun_;
  std::vector<Verb> ends_;
  std::optional<JobRunner> runner_;
};
}  // namespace

TEST_CASE("A detached job runs on no thread, and ends as whoever carries it out says") {
  Stage stage;
  std::vector<JobID> jobs;
  for (int i = 0; i < 10; ++i) jobs.push_back(stage.run());
  auto one = stage.takeBegun();
  auto other = stage.takeBegun();
  // Two threads began them all.
  for (int i = 0; i < 8; ++i) stage.takeBegun()->succeed("4");
  for (int i = 0; i < 8; ++i) CHECK(std::get<Succeed>(stage.end()).value == "4");
  CHECK(stage.runner().runningCount() == 2);
  CHECK(std::count(jobs.begin(), jobs.end(), one->id()) == 1);
  CHECK(one->attempt() == 3);
  one->succeed("5");
  CHECK(std::get<Succeed>(stage.end()).value == "5");
  other->fail(std::make_exception_ptr(JobError("io", "the disk is gone", false, "6")));
  const auto end = std::get<Fail>(stage.end());
  CHECK(end.failure.type == "io");
  CHECK_FALSE(end.retryable);
  CHECK(end.value == "6");
  CHECK(stage.runner().runningCount() == 0);
  // The first end stands.
  one->fail(std::make_exception_ptr(JobError("late", "late")));
  other->succeed("7");
  one.reset();
  CHECK(stage.endCount() == 0);
}

TEST_CASE("A detached job that nobody ends, or that cannot begin, has failed") {
  Stage stage;
  stage.run();
  stage.takeBegun().reset();
  CHECK(stage.failure().message == "it was let go before its end");
  Stage refusing(1, [](const std::string&, const std::shared_ptr<DetachedJob>&) {
    throw JobError("payload", "that is none", false);
  });
  refusing.run();
  CHECK(refusing.failure().type == "payload");
}

TEST_CASE("A detached job hears that it is to end, and is canceled or given back by how") {
  Stage stage;
  const JobID id = stage.run();
  const auto job = stage.takeBegun();
  std::atomic<bool> isAsked{false};
  const std::stop_callback asked(job->stopToken(), [&] { isAsked = true; });
  const bool isCanceled = GENERATE(true, false);
  if (isCanceled)
    stage.runner().cancel(id);
  else
    stage.runner().giveBackAll();
  CHECK(isAsked);
  CHECK(stage.endCount() == 0);
  job->fail(std::make_exception_ptr(JobCanceled{}));
  const Verb end = stage.end();
  if (isCanceled)
    CHECK(std::get<Fail>(end).failure.type == "canceled");
  else
    CHECK(std::holds_alternative<Unclaim>(end));
}

TEST_CASE("What becomes of a detached job that is void is dropped") {
  Stage stage;
  const JobID id = stage.run();
  const auto job = stage.takeBegun();
  stage.runner().makeVoid(id, job->execID());
  CHECK(job->stopToken().stop_requested());
  job->succeed("1");
  CHECK(stage.endCount() == 0);
  CHECK(stage.runner().runningCount() == 0);
}

TEST_CASE("A runner waits for the end of its detached jobs") {
  Stage stage;
  stage.run();
  auto job = stage.takeBegun();
  std::atomic<bool> isGone{false};
  std::thread ending([&] {
    stage.endRunner();
    isGone = true;
  });
  CHECK_FALSE(isGone);
  job->succeed("1");
  ending.join();
  CHECK(isGone);
  CHECK(stage.endCount() == 1);
}
