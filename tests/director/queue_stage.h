#pragma once
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "callsheet/job_director.h"
#include "director/store_access.h"
#include "jobs/queue_runner.h"
#include "tests/support/faulty_store.h"
#include "tests/support/log_keeper.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

/// A queue runner of an assistant that is open in a store of its own, between a store that fails on demand and jobs
/// that the test writes. Lives on the test's thread.
class QueueStage {
 public:
  using Run = std::function<std::string(JobContext&)>;

  explicit QueueStage(const Run& run, unsigned workers = 1)
      : types_(typesOf(run)),
        access_(StoreAccess::open(directory_.path(), "main", {})),
        store(access_->store()),
        // Only what context.director() would answer; it is never started.
        director_(JobDirectorID("main"), directory_.path(), JobDirectorMode::assistant("unused"), {}) {
    RegisterIncarnation verb;
    verb.id = incarnation;
    verb.name = "one";
    verb.kinds = types_.kinds();
    REQUIRE(isAccepted(access_->store().apply(verb).verdict));
    loop.start();
    QueueRunner::Options options;
    options.workers = workers;
    options.log = log.sink();
    runner = std::make_unique<QueueRunner>(store, clock_, loop, types_, director_, std::move(options));
  }
  ~QueueStage() { runner.reset(); }
  QueueStage(const QueueStage&) = delete;
  QueueStage& operator=(const QueueStage&) = delete;

  std::vector<JobID> submit(std::size_t count = 1, std::int64_t attemptLimitMicros = 0) {
    std::vector<NewJob> jobs(count);
    std::vector<JobID> ids;
    for (NewJob& job : jobs) {
      job = newJob();
      job.body.attemptLimitMicros = attemptLimitMicros;
      job.body.retry.maxAttempts = 1;
      ids.push_back(job.id);
    }
    REQUIRE(isAccepted(access_->store().apply(submitOf(std::move(jobs), incarnation)).verdict));
    return ids;
  }
  [[nodiscard]] JobRow row(JobID id) { return *access_->store().peek(id); }
  [[nodiscard]] std::string failureOf(JobID id) { return access_->store().find(id)->result->failure.type; }
  [[nodiscard]] bool awaitDone(const std::vector<JobID>& jobs) {
    return waitFor([&] {
      return std::all_of(jobs.begin(), jobs.end(), [&](JobID id) { return row(id).state == JobState::done; });
    });
  }

 private:
  static JobTypes typesOf(const Run& run) {
    JobTypes types;
    types.add("k", 1, [run](const std::string&, JobContext& context) { return run(context); });
    return types;
  }

  TemporaryDirectory directory_{TemporaryDirectory::Place::memory};
  const SystemClock clock_;
  const JobTypes types_;
  std::shared_ptr<StoreAccess> access_;

 public:
  FaultyStore store;
  LogKeeper log;
  const IncarnationID incarnation = makeIncarnationID();
  EventLoop loop;
  std::unique_ptr<QueueRunner> runner;

 private:
  JobDirector director_;
};

}  // namespace callsheet::tests
