#include "callsheet/job_director.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <mutex>
#include <thread>

#include "director/director_life.h"
#include "director/store_access.h"
#include "tests/support/faulty_store.h"
#include "tests/support/log_keeper.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/verbs.h"
#include "tests/support/wait_for.h"

// One director in this process, and what the world does to it.
namespace callsheet::tests {

namespace {
using Catch::Matchers::Contains;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Stage {
 public:
  using Run = std::function<std::string(JobContext&)>;
  explicit Stage(Run run = [](JobContext&) { return "1"; })
      : access_(StoreAccess::open(directory_.path(), "main", {})), run_(std::move(run)) {}

  [[nodiscard]] JobStore& store() const { return access_->store(); }
  [[nodiscard]] const StoreAccess& access() const { return *access_; }
  [[nodiscard]] std::unique_ptr<JobDirector> make(JobDirectorOptions options = {}) const {
    JobTypes types;
    types.add("k", 1, [run = run_](const std::string&, JobContext& context) { return run(context); });
    if (!options.log) options.log = log.sink();
    if (options.workers == 0) options.workers = 2;
    return std::make_unique<JobDirector>(JobDirectorID("main"), directory_.path(), JobDirectorMode::assistant("one"),
                                         std::move(types), std::move(options));
  }
  /// As a principal does that has waited a whole lease.
  void fence(IncarnationID incarnation) const {
    REQUIRE(isAccepted(store().apply(CloseIncarnation{incarnation, Closing::hung, incarnation}).verdict));
  }
  /// Takes away what a new incarnation needs, and gives it back.
  void hidePresences(bool isHidden) const {
    const std::string place = access_->directory().path(StoreDirectory::presences);
    std::filesystem::rename(isHidden ? place : place + ".away", isHidden ? place + ".away" : place);
  }

  LogKeeper log;

 private:
  TemporaryDirectory directory_{TemporaryDirectory::Place::memory};
  std::shared_ptr<StoreAccess> access_;
  const Run run_;
};

bool beginsAnew(const JobDirector& director, IncarnationID former) {
  return waitFor([&] { return !director.incarnation().isNil() && director.incarnation() != former; });
}

bool endsWell(JobDirector& director) {
  const auto status = director.wait(director.submitJson("k", "{}").id, seconds{20});
  return status && status->outcome == JobOutcome::succeeded;
}
}  // namespace

TEST_CASE("a fenced director that cannot begin anew tries again until it can") {
  const Stage stage;
  const auto director = stage.make();
  director->start();
  const IncarnationID former = director->incarnation();
  stage.hidePresences(true);
  stage.fence(former);
  REQUIRE(waitFor([&] { return stage.log.count("cannot begin anew yet and tries again") > 0; }));
  CHECK(director->isRunning());
  SECTION("and then works on") {
    stage.hidePresences(false);
    REQUIRE(beginsAnew(*director, former));
    CHECK(endsWell(*director));
  }
  SECTION("or until it is stopped") {
    const auto begin = std::chrono::steady_clock::now();
    director->stop();
    CHECK(std::chrono::steady_clock::now() - begin < seconds{5});
    CHECK_FALSE(director->isRunning());
    stage.hidePresences(false);
  }
}

TEST_CASE("a fenced director whose name was taken does not try again") {
  const Stage stage;
  const auto director = stage.make();
  director->start();
  stage.hidePresences(true);
  stage.fence(director->incarnation());
  REQUIRE(waitFor([&] { return stage.log.count("tries again") > 0; }));
  stage.hidePresences(false);
  const auto successor = stage.make();
  try {
    successor->start();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::conflict);  // the first one was faster
    return;
  }
  CHECK(waitFor([&] { return !director->isRunning(); }));
  CHECK(endsWell(*successor));
}

TEST_CASE("a director may be asked from its own log") {
  const Stage stage;
  std::atomic<JobDirector*> asked{nullptr};
  std::atomic<unsigned> answers{0};
  JobDirectorOptions options;
  options.log = [&](LogLevel, std::string_view) {
    if (asked == nullptr) return;
    (void)asked.load()->incarnation();
    ++answers;
  };
  const auto director = stage.make(options);
  director->start();
  asked = director.get();
  const IncarnationID former = director->incarnation();
  stage.fence(former);
  CHECK(beginsAnew(*director, former));
  CHECK(answers > 0);
  director->stop();
  asked = nullptr;
}

