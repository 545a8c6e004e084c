#include <catch2/catch.hpp>
#include <thread>

#include "callsheet/job.h"
#include "callsheet/limits.h"
#include "tests/director/queue_stage.h"

// A director's own queue between a store that fails and jobs that do what they like.
namespace callsheet::tests {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

std::string untilAsked(JobContext& context) {
  if (!waitFor([&] { return context.isCanceled(); }, std::chrono::minutes{2})) return "\"never asked\"";
  throw JobCanceled{};
}

struct Step : ResultJob<int> {
  static constexpr JobKind kind{"step"};
  int execute() const { return 5; }
  template <class Archive>
  void serialize(Archive&) {}
};
}  // namespace

TEST_CASE("ends that a full disk loses while the loop is busy are stored when there is room again") {
  std::atomic<bool> mayEnd{false};
  std::atomic<unsigned> started{0};
  QueueStage stage(
      [&](JobContext&) {
        ++started;
        return waitFor([&] { return mayEnd.load(); }) ? "1" : "2";
      },
      4);
  const auto jobs = stage.submit(4);
  stage.runner->begin(stage.incarnation);
  REQUIRE(waitFor([&] { return started == 4; }));
  stage.store.isFull = true;
  // As bells that ring all the time do.
  std::atomic<bool> ringing{true};
  std::atomic<unsigned> rings{0};
  std::function<void()> ring = [&] {
    stage.runner->wake();
    ++rings;
    if (ringing) stage.loop.post(ring);
  };
  stage.loop.post(ring);
  mayEnd = true;
  const unsigned before = stage.store.posts;
  REQUIRE(waitFor([&] { return stage.store.posts >= before + 3; }));
  const unsigned heard = rings;
  CHECK(waitFor([&] { return rings > heard; }));
  stage.store.isFull = false;
  CHECK(stage.awaitDone(jobs));
  ringing = false;
  REQUIRE(stage.loop.run([] {}));
}

TEST_CASE("what the store loses is repeated after a while and not at once") {
  const bool losesClaim = GENERATE(true, false);
  INFO("it loses a claim: " << losesClaim);
  std::atomic<bool> mayEnd{losesClaim};
  std::atomic<unsigned> started{0};
  QueueStage stage([&](JobContext&) {
    ++started;
    return waitFor([&] { return mayEnd.load(); }) ? "1" : "2";
  });
  const auto jobs = stage.submit();
  if (losesClaim) stage.store.isFull = true;
  stage.runner->begin(stage.incarnation);
  if (!losesClaim) {
    REQUIRE(waitFor([&] { return started == 1; }));
    stage.store.isFull = true;
    mayEnd = true;
  }
  std::vector<SteadyClock::time_point> times;
  for (unsigned seen = stage.store.posts; times.size() < 4; seen = stage.store.posts) {
    REQUIRE(waitFor([&] { return stage.store.posts > seen; }));
    times.push_back(SteadyClock::now());
  }
  // The end and the claim for the free worker may be lost one after the other; the others come with the timer.
  CHECK(times.back() - times.front() > milliseconds{900});
  stage.store.isFull = false;
  CHECK(stage.awaitDone(jobs));
}

TEST_CASE("large results that gathered are stored in commits of bounded size") {
  const std::string large(limits::payloadBytesMax - 2, 'b');
  std::atomic<bool> mayEnd{false};
  std::atomic<unsigned> started{0};
  QueueStage stage(
      [&](JobContext&) {
        ++started;
        (void)waitFor([&] { return mayEnd.load(); });
        return "\"" + large + "\"";
      },
      8);
  const auto jobs = stage.submit(8);
  stage.runner->begin(stage.incarnation);
  REQUIRE(waitFor([&] { return started == 8; }));
  stage.store.isFull = true;
  mayEnd = true;
  REQUIRE(waitFor([&] { return stage.store.fullBytes >= 8 * limits::payloadBytesMax; }));
  stage.store.largestPost = 0;
  stage.store.isFull = false;
  CHECK(stage.awaitDone(jobs));
  CHECK(stage.store.largestPost > limits::payloadBytesMax);
  CHECK(stage.store.largestPost <= limits::commitBytesMax + 1000);  // and a claim
}

TEST_CASE("a queue runner that ends has nothing under way any more") {
  for (int round = 0; round < 20; ++round) {
    std::atomic<unsigned> calls{0};
    QueueStage stage(
        [&](JobContext&) {
          ++calls;
          return "1";
        },
        2);
    stage.submit(300);
    stage.runner->begin(stage.incarnation);
    REQUIRE(waitFor([&] { return calls > 5; }));
    stage.runner.reset();
    REQUIRE(stage.store.openPosts == 0);
  }
}

TEST_CASE("a stop that comes while claimed jobs begin asks each of them to end") {
  for (int round = 0; round < 10; ++round) {
    std::atomic<bool> hasBegun{false};
    QueueStage stage(
        [&](JobContext& context) {
          hasBegun = true;
          return untilAsked(context);
        },
        64);
    const auto jobs = stage.submit(64);
    std::thread begin([&] { stage.runner->begin(stage.incarnation); });
    while (!hasBegun) std::this_thread::yield();
    const auto left = stage.runner->drain(seconds{5});
    begin.join();
    REQUIRE(left.names.empty());
    for (const JobID job : jobs) REQUIRE(stage.row(job).state == JobState::ready);
  }
}

TEST_CASE("an end that comes while the runner drains is stored before the drain is over") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<unsigned> started{0};
    QueueStage stage(
        [&](JobContext& context) {
          ++started;
          (void)waitFor([&] { return context.isCanceled(); });
          return "1";
        },
        4);
    const auto jobs = stage.submit(4);
    stage.runner->begin(stage.incarnation);
    REQUIRE(waitFor([&] { return started == 4; }));
    REQUIRE(stage.runner->drain(seconds{20}).names.empty());
    for (const JobID job : jobs) REQUIRE(stage.row(job).outcome == JobOutcome::succeeded);
  }
}

