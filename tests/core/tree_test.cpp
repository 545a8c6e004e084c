// Trees of steps: what runs, how often, and what is remembered.
#include "tests/core/tree_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

TEST_CASE("A tree runs its inputs, remembers each result once and does not run it again") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = sumOf(Number{2}, Number{3}); };
  CHECK(stage.result() == "5");
  CHECK(runs["number"] == 2);
  CHECK(runs["sum"] == 1);
  CHECK(stage.memory.count() == 3);
  CHECK(stage.result() == "5");  // as after a death: another attempt of the same job
  CHECK(runs["number"] == 2);
  CHECK(runs["sum"] == 1);
  CHECK(runs["root"] == 2);
}

TEST_CASE("Equal steps of one job are one") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = sumOf(Number{4}, Number{4}); };
  CHECK(stage.result() == "8");
  CHECK(runs["number"] == 1);
}

TEST_CASE("A constant is the input's value and an unbound input is an error that says its name") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = 7; };
  CHECK(stage.result() == "7");
  Root::bindTotal = nullptr;
  const JobFailure failure = stage.failure();
  CHECK(failure.type == "unbound-input");
  CHECK(failure.message.find("total") != std::string::npos);
}

TEST_CASE("A failed input fails the job with its own error and is not run again") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) { total = Number{-1}; };
  CHECK(stage.failure().type == "negative");
  CHECK(stage.failure().type == "negative");
  CHECK(runs["number"] == 1);
  CHECK(runs["root"] == 0);
}

TEST_CASE("Of several failed inputs all are reported") {
  Stage stage(1);
  Root::bindTotal = [](JobInput<int>& total) {
    total = batch(
                std::vector{1, 2}, [](int key) { return Number{-key}; }, BatchPolicy::finishOthers) |
            map("size", [](const std::map<int, int>& all) { return static_cast<int>(all.size()); });
  };
  const JobFailure failure = stage.failure();
  CHECK(failure.type == "inputs");
  CHECK(failure.message.find("it is -1") != std::string::npos);
  CHECK(failure.message.find("it is -2") != std::string::npos);
}

TEST_CASE("map, recover, mapToResult and batch make other values of results") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) {
    Sum sum;
    sum.left = Number{-5} |
               recover("zero", [](const JobError& error) { return error.type() == "negative" ? 100 : 0; }) |
               map("double", [](int value) { return 2 * value; });
    sum.right = batch(std::vector<std::string>{"a", "b"}, [](const std::string& key) { return Number{key[0] - 'a'}; }) |
                map("add", [](const std::map<std::string, int>& all) { return all.at("a") + all.at("b"); });
    total = sum | mapToResult() | map("unwrap", [](const JobResult<int>& result) { return result.value(); });
  };
  CHECK(stage.result() == "201");
}

TEST_CASE("A retry runs its job again under other fingerprints until it succeeds or the policy forgives no more") {
  Stage stage;
  static std::atomic<int> tries;
  tries = 0;
  RetryPolicy policy;
  policy.maxAttempts = 4;
  policy.firstDelay = 0s;
  policy.maxDelay = 0s;
  Root::bindTotal = [policy](JobInput<int>& total) {
    total = Number{6} |
            map("flaky",
                [](int value) {
                  if (++tries < 3) throw std::runtime_error("not yet");
                  return value;
                }) |
            retry(policy);
  };
  CHECK(stage.result() == "6");
  CHECK(tries == 3);
  CHECK(runs["number"] == 3);  // with all that it depends on
  CHECK(stage.result() == "6");
  CHECK(tries == 3);
}

TEST_CASE("Steps that the code runs itself are remembered too, and a failure is seen") {
  Stage stage(1);
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  Root::body = [](JobContext& context, int one) {
    const int sum = context.run(sumOf(Number{10}, Number{20}));
    const auto failed = context.result(Number{-3});
    CHECK_FALSE(failed.isSuccess());
    CHECK(failed.failure().type == "negative");
    CHECK_THROWS_AS(context.run(Number{-3}), JobError);
    return one + sum + context.run(Number{10});
  };
  CHECK(stage.result() == "41");
  CHECK(runs["number"] == 3);  // 10, 20 and -3
  CHECK(stage.result() == "41");
  CHECK(runs["number"] == 3);
}

TEST_CASE("Fifty steps inside each other need one worker") {
  Stage stage(1);
  Root::bindTotal = [](JobInput<int>& total) {
    AnyJob<int> job = Number{0};
    for (int i = 0; i < 50; ++i) job = job | map("plus-" + std::to_string(i), [](int value) { return value + 1; });
    total = job;
  };
  CHECK(stage.result() == "50");
}

TEST_CASE("A named wait suspends the attempt, and afterwards returns at once") {
  Stage stage(1);
  Root::bindTotal = [](JobInput<int>& total) { total = Number{1}; };
  Root::body = [](JobContext& context, int value) {
    context.sleep("nap", 10s);
    return value + 1;
  };
  CHECK(stage.attempt() == nullptr);  // it was suspended before the code was left
  CHECK(stage.memory.suspensions == 1);
  CHECK(stage.attempt() == nullptr);
  stage.memory.utcMicros += 10'000'000;
  CHECK(stage.result() == "2");
  CHECK(runs["number"] == 1);
  CHECK(runs["root"] == 3);
}