TEST_CASE("a director whose row was removed while it stood still begins anew") {
  const Stage stage;
  JobDirectorOptions options;
  options.runsJobs = false;  // so that no claim tells it
  const auto director = stage.make(options);
  director->start();
  const IncarnationID former = director->incarnation();
  const IncarnationID principal = makeIncarnationID();
  std::vector<Verb> verbs;
  verbs.emplace_back(RegisterIncarnation{principal, {}, Role::principal, {}, {}});
  verbs.emplace_back(CloseIncarnation{former, Closing::hung, principal});
  verbs.emplace_back(Adopt{former, principal, 1000, 0});
  for (const AnyAnswer& answer : stage.store().applyAll(std::move(verbs))) REQUIRE(isAccepted(baseOf(answer).verdict));
  REQUIRE(isAccepted(stage.store().apply(Prune{1, 0, 1000}).verdict));  // later, so that the row is older than 1 us
  for (const IncarnationRow& row : stage.store().incarnations()) REQUIRE(row.id != former);
  CHECK(beginsAnew(*director, former));
}

TEST_CASE("a forked child may destroy the director that it inherited") {
  const Stage stage;
  auto director = stage.make();
  director->start();
  CHECK(endsWell(*director));
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    director.reset();
    ::_exit(7);
  }
  REQUIRE(child > 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  INFO("it ended by signal " << (WIFSIGNALED(status) ? WTERMSIG(status) : 0));
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(endsWell(*director));
}

TEST_CASE("options that would end what works, or leave it standing, are refused") {
  const Stage stage;
  const auto why = [&](const JobDirectorOptions& options) -> std::string {
    try {
      (void)stage.make(options);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      return error.what();
    }
    return {};
  };
  JobDirectorOptions options;
  options.lease = milliseconds{4999};
  CHECK_THAT(why(options), Contains("a lease of 4999 ms"));
  options.lease = milliseconds{0};
  CHECK_THAT(why(options), Contains("a lease of 0 ms"));
  options.lease = milliseconds{5000};
  options.writerLimit = milliseconds{999};
  CHECK_THAT(why(options), Contains("a writer limit of 999 ms"));
  options.writerLimit = milliseconds{1000};
  options.transferGrace = milliseconds{-1};
  CHECK_THAT(why(options), Contains("a transfer's grace of -1 ms is negative"));
  options.transferGrace = milliseconds{0};
  options.transfers = 0;
  CHECK_THAT(why(options), Contains("room for one transfer"));
  options.transfers = 1;
  CHECK(why(options).empty());
}

TEST_CASE("the health of a director tells when its loop or its store stands still") {
  const bool blocksLoop = GENERATE(true, false);
  INFO("its loop stands still, and not the store's thread: " << blocksLoop);
  std::atomic<bool> isBlocked{false};
  std::atomic<bool> mayGoOn{false};
  std::atomic<bool> hasBegun{false};
  // A stop callback runs on the thread that asks the job to end: that of the limits, or of the commits.
  const Stage stage([&](JobContext& context) {
    const std::stop_callback callback(context.stopToken(), [&] {
      isBlocked = true;
      (void)waitFor([&] { return mayGoOn.load(); }, std::chrono::minutes{1});
    });
    hasBegun = true;
    (void)waitFor([&] { return context.isCanceled(); });
    return "1";
  });
  const auto director = stage.make();
  CHECK(director->health().sinceTick == milliseconds{0});
  director->start();
  CHECK(director->health().sinceTick < seconds{10});
  SubmitOptions limited;
  if (blocksLoop) limited.attemptLimit = milliseconds{100};
  const JobID job = director->submitJson("k", "{}", limited).id;
  REQUIRE(waitFor([&] { return hasBegun.load(); }));
  if (!blocksLoop) {
    std::vector<Verb> verbs;
    verbs.emplace_back(Cancel{job, {}});
    stage.store().post(std::move(verbs), seconds{30}, [](const std::vector<AnyAnswer>&) {});
  }
  REQUIRE(waitFor([&] { return isBlocked.load(); }));
  if (blocksLoop) {
    CHECK(waitFor([&] { return director->health().sinceTick > seconds{3}; }));
    mayGoOn = true;
    CHECK(waitFor([&] { return director->health().sinceTick < seconds{3}; }));
  } else {
    CHECK(waitFor([&] { return director->health().oldestCommit > milliseconds{500}; }));
    CHECK(director->health().sinceTick < seconds{10});
    mayGoOn = true;
    CHECK(waitFor([&] { return director->health().oldestCommit == milliseconds{0}; }));
  }
}

