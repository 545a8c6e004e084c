// Steps that are repeated: what runs again, what is shared, and which failures are worth it.
#include "tests/core/tree_stage.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

/// Fails so many times as it says before it gives its name's length.
struct Flaky : ResultJob<int> {
  static constexpr JobKind kind{"flaky"};
  static inline std::map<std::string, std::atomic<int>> tries;
  std::string name;
  int failures = 0;
  bool forGood = false;
  Flaky() = default;
  Flaky(std::string n, int f) : name(std::move(n)), failures(f) {}
  int execute() {
    const int before = tries[name]++;
    if (before < failures) throw JobError("flaky", name + " failed " + std::to_string(before + 1), !forGood);
    return static_cast<int>(name.size());
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(name), CEREAL_NVP(failures), CEREAL_NVP(forGood));
  }
};

/// Runs another step by its own code.
struct Outer : ResultJob<int> {
  static constexpr JobKind kind{"outer"};
  static inline std::optional<Flaky> inner;
  int execute(JobContext& context) {
    ++runs["outer"];
    return context.run(*inner);
  }
  template <class Archive>
  void serialize(Archive&) {}
};

/// Its inputs do not mean the same.
struct Difference : ResultJob<int> {
  static constexpr JobKind kind{"difference"};
  JobInput<int> from;
  JobInput<int> less;
  int execute() { return *from - *less; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(from), CEREAL_NVP(less));
  }
};

struct LostConnection {
  std::string host;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(host));
  }
  static constexpr std::string_view errorType = "lost-connection";
};

RetryPolicy atOnce(std::uint32_t maxAttempts) {
  RetryPolicy policy;
  policy.maxAttempts = maxAttempts;
  policy.firstDelay = 0s;
  policy.maxDelay = 0s;
  return policy;
}

/// A stage on which nothing was tried yet.
class Repeats : public Stage {
 public:
  Repeats() : Stage(2) {
    Flaky::tries.clear();
    for (const char* name : {"a", "bb", "ccc"}) Flaky::tries[name] = 0;
  }
};

}  // namespace

TEST_CASE("A retry repeats a job whose input, or the input of whose input, failed") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) {
    total = Flaky{"bb", 2} | map("double", [](int value) { return 2 * value; }) |
            map("more", [](int value) { return value + 1; }) | retry(atOnce(4));
  };
  CHECK(stage.result() == "5");
  CHECK(Flaky::tries["bb"] == 3);
  CHECK(stage.result() == "5");
  CHECK(Flaky::tries["bb"] == 3);
}

TEST_CASE("A retry repeats a batch of which some failed, and all of them run again") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) {
    total = batch(
                std::vector<std::string>{"a", "bb", "ccc"},
                [](const std::string& key) {
                  return Flaky{key, key == "a" ? 0 : 1};
                },
                BatchPolicy::finishOthers) |
            retry(atOnce(2)) |
            map("pick", [](const std::map<std::string, int>& all) { return 100 * all.at("bb") + all.at("ccc"); });
  };
  CHECK(stage.result() == "203");
  for (const auto& [name, tries] : Flaky::tries) CHECK(tries == 2);
}

TEST_CASE("A retry repeats a step that lets through, or throws again, what a step that it ran failed with") {
  Repeats stage;
  SECTION("let through") {
    Outer::inner = Flaky{"ccc", 1};
    Root::bindTotal = [](JobInput<int>& total) { total = Outer{} | retry(atOnce(3)); };
    CHECK(runs["outer"] == 0);
  }
  SECTION("thrown again") {
    Outer::inner = Flaky{"ccc", 0};
    Root::bindTotal = [](JobInput<int>& total) {
      total = Flaky{"ccc", 1} | recover("again", [](const JobError& error) -> int { throw JobError(error); }) |
              retry(atOnce(3));
    };
  }
  CHECK(stage.result() == "3");
  CHECK(Flaky::tries["ccc"] == 2);
}

TEST_CASE("The failure of a step that the job's own code let through is final for the job, whatever its type says") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  stage.body().retry.maxAttempts = 5;
  SECTION("of an unregistered type") {
    Root::body = [](JobContext& context, int) { return context.run(Flaky{"a", 9}); };
  }
  SECTION("of a registered one") {
    stage.types.addError<LostConnection>();
    Root::body = [](JobContext& context, int) {
      return context.run(Number{1} | map("lose", [](int) -> int { throw LostConnection{"here"}; }));
    };
  }
  SECTION("as an input") {
    Root::bindTotal = [](JobInput<int>& total) { total = Flaky{"a", 9}; };
  }
  const Verb* end = stage.attempt();
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Fail>(*end));
  CHECK_FALSE(std::get<Fail>(*end).retryable);  // it could only meet the same stored failure again
}