TEST_CASE("a store that cannot be read for a while is said once and ends nobody") {
  std::atomic<unsigned> started{0};
  QueueStage stage([&](JobContext& context) {
    ++started;
    return untilAsked(context);
  });
  const auto jobs = stage.submit();
  stage.runner->begin(stage.incarnation);
  REQUIRE(waitFor([&] { return started == 1; }));
  stage.store.cannotRead = true;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(stage.loop.run([&] { stage.runner->tick(); }));
    REQUIRE(stage.loop.run([&] { stage.runner->wake(); }));
  }
  CHECK(stage.log.count("the store cannot be read, on purpose") == 2);  // at two looks
  stage.store.cannotRead = false;
  CHECK(started == 1);
  CHECK(stage.runner->drain(seconds{20}).names.empty());
}

TEST_CASE("a look at the running jobs that failed is repeated though nothing moves any more") {
  std::atomic<unsigned> started{0};
  QueueStage stage(
      [&](JobContext& context) {
        ++started;
        return untilAsked(context);
      },
      2);
  const auto jobs = stage.submit();
  stage.runner->begin(stage.incarnation);
  REQUIRE(waitFor([&] { return started == 1; }));
  stage.store.cannotLook = true;
  REQUIRE(isAccepted(stage.store.apply(Cancel{jobs[0], {}}).verdict));
  const auto tick = [&] {
    REQUIRE(stage.loop.run([&] { stage.runner->tick(); }));
    REQUIRE(waitFor([&] { return stage.store.openPosts == 0; }));
  };
  for (int i = 0; i < 5; ++i) tick();
  stage.store.cannotLook = false;
  tick();
  CHECK(stage.awaitDone(jobs));
  CHECK(stage.row(jobs[0]).outcome == JobOutcome::canceled);
}

TEST_CASE("an attempt whose row cannot be read any more is asked to end") {
  std::atomic<unsigned> started{0};
  std::atomic<bool> wasAsked{false};
  QueueStage stage([&](JobContext& context) {
    ++started;
    wasAsked = waitFor([&] { return context.isCanceled(); });
    return "1";
  });
  const auto jobs = stage.submit();
  stage.runner->begin(stage.incarnation);
  REQUIRE(waitFor([&] { return started == 1; }));
  stage.store.hasUnreadable = true;
  REQUIRE(stage.loop.run([&] { stage.runner->wake(); }));
  CHECK(waitFor([&] { return wasAsked.load(); }));
  CHECK(stage.log.count("job " + jobs[0].toString() + " cannot be read any more") == 1);
}

TEST_CASE("an attempt's time limit is kept though there is no principal") {
  std::atomic<bool> wasAsked{false};
  QueueStage stage([&](JobContext& context) {
    wasAsked = waitFor([&] { return context.isCanceled(); });
    return "1";
  });
  const bool fillsUp = GENERATE(false, true);
  INFO("there is no room just then: " << fillsUp);
  const auto unlimited = stage.submit(1, hour);
  stage.runner->begin(stage.incarnation);
  const auto limited = stage.submit(1, second / 5);
  REQUIRE(isAccepted(stage.store.apply(Cancel{unlimited[0], {}}).verdict));
  REQUIRE(stage.loop.run([&] { stage.runner->wake(); }));
  REQUIRE(waitFor([&] { return stage.row(limited[0]).started == 1; }));
  stage.store.isFull = fillsUp;
  CHECK(waitFor([&] { return wasAsked.load(); }));
  CHECK(waitFor([&] { return !fillsUp || stage.store.fullBytes > 0; }));
  stage.store.isFull = false;
  CHECK(stage.awaitDone(limited));
  CHECK(stage.row(limited[0]).outcome == JobOutcome::failed);
  CHECK(stage.failureOf(limited[0]) == "deadline");
}

TEST_CASE("a step whose result finds no room in the store says so once, and waits") {
  std::atomic<FaultyStore*> store{nullptr};
  QueueStage stage([&](JobContext& context) {
    store.load()->isFull = true;
    return std::to_string(context.run(Step{}));
  });
  store = &stage.store;
  const auto jobs = stage.submit();
  stage.runner->begin(stage.incarnation);
  REQUIRE(waitFor([&] { return stage.log.count("what steps give cannot be stored") > 0; }));
  const std::size_t before = stage.store.fullBytes;
  REQUIRE(waitFor([&] { return stage.store.fullBytes > before; }));  // it was asked again
  CHECK(stage.log.count("what steps give cannot be stored") == 1);
  CHECK(stage.row(jobs[0]).state == JobState::inProgress);
  stage.store.isFull = false;
  CHECK(stage.awaitDone(jobs));
  CHECK(stage.row(jobs[0]).outcome == JobOutcome::succeeded);
}

TEST_CASE("a failure that cannot be stored is stored as one with nothing but the reason") {
  const bool isTypeTooLong = GENERATE(true, false);
  QueueStage stage([&](JobContext&) -> std::string {
    if (isTypeTooLong) throw JobError(std::string(limits::textBytesMax + 1, 't'), "m");
    throw JobError("t", "m", true, std::string(limits::payloadBytesMax + 1, 'r'));
  });
  const auto jobs = stage.submit();
  stage.runner->begin(stage.incarnation);
  CHECK(stage.awaitDone(jobs));
  CHECK(stage.row(jobs[0]).outcome == JobOutcome::failed);
  CHECK(stage.failureOf(jobs[0]) == "refused");
}

}  // namespace callsheet::tests