namespace {
/// The same store, whose answers may be lost.
class FaultyAccess final : public StoreAccess {
 public:
  explicit FaultyAccess(const StoreAccess& inner) : inner_(inner), store_(inner.store()) {}
  const StoreDirectory& directory() const override { return inner_.directory(); }
  LmdbJobStore& store() const override { return store_; }
  Doorbell& doorbell() const override { return inner_.doorbell(); }
  bool isWaitingToWrite() const override { return inner_.isWaitingToWrite(); }
  void loseAnswers() { store_.losesAnswers = true; }

 private:
  const StoreAccess& inner_;
  mutable FaultyStore store_;
};
}  // namespace

TEST_CASE("ten submits of one key within its window are one job, and the next one after it is another") {
  std::atomic<int> runs{0};
  Stage stage([&](JobContext&) {
    ++runs;
    return "1";
  });
  const auto director = stage.make();
  director->start();
  SubmitOptions options;
  options.key = JobKey::of("report", 42);
  options.keyWindow = seconds{2};
  const Submission first = director->submitJson("k", "{}", options);
  REQUIRE(first.outcome == Submission::Outcome::accepted);
  for (int i = 1; i < 10; ++i) {
    const Submission again = director->submitJson("k", "{}", options);
    CHECK(again.outcome == Submission::Outcome::duplicate);
    CHECK(again.id == first.id);
  }
  Submission later;
  REQUIRE(waitFor([&] {
    later = director->submitJson("k", "{}", options);
    return later.id != first.id;
  }));
  CHECK(later.outcome == Submission::Outcome::accepted);
  for (const JobID job : {first.id, later.id}) CHECK(director->wait(job, seconds{20}));
  CHECK(runs == 2);
}

TEST_CASE("a job that is submitted after others runs when they have ended as it asks, and else never") {
  std::vector<std::string> ran;
  std::mutex ranMutex;
  const Stage stage([&](JobContext& context) -> std::string {
    const std::lock_guard lock(ranMutex);
    ran.push_back(context.id().toString());
    return "1";
  });
  const auto director = stage.make();
  SubmitOptions first;
  first.id = makeJobID();
  SubmitOptions second;
  second.id = makeJobID();
  second.after = {{first.id}};
  SubmitOptions never;
  never.id = makeJobID();
  never.after = {{first.id, EndCondition::failure}};
  SubmitOptions last;
  last.id = makeJobID();
  last.after = {{second.id}, {never.id, EndCondition::always}};
  director->start();
  CHECK_THAT(director->submitJson("k", "{}", second).why, Contains("there is no such job"));
  for (const SubmitOptions* options : {&first, &second, &never, &last}) director->submitJson("k", "{}", *options);
  const auto status = director->wait(last.id, seconds{20});
  REQUIRE(status);
  CHECK(status->outcome == JobOutcome::succeeded);
  CHECK(director->status(never.id)->outcome == JobOutcome::canceled);
  const std::lock_guard lock(ranMutex);
  CHECK(ran == std::vector{first.id.toString(), second.id.toString(), last.id.toString()});
}