TEST_CASE("What the job's own code throws for itself may be retried, though a step that it ran failed") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) { total = 1; };
  stage.body().retry.maxAttempts = 5;
  Root::body = [](JobContext& context, int) -> int {
    CHECK_FALSE(context.result(Flaky{"a", 9}).isSuccess());
    throw std::runtime_error("something else");
  };
  const Verb* end = stage.attempt();
  REQUIRE(end != nullptr);
  REQUIRE(std::holds_alternative<Fail>(*end));
  CHECK(std::get<Fail>(*end).retryable);
}

TEST_CASE("A retry that gives up fails with what the last repetition failed with") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) { total = Flaky{"a", 9} | retry(atOnce(3)); };
  const JobFailure failure = stage.failure();
  CHECK(failure.type == "flaky");
  CHECK(failure.message == "a failed 3");
  CHECK(Flaky::tries["a"] == 3);
}

TEST_CASE("A failure for good is not repeated, nor one that the filter does not want repeated") {
  Repeats stage;
  SECTION("for good") {
    Root::bindTotal = [](JobInput<int>& total) {
      Flaky flaky{"a", 9};
      flaky.forGood = true;
      total = flaky | map("same", [](int value) { return value; }) | retry(atOnce(3));
    };
    CHECK(stage.failure().message == "a failed 1");
    stage.memory.forget("retry");  // as if it had died before that was stored
    CHECK(stage.failure().message == "a failed 1");
    CHECK(Flaky::tries["a"] == 1);
  }
  SECTION("the filter") {
    static std::vector<std::pair<std::string, std::uint32_t>> asked;
    asked.clear();
    Root::bindTotal = [](JobInput<int>& total) {
      total = Flaky{"a", 9} | retry(atOnce(5), "twice", [](const JobError& error, std::uint32_t attempt) {
                asked.emplace_back(error.what(), attempt);
                return attempt < 2;
              });
    };
    CHECK(stage.failure().message == "a failed 2");
    CHECK(asked == std::vector<std::pair<std::string, std::uint32_t>>{{"a failed 1", 1}, {"a failed 2", 2}});
  }
}

TEST_CASE("Repeated jobs with different inputs share no repetitions, equal ones share them all") {
  Repeats stage;
  const bool areEqual = GENERATE(false, true);
  CAPTURE(areEqual);
  Root::bindTotal = [areEqual](JobInput<int>& total) {
    Sum sum;
    sum.left = Flaky{"bb", 1} | retry(atOnce(3));
    sum.right = Flaky{areEqual ? "bb" : "ccc", 1} | retry(atOnce(3));
    total = sum;
  };
  CHECK(stage.result() == (areEqual ? "4" : "5"));
  CHECK(Flaky::tries["bb"] == 2);
  CHECK(Flaky::tries["ccc"] == (areEqual ? 0 : 2));
}

TEST_CASE("A job inside a retry and the same one outside of it are two") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) {
    Sum sum;
    sum.left = Flaky{"bb", 0} | retry(atOnce(3));
    sum.right = Flaky{"bb", 0};
    total = sum;
  };
  CHECK(stage.result() == "4");
  CHECK(Flaky::tries["bb"] == 2);
}

TEST_CASE("Each input and each key of a batch gets the value of its own job") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) {
    total = batch(std::vector{3, 1, 2}, [](int key) { return Number{10 * key}; }) |
            map("order", [](const std::map<int, int>& all) { return all.at(1) + 10 * all.at(2) + 100 * all.at(3); });
  };
  CHECK(stage.result() == "3210");
  Root::bindTotal = [](JobInput<int>& total) {
    Difference difference;
    difference.from = Number{7};
    difference.less = Number{2};
    total = difference;
  };
  CHECK(stage.result() == "5");
  CHECK(stage.result() == "5");  // from what was remembered
}

TEST_CASE("mapToResult makes a value of a failure too, with its type and message") {
  Repeats stage;
  Root::bindTotal = [](JobInput<int>& total) {
    total = Number{-4} | mapToResult() | map("look", [](const JobResult<int>& result) {
              if (result.isSuccess()) return 0;
              return result.failure().type == "negative" && result.failure().message == "it is -4" ? 1 : 2;
            });
  };
  CHECK(stage.result() == "1");
}