TEST_CASE("A transfer out of a step is a transfer of the job, whatever stands around the step") {
  Stage stage;
  stage.memory.isPrincipalNow = false;
  static std::atomic<bool> asked;
  asked = false;
  Root::bindTotal = [](JobInput<int>& total) {
    total = Number{5} |
            onStart("hand-over",
                    [](JobContext& context) {
                      ++runs["started"];
                      context.transferToPrincipal();
                    }) |
            retry({}) | recover("never", [](const JobError&) { return -1; });
  };
  const Verb* end = stage.attempt();
  REQUIRE(end != nullptr);
  CHECK(std::holds_alternative<Transfer>(*end));
  CHECK(stage.memory.transferRequests == 1);
  CHECK(runs["number"] == 0);
  stage.memory.isPrincipalNow = true;
  CHECK(stage.result() == "5");
  CHECK(runs["started"] == 2);
}

TEST_CASE("A failed input ends its siblings, and in a later attempt they do not begin") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) {
    Sum sum;
    sum.left = Endless{};
    sum.right = Number{-1} | map("late", [](int value) { return value; }) | recover("again", [](const JobError& error) {
                  tests::waitOrAbort([] { return runs["endless"] == 1; });
                  throw JobError(error);
                  return 0;
                });
    total = sum;
  };
  CHECK(stage.failure().type == "negative");
  CHECK(runs["endless"] == 1);
  CHECK(runs["sum"] == 0);
  stage.memory.forget("sum");  // as if it had died before that was stored
  CHECK(stage.failure().type == "negative");
  CHECK(runs["endless"] == 1);
}

TEST_CASE("The first failure in a batch ends the others, unless the batch is to finish them") {
  Stage stage;
  const auto jobOf = [](int key) -> AnyJob<int> {
    if (key == 1) return Endless{};
    return Number{-1} | recover("late", [](const JobError& error) -> int {
             tests::waitOrAbort([] { return runs["endless"] == 1; });
             throw JobError(error);
           });
  };
  const auto one = [](const std::map<int, int>& all) { return static_cast<int>(all.size()); };
  Root::bindTotal = [&](JobInput<int>& total) { total = batch(std::vector<int>{1, 2}, jobOf) | map("count", one); };
  const JobFailure failure = stage.failure();
  CHECK(failure.type == "negative");
  CHECK(runs["endless"] == 1);
  CHECK_FALSE(stage.memory.named("endless"));  // it was asked to end, and that is no result
  CHECK(runs["map"] == 0);

  const auto finishing = [](int key) -> AnyJob<int> { return Number{-key}; };
  Root::bindTotal = [&](JobInput<int>& total) {
    total = batch(std::vector<int>{1, 2}, finishing, BatchPolicy::finishOthers) | map("count", one);
  };
  CHECK(stage.failure().type == "inputs");
  CHECK(stage.failure().message.find("it is -1") != std::string::npos);
  CHECK(stage.failure().message.find("it is -2") != std::string::npos);
}

TEST_CASE("A job with too many or too deep steps fails with an error of its own, from inside too") {
  Stage stage(1);
  const auto tooWide = [] {
    std::vector<int> keys(limits::treeNodesMax + 1);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int>(i);
    return batch(std::move(keys), [](int key) { return Number{key}; }) |
           map("size", [](const std::map<int, int>& all) { return static_cast<int>(all.size()); });
  };
  const auto tooDeep = [] {
    AnyJob<int> job = Number{0};
    for (std::uint32_t i = 0; i < limits::treeDepthMax; ++i) job = job | map("m", [](int value) { return value; });
    return job;
  };
  SECTION("as inputs") {
    Root::bindTotal = [&](JobInput<int>& total) { total = tooWide(); };
    CHECK(stage.failure().type == "tree-nodes");
    Root::bindTotal = [&](JobInput<int>& total) { total = tooDeep(); };
    CHECK(stage.failure().type == "tree-depth");
  }
  SECTION("from inside") {
    Root::bindTotal = [](JobInput<int>& total) { total = 1; };
    Root::body = [&](JobContext& context, int) {
      CHECK(context.result(tooWide()).failure().type == "tree-nodes");
      CHECK_THROWS_AS(context.run(tooDeep()), JobError);
      return 5;
    };
    CHECK(stage.result() == "5");
  }
  CHECK(runs["number"] == 0);
}

TEST_CASE("A key that stands twice in a batch fails the job") {
  Stage stage;
  Root::bindTotal = [](JobInput<int>& total) {
    total = batch(std::vector{1, 1}, [](int key) { return Number{key}; }) |
            map("size", [](const std::map<int, int>& all) { return static_cast<int>(all.size()); });
  };
  CHECK(stage.failure().type == "duplicate-key");
}