TEST_CASE("kinds that wait for others have workers of their own, and take nobody's place") {
  TemporaryDirectory directory;
  std::atomic<bool> mayEnd{false};
  std::atomic<unsigned> waiting{0};
  std::atomic<unsigned> working{0};
  JobTypes types;
  const auto counting = [&](std::atomic<unsigned>& count) {
    return [&](const std::string&, JobContext&) {
      ++count;
      waitOrAbort([&] { return mayEnd.load(); });
      --count;
      return std::string("1");
    };
  };
  types.add("waits", 1, counting(waiting));
  types.add("works", 1, counting(working));
  JobDirectorOptions options;
  options.workers = 1;
  options.waiting = {{"waits"}, 3};
  JobDirector director(JobDirectorID("main"), directory.path(), JobDirectorMode::principal(), types, options);
  director.start();
  std::vector<JobID> jobs;
  // Whichever comes first and fills its own places.
  for (const char* kind : {"waits", "waits", "waits", "waits", "waits", "works", "works"})
    jobs.push_back(director.submitJson(kind, "{}").id);
  CHECK(waitFor([&] { return waiting == 3 && working == 1; }));
  jobs.push_back(director.submitJson("works", "{}").id);
  jobs.push_back(director.submitJson("waits", "{}").id);
  unsigned most = 0;
  mayEnd = true;
  CHECK(waitFor([&] {
    most = std::max(most, waiting + working);
    return std::all_of(jobs.begin(), jobs.end(), [&](JobID id) {
      const auto status = director.status(id);
      return status && status->state == JobState::done;
    });
  }));
  CHECK(most <= 4);
}

TEST_CASE("what a job says of its progress is in its status while it runs") {
  std::atomic<bool> mayEnd{false};
  Stage stage([&](JobContext& context) {
    context.progress(0.25, "a quarter");
    return waitFor([&] { return mayEnd.load(); }) ? "1" : "2";
  });
  const auto director = stage.make();
  director->start();
  const JobID job = director->submitJson("k", "{}").id;
  CHECK(waitFor([&] {
    const auto status = director->status(job);
    return status && status->progress == 0.25f && status->progressText == "a quarter";
  }));
  mayEnd = true;
  CHECK(director->wait(job, seconds{20})->outcome == JobOutcome::succeeded);
}

TEST_CASE("a transfer is asked for in a job, of the director that runs it, and nowhere else") {
  std::atomic<JobDirector*> other{nullptr};
  Stage stage([&](JobContext& context) -> std::string {
    CHECK(&context.director() != other);
    try {
      other.load()->transferToPrincipal();
    } catch (const Error& error) {
      return error.kind() == ErrorKind::usage ? "\"refused\"" : "\"another error\"";
    }
    return "\"let through\"";
  });
  const auto director = stage.make();
  const auto idle = stage.make();
  other = idle.get();
  director->start();
  CHECK_THROWS_AS(director->transferToPrincipal(), Error);  // there is no job on this thread
  const JobID job = director->submitJson("k", "{}").id;
  const auto status = director->wait(job, seconds{20});
  REQUIRE(status);
  CHECK(status->result == "\"refused\"");
  CHECK_FALSE(status->transferRequested);
}

TEST_CASE("a presence is unlinked after a refusal but not when the registration's outcome is unknown") {
  const Stage stage;
  FaultyAccess access(stage.access());
  Board board = Board::open(stage.access().directory());
  EventLoop loop;
  loop.start();
  const JobDirectorMode mode = JobDirectorMode::assistant("one");
  const JobDirectorOptions options;
  const auto whyNot = [&]() -> std::optional<ErrorKind> {
    try {
      const DirectorLife life(DirectorLife::Place{access, loop, board, mode, options, {}}, [] {});
      return std::nullopt;
    } catch (const Error& error) {
      return error.kind();
    }
  };
  SECTION("refused") {
    const auto holder = stage.make();
    holder->start();
    const auto before = listPresences(stage.access().directory()).size();
    CHECK(whyNot() == ErrorKind::conflict);
    CHECK(listPresences(stage.access().directory()).size() == before);
  }
  SECTION("unknown") {
    access.loseAnswers();
    CHECK(whyNot() == ErrorKind::unavailable);
    const auto rows = stage.store().incarnations();
    REQUIRE(rows.size() == 1);  // it was done all the same
    CHECK(rows[0].isOpen());
    CHECK(presenceStateOf(stage.access().directory(), rows[0].id) == PresenceState::free);
  }
}

}  // namespace callsheet::tests
