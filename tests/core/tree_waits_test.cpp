// What a tree of steps waits for: times, events, limits, the grace of a transfer.
#include <optional>

#include "tests/core/tree_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

/// Sleeps ten seconds.
struct Nap : ResultJob<int> {
  static constexpr JobKind kind{"nap"};
  int execute(JobContext& context) {
    ++runs["nap"];
    context.sleep("nap", 10s);
    ++runs["woken"];
    return 1;
  }
  template <class Archive>
  void serialize(Archive&) {}
};

/// Waits for an event whose key it leaves in `key`.
struct Listener : ResultJob<int> {
  static constexpr JobKind kind{"listener"};
  static inline Fingerprint key;
  int execute(JobContext& context) {
    key = context.externalKey("event").wait;
    const int value = context.await<int>("event");
    ++runs["woken"];
    return value;
  }
  template <class Archive>
  void serialize(Archive&) {}
};

/// Runs a step itself that sleeps.
struct Outer : ResultJob<int> {
  static constexpr JobKind kind{"outer"};
  int execute(JobContext& context) {
    ++runs["outer"];
    return context.run(Nap{});
  }
  template <class Archive>
  void serialize(Archive&) {}
};

/// Asks for the transfer, and swallows that when it is told to.
struct HandOver : ResultJob<int> {
  static constexpr JobKind kind{"hand-over"};
  bool swallows = false;
  int number = 0;
  bool afterGate = false;
  int execute(JobContext& context) {
    if (afterGate) waitOrAbort([] { return runs["gate"] == 1; });
    try {
      context.transferToPrincipal();
    } catch (...) {
      if (!swallows) throw;
    }
    return 2;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(swallows), CEREAL_NVP(number), CEREAL_NVP(afterGate));
  }
};

template <class Left, class Right>
std::function<void(JobInput<int>&)> sumBinding(Left left, Right right) {
  return [left, right](JobInput<int>& total) {
    Sum sum;
    sum.left = left;
    sum.right = right;
    total = sum;
  };
}

const Verb* transferOf(const Verb* end) {
  REQUIRE(end != nullptr);
  CHECK(std::holds_alternative<Transfer>(*end));
  return end;
}

}  // namespace

TEST_CASE("A wait that is over while other steps run goes on before they end") {
  Stage stage;
  const bool fromInside = GENERATE(false, true);
  if (fromInside)
    Root::bindTotal = sumBinding(Outer{}, Gate{});
  else
    Root::bindTotal = sumBinding(Nap{}, Gate{});
  JobRunner& runner = stage.begin();
  REQUIRE(waitFor([&] { return runs["nap"] == 1 && stage.memory.named("nap"); }));
  CHECK(waitFor([&] { return runner.untilNextTime(0) == std::chrono::nanoseconds{10s}; }));
  runner.look(TreeLook::timer);
  CHECK(runs["nap"] == 1);
  stage.memory.utcMicros += 10'000'000;
  REQUIRE(waitFor([&] {
    runner.look(TreeLook::timer);
    return runs["woken"] == 1;
  }));
  Gate::isOpen = true;
  const Verb* end = stage.end();
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Succeed>(*end));
  CHECK(std::get<Succeed>(*end).value == "11");
  CHECK(stage.memory.suspensions == 0);
  CHECK(runs["nap"] == 2);
  CHECK(runs["outer"] == (fromInside ? 2 : 0));
}

TEST_CASE("An event is heard while other steps run") {
  Stage stage;
  Root::bindTotal = sumBinding(Listener{}, Gate{});
  JobRunner& runner = stage.begin();
  REQUIRE(waitFor([&] { return stage.memory.named("event").has_value(); }));
  runner.look(TreeLook::bell);
  CHECK(runs["woken"] == 0);
  stage.memory.complete(Listener::key, "32");
  REQUIRE(waitFor([&] {
    runner.look(TreeLook::bell);
    return runs["woken"] == 1;
  }));
  Gate::isOpen = true;
  const Verb* end = stage.end();
  REQUIRE(end != nullptr);
  CHECK(std::get<Succeed>(*end).value == "42");
}

