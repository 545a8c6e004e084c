// A job that waits for another job's end, through the C++ door.
#include <catch2/catch.hpp>

#include "callsheet/job.h"
#include "callsheet/job_director.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/verbs.h"

namespace callsheet::tests {

namespace {
using std::chrono::seconds;

/// Gives or fails, in a queue of its own.
struct Errand : SubmittableJob {
  bool fails = false;
  int execute() const {
    if (fails) throw JobError("nobody-home", "nobody is at home", false, "null");
    return 42;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(fails));
  }
};

/// Sends somebody on an errand and waits for the outcome.
struct Sender : SubmittableJob {
  bool fails = false;
  std::string execute(JobContext& context) const {
    Errand errand;
    errand.fails = fails;
    SubmitOptions options;
    // The same in each attempt.
    options.id = JobID{context.externalKey("errand").wait.value};
    options.queue = "errands";
    options.answers = context.externalKey("errand");
    (void)context.director().submit(errand, options);
    try {
      return std::to_string(context.await<int>("errand"));
    } catch (const JobError& error) {
      return error.type() + " " + error.origin();
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(fails));
  }
};
}  // namespace

TEST_CASE("a job waits for another job's end and takes no worker meanwhile") {
  TemporaryDirectory directory{TemporaryDirectory::Place::memory};
  JobDirectorOptions options;
  options.workers = 1;
  JobDirector director(JobDirectorID("main"), directory.path(), JobDirectorMode::principal(),
                       JobTypes{}.add<Errand>("errand").add<Sender>("sender"), options);
  director.start();
  Sender sender;
  sender.fails = GENERATE(true, false);
  const auto status = director.wait(director.submit(sender).id, seconds{20});
  REQUIRE(status);
  CHECK(status->result == (sender.fails ? "\"nobody-home errand\"" : "\"42\""));
  CHECK(status->failures == 0);
}

TEST_CASE("a wait is answered by one job of its own store") {
  TemporaryDirectory directory{TemporaryDirectory::Place::memory};
  JobDirector director(JobDirectorID("main"), directory.path(), JobDirectorMode::principal(),
                       JobTypes{}.add<Errand>("errand"));
  director.start();
  SubmitOptions options;
  options.answers = ExternalJobKey{"other", makeJobID(), Fingerprint{makeJobID().value}};
  CHECK_THROWS_AS(director.submit(Errand{}, options), Error);
  options.answers->director = "main";
  CHECK(director.submit(Errand{}, options).isAccepted());
  const Errand two[2];
  CHECK_THROWS_AS(director.submitAll(std::span<const Errand>(two), options), Error);
}

}  // namespace callsheet::tests
