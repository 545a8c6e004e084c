// Bad input through the C++ door: each is refused with one sentence, or becomes the failure of its own job, and the
// director works on.
#include <atomic>
#include <catch2/catch.hpp>
#include <cereal/types/string.hpp>
#include <filesystem>
#include <functional>
#include <span>

#include "callsheet/job.h"
#include "callsheet/job_director.h"
#include "callsheet/limits.h"
#include "director/store_access.h"
#include "tests/support/log_keeper.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

namespace callsheet::tests {

namespace {
using Catch::Matchers::Contains;
using std::chrono::seconds;

/// Says its text again.
struct Echo {
  std::string text;
  std::uint32_t times = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(text), CEREAL_NVP(times));
  }
  std::string execute(JobContext&) const { return text + std::to_string(times); }
};

/// Nobody adds it to a director's types.
struct Stranger {
  template <class Archive>
  void serialize(Archive&) {}
  void execute(JobContext&) const {}
};

/// Gives its number.
struct Numbered : ResultJob<int> {
  static constexpr JobKind kind{"numbered"};
  int number = 0;
  int execute() const { return number; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
};

/// Binds its input in one of many ways, the right one among them.
struct Rebound : SubmittableJob {
  static inline std::atomic<int> drawn{0};
  std::string how;
  int hidden = 0;  // not among the parameters
  JobInput<int> input;

  void bindInputs() {
    const auto numbered = [](int number) {
      Numbered job;
      job.number = number;
      return job;
    };
    if (how == "by members") input = numbered(static_cast<int>(how.size()));
    if (how == "drawn anew") input = numbered(++drawn);
    if (how == "by what is not stored") input = numbered(hidden);
    if (how == "not at all") throw JobError("unlucky", "there is nothing to bind it to", false);
    if (how == "in no way") throw how.size();  // no std::exception
  }
  int execute() const { return *input; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(how), CEREAL_NVP(input));
  }
};

/// A store with the directors that a test makes on it.
class Door {
 public:
  Door() : access_(StoreAccess::open(directory_.path(), "main", {})) {}
  ~Door() { CHECK(access_->store().check().isClean()); }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  [[nodiscard]] JobStore& store() const { return access_->store(); }
  [[nodiscard]] const std::string& location() const { return directory_.path(); }
  [[nodiscard]] std::uint64_t submitted() const { return store().totals().submitted; }
  [[nodiscard]] std::unique_ptr<JobDirector> principal(std::uint32_t version = 1) const {
    JobTypes types;
    types.add<Echo>("echo", version).add<Rebound>("rebound");
    JobDirectorOptions options;
    options.workers = 2;
    options.log = log_.sink();
    auto director = std::make_unique<JobDirector>(JobDirectorID("main"), location(), JobDirectorMode::principal(),
                                                  std::move(types), std::move(options));
    director->start();
    return director;
  }
  /// Puts a job into the store that no director made.
  [[nodiscard]] JobID put(const std::string& parameters, std::uint32_t version = 1) const {
    NewJob job = newJob("echo");
    job.body.parameters = parameters;
    job.body.kindVersion = version;
    job.body.retry.maxAttempts = 5;
    job.body.retry.firstDelay = std::chrono::milliseconds{1};
    REQUIRE(isAccepted(store().apply(submitOf({job})).verdict));
    return job.id;
  }

 private:
  TemporaryDirectory directory_{TemporaryDirectory::Place::memory};
  std::shared_ptr<StoreAccess> access_;
  LogKeeper log_;
};

template <class Body>
std::string refusal(ErrorKind kind, const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  return "it was not refused";
}

bool works(JobDirector& director) {
  const auto status = director.wait(director.submit(Echo{"on", 2}).id, seconds{20});
  return status && status->isSucceeded() && status->result == "\"on2\"";
}
}  // namespace