TEST_CASE("A timeout fails what has not ended in time, and asks it to end") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = Endless{} | timeout(5s); };
  stage.begin();
  REQUIRE(waitFor([] { return runs["endless"] == 1; }));
  stage.memory.utcMicros += 5'000'000;
  const Verb* end = stage.end();
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Fail>(*end));
  CHECK(std::get<Fail>(*end).failure.type == "timeout");
  CHECK(std::get<Fail>(*end).failure.origin == "endless");
  CHECK(stage.failure().type == "timeout");
  CHECK(runs["endless"] == 1);
}

TEST_CASE("What a step does when it is asked to end may use its job") {
  Stage stage;
  static std::atomic<int> refusals;
  refusals = 0;
  const bool byTimeout = GENERATE(true, false);
  const auto listening = Number{1} | map("listens", [](int one) {
                           JobContext& context = *currentJobContext();
                           const std::stop_callback asked(context.stopToken(), [&] {
                             try {
                               context.submitAfter(Number{2});  // not in a step
                             } catch (const Error&) {
                               ++refusals;
                             }
                           });
                           ++runs["endless"];
                           waitOrAbort([] { return refusals == 1; });
                           return one;
                         });
  if (byTimeout) {
    Root::bindTotal = [=](JobInput<int>& total) { total = listening | timeout(5s); };
  } else {
    Root::bindTotal = sumBinding(listening, Number{0} | map("fails", [](int) -> int {
                                              waitOrAbort([] { return runs["endless"] == 1; });
                                              throw JobError("on-purpose", "it fails");
                                            }));
  }
  stage.begin();
  REQUIRE(waitFor([] { return runs["endless"] == 1; }));
  stage.memory.utcMicros += 5'000'000;
  const Verb* end = stage.end();
  REQUIRE(end != nullptr);
  CHECK(std::get<Fail>(*end).failure.type == (byTimeout ? "timeout" : "on-purpose"));
  CHECK(refusals == 1);
}

TEST_CASE("A timeout is no matter to what ends in time, and goes on while a step sleeps") {
  Stage stage(1);
  Root::bindTotal = [](JobInput<int>& total) { total = Number{3} | timeout(1s); };
  CHECK(stage.result() == "3");
  Root::bindTotal = [](JobInput<int>& total) { total = Nap{} | timeout(4s); };
  stage.memory.forget("timeout");
  CHECK(stage.attempt() == nullptr);  // suspended
  stage.memory.utcMicros += 4'000'000;
  CHECK(stage.failure().type == "timeout");
  CHECK(runs["woken"] == 0);
}

TEST_CASE("A wait or limit that the store refuses fails its step, and the job ends") {
  Stage stage;
  stage.memory.refusesWaits = true;
  SECTION("with nothing else to do") {
    Root::bindTotal = [](JobInput<int>& total) { total = Outer{}; };
  }
  SECTION("while others run") {
    Root::bindTotal = sumBinding(Nap{}, Number{1} | map("late", [](int one) {
                                          waitOrAbort([] { return runs["nap"] == 1; });
                                          return one;
                                        }));
  }
  SECTION("a limit") {
    Root::bindTotal = [](JobInput<int>& total) { total = Number{1} | timeout(1s); };
  }
  const JobFailure failure = stage.failure();
  CHECK(failure.type == "refused");
  CHECK(failure.message == "there are too many");
}

TEST_CASE("A job of which not even a step's failure can be stored fails as a whole") {
  Stage stage;
  stage.memory.refusedName = "number";
  SECTION("an input") {
    Root::bindTotal = sumBinding(Number{1}, Gate{});
    Gate::isOpen = true;
  }
  SECTION("from inside") {
    Root::bindTotal = [](JobInput<int>& total) { total = 1; };
    Root::body = [](JobContext& context, int) {
      try {
        context.run(Number{1});
      } catch (...) {
      }
      return 1;
    };
  }
  CHECK(stage.failure().type == "refused");
}

TEST_CASE("A timeout or a retry that makes no sense is an error of its own") {
  Stage stage(1);
  Root::bindTotal = [](JobInput<int>& total) { total = Number{3} | timeout(0s); };
  CHECK(stage.failure().type == "timeout-limit");
  RetryPolicy policy;
  policy.maxAttempts = 0;
  Root::bindTotal = [policy](JobInput<int>& total) { total = Number{3} | retry(policy); };
  CHECK(stage.failure().type == "retry-policy");
}