TEST_CASE("a type that the director does not know is refused with what to do and stores nothing") {
  const Door door;
  const auto director = door.principal();
  CHECK_THAT(refusal(ErrorKind::usage, [&] { (void)director->submit(Stranger{}); }),
             Contains("is not among the director's JobTypes; add it with a kind"));
  const std::vector<Stranger> several(2);
  CHECK_THAT(refusal(ErrorKind::usage, [&] { (void)director->submitAll(std::span<const Stranger>(several)); }),
             Contains("is not among the director's JobTypes"));
  CHECK(door.submitted() == 0);
  CHECK(works(*director));
}

TEST_CASE("a stored payload that its type cannot read fails its job after one attempt and nobody else") {
  const Door door;
  const auto director = door.principal();
  const auto [parameters, why] = GENERATE(table<std::string, std::string>({
      {R"({"text":1,"times":1})", "at /text: expected a string, found an integer"},
      {R"({"text":"a"})", "field 'times' is missing"},
      {R"({"text":"a","times":-1})", "at /times: -1 does not fit"},
      {R"([])", "expected an object, found an array"},
      {R"(null)", "expected an object, found null"},
      {R"({"text":)", "refused"},
      {"", "refused"},
  }));
  INFO(parameters);
  const JobID misfit = door.put(parameters);
  const auto status = director->wait(misfit, seconds{20});
  REQUIRE(status);
  CHECK(status->outcome == JobOutcome::failed);
  CHECK(status->attempt == 1);
  CHECK(status->failures == 1);
  CHECK(status->failureType == "payload");
  CHECK_THAT(status->failureMessage, Contains(why));
  CHECK(door.store().find(misfit)->body.parameters == parameters);  // for whoever has to look at it
  CHECK(director->isRunning());
  CHECK(works(*director));
}

TEST_CASE("parameters that are too large or no JSON are refused and store nothing") {
  const Door door;
  const auto director = door.principal();
  const std::string large(limits::payloadBytesMax, 'x');
  CHECK_THAT(refusal(ErrorKind::invalid,
                     [&] {
                       (void)director->submit(Echo{large, 1});
                     }),
             Contains(std::to_string(limits::payloadBytesMax)));
  CHECK_THAT(refusal(ErrorKind::invalid, [&] { (void)director->submitJson("echo", '"' + large + '"'); }),
             Contains(std::to_string(limits::payloadBytesMax)));
  CHECK_THAT(refusal(ErrorKind::invalid, [&] { (void)director->submitJson("echo", "{"); }), Contains("refused"));
  // One of a list is enough, and the others are not half done.
  CHECK_THAT(refusal(ErrorKind::invalid,
                     [&] {
                       const std::vector<Echo> list{{"a", 1}, {large, 1}, {"b", 1}};
                       (void)director->submitAll(std::span<const Echo>(list));
                     }),
             Contains(std::to_string(limits::payloadBytesMax)));
  CHECK(door.submitted() == 0);
  CHECK(works(*director));
}

TEST_CASE("options that no job may have are refused with the reason and store nothing") {
  const Door door;
  const auto director = door.principal();
  const auto why = [&](const std::function<void(SubmitOptions&)>& spoil) {
    SubmitOptions options;
    spoil(options);
    const Submission submission = director->submit(Echo{"a", 1}, options);
    CHECK(submission.outcome == Submission::Outcome::refused);
    return submission.why;
  };
  using std::chrono::hours;
  using std::chrono::microseconds;
  CHECK(why([](auto& options) { options.delay = microseconds{-1}; }) == "the delay is negative");
  CHECK_THAT(why([](auto& options) { options.delay = hours{24 * 366 * 10 + 1}; }), Contains("longer than ten years"));
  CHECK_THAT(why([](auto& options) { options.keyWindow = microseconds{-1}; }), Contains("the key's window"));
  CHECK_THAT(why([](auto& options) { options.attemptLimit = microseconds{-1}; }), Contains("time limit"));
  CHECK_THAT(why([](auto& options) { options.retry.firstDelay = std::chrono::milliseconds{-1}; }), Contains("delay"));
  CHECK_THAT(why([](auto& options) { options.priority = 1001; }), Contains("priority 1001"));
  CHECK_THAT(why([](auto& options) { options.to = "nobody"; }), Contains("no living assistant is named 'nobody'"));
  CHECK(door.submitted() == 0);
  CHECK(works(*director));
}

TEST_CASE("names that are paths are refused through every door and make no file") {
  const Door door;
  const auto director = door.principal();
  const std::string name = GENERATE("../evil", "a/../../evil", "/evil", ".evil", "", "a b", "e\\vil");
  INFO(name);
  CHECK_THAT(refusal(ErrorKind::invalid, [&] { (void)JobDirectorID(name); }), Contains("is not a store's id"));
  CHECK_THAT(refusal(ErrorKind::invalid, [&] { (void)JobDirectorMode::assistant(name); }),
             Contains("is not a director's name"));
  JobTypes types;
  CHECK_THAT(refusal(ErrorKind::invalid, [&] { types.add<Echo>(name); }), Contains("is not a kind"));
  const auto whyNot = [](const Submission& submission) {
    CHECK(submission.outcome == Submission::Outcome::refused);
    return submission.why;
  };
  CHECK_THAT(whyNot(director->submitJson(name, "{}")), Contains("is not a kind"));
  SubmitOptions options;
  options.queue = name;
  CHECK_THAT(whyNot(director->submit(Echo{"a", 1}, options)), Contains("is not a queue's name"));
  options = {};
  options.labels[name] = "a";
  CHECK_THAT(whyNot(director->submit(Echo{"a", 1}, options)), Contains("is not a label's name"));
  options = {};
  options.to = name;
  if (!name.empty()) CHECK_THAT(whyNot(director->submit(Echo{"a", 1}, options)), Contains("is not a director's name"));
  CHECK(door.submitted() == 0);
  CHECK(std::distance(std::filesystem::directory_iterator(door.location()), {}) == 1);
}

TEST_CASE("a job of a later version of its kind stays ready, is listed as unclaimable and runs where it is known") {
  const Door door;
  auto director = door.principal();
  const JobID later = door.put(R"({"text":"later","times":3})", 2);
  CHECK(works(*director));
  CHECK(director->status(later)->state == JobState::ready);
  CHECK(director->status(later)->attempt == 0);
  JobFilter filter;
  filter.unclaimable = true;
  const JobPage page = door.store().list(filter, {}, 10);
  REQUIRE(page.jobs.size() == 1);
  CHECK(page.jobs[0].row.id == later);
  director->stop();
  CHECK(director->status(later)->state == JobState::ready);
  director = door.principal(2);
  const auto status = director->wait(later, seconds{20});
  REQUIRE(status);
  CHECK(status->result == "\"later3\"");
  CHECK(status->attempt == 1);
  CHECK(door.store().list(filter, {}, 10).jobs.empty());
  // What an earlier version stored is read as well.
  CHECK(director->wait(door.put(R"({"text":"earlier","times":1})", 1), seconds{20})->result == "\"earlier1\"");
}

TEST_CASE("A job that would have other inputs when it is made again is refused, and one that cannot be made fails") {
  const Door door;
  const auto director = door.principal();
  Rebound job;
  for (const char* how : {"drawn anew", "by what is not stored", "outside"}) {
    INFO(how);
    job.how = how;
    job.hidden = 7;
    if (job.how == "outside") job.input = Numbered{};
    CHECK_THAT(refusal(ErrorKind::usage, [&] { (void)director->submit(job); }), Contains("would have other inputs"));
    const std::vector<Rebound> two(2, job);
    CHECK_THAT(refusal(ErrorKind::usage, [&] { (void)director->submitAll(std::span<const Rebound>(two)); }),
               Contains("would have other inputs"));
  }
  CHECK(door.submitted() == 0);

  job = Rebound{};
  job.how = "by members";
  const auto done = director->wait(director->submit(job).id, seconds{20});
  REQUIRE(done);
  CHECK(done->result == "10");
  job.how = "in no way";
  CHECK(director->submit(job).isAccepted());
  job.how = "not at all";
  const auto failed = director->wait(director->submit(job).id, seconds{20});
  REQUIRE(failed);
  CHECK(failed->failureType == "unlucky");
}

}  // namespace callsheet::tests