TEST_CASE("Each repetition of a retry has its own time") {
  Stage stage(1);
  RetryPolicy policy;
  policy.maxAttempts = 3;
  policy.firstDelay = policy.maxDelay = 0s;
  Root::bindTotal = [policy](JobInput<int>& total) { total = Nap{} | timeout(4s) | retry(policy); };
  for (int repetition = 1; repetition <= 3; ++repetition) {
    CHECK(stage.attempt() == nullptr);
    CHECK(runs["nap"] == repetition);
    stage.memory.utcMicros += 4'000'000;
  }
  CHECK(stage.failure().type == "timeout");
}

TEST_CASE("Steps that run when a transfer is asked for may store their results, until the grace is over") {
  Stage stage;
  stage.memory.isPrincipalNow = false;
  HandOver handOver;
  handOver.afterGate = true;
  Root::bindTotal = sumBinding(handOver, Gate{});
  JobRunner& runner = stage.begin();
  REQUIRE(waitFor([&] { return stage.memory.transferRequests == 1; }));
  SECTION("within it") {
    runner.look(TreeLook::timer);
    CHECK(stage.memory.handedOver == 0);
    Gate::isOpen = true;
    transferOf(stage.end());
    CHECK(stage.memory.named("gate"));
    CHECK_FALSE(Gate::wasAskedToEnd);
    CHECK(stage.memory.handedOver == 0);
  }
  SECTION("beyond it") {
    CHECK(waitFor([&] { return runner.untilNextTime(0) == std::chrono::nanoseconds{10s}; }));
    stage.memory.utcMicros += 10'000'000;
    runner.look(TreeLook::timer);
    CHECK(stage.memory.handedOver == 1);
    CHECK(runner.running().empty());
    CHECK(runner.runningCount() == 1);  // no other attempt of it begins here meanwhile
    CHECK(waitFor([] { return Gate::wasAskedToEnd.load(); }));
    runner.look(TreeLook::timer);
    CHECK(stage.memory.handedOver == 1);
    Gate::isOpen = true;
    CHECK(stage.end() == nullptr);
  }
  CHECK(runs["sum"] == 0);
}

TEST_CASE("Two steps that ask for a transfer are one transfer, however they stand in the tree") {
  Stage stage;
  stage.memory.isPrincipalNow = false;
  HandOver first;
  HandOver second;
  second.number = 1;
  first.swallows = second.swallows = GENERATE(false, true);
  Root::bindTotal = [=](JobInput<int>& total) {
    total = batch(std::vector{0, 1}, [=](int key) { return key == 0 ? first : second; }) | retry({}) |
            map("sum", [](const std::map<int, int>& all) { return all.at(0) + all.at(1); }) | mapToResult() |
            map("value", [](const JobResult<int>& result) { return result.isSuccess() ? result.value() : -1; }) |
            recover("never", [](const JobError&) { return -2; });
  };
  transferOf(stage.attempt());
  CHECK(stage.memory.transferRequests >= 1);
  for (const char* name : {"sum", "result", "value", "never"}) CHECK_FALSE(stage.memory.named(name));
  stage.memory.isPrincipalNow = true;
  CHECK(stage.result() == "4");
}

TEST_CASE("What a step is about is told when it lasts, and what a suspended job still has to do") {
  Stage stage;
  Root::bindTotal = sumBinding(Gate{}, Number{1});
  JobRunner& runner = stage.begin();
  REQUIRE(waitFor([&] { return runs["gate"] == 1 && stage.memory.named("number"); }));
  runner.look(TreeLook::tick);
  CHECK_FALSE(stage.memory.named("gate"));  // it may be over soon
  runner.look(TreeLook::tick);
  REQUIRE(stage.memory.named("gate"));
  CHECK(stage.memory.named("gate")->state == MemoState::running);
  CHECK(stage.memory.named("sum")->state == MemoState::pending);
  CHECK(stage.memory.named("number")->state == MemoState::succeeded);
  Gate::isOpen = true;
  CHECK(std::get<Succeed>(*stage.end()).value == "11");
  CHECK(stage.memory.named("gate")->state == MemoState::succeeded);

  Root::bindTotal = sumBinding(Nap{}, Number{1});
  CHECK(stage.attempt() == nullptr);
  CHECK(stage.memory.named("sum")->state == MemoState::pending);
}
