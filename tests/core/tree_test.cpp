// Trees of steps, run by a JobRunner against a store in the test's memory: what runs, how often, and what is
// remembered.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <mutex>

#include "callsheet/job.h"
#include "callsheet/job_types.h"
#include "callsheet/limits.h"
#include "core/job_runner.h"
#include "tests/support/wait_for.h"

using namespace callsheet;
using namespace std::chrono_literals;

namespace {

/// What a job remembers, and how an attempt ended.
class Memory final : public JobRunner::Host {
 public:
  void ended(JobID, std::optional<Verb> verb) override { end = std::move(verb); }
  void freed() override { isOver = true; }
  AttemptAnswer requestTransfer(const AttemptRef&) override {
    ++transferRequests;
    return ok();
  }
  AttemptAnswer saveResults(const AttemptRef&, std::vector<MemoRow> rows) override {
    const std::lock_guard lock(mutex_);
    for (MemoRow& row : rows) {
      const auto known = memos_.find(row.id);
      if (known != memos_.end() && known->second.isFinished()) continue;
      row.valueBytes = static_cast<std::uint32_t>(row.value.size());
      memos_[row.id] = std::move(row);
    }
    return ok();
  }
  AttemptAnswer suspend(const AttemptRef& attempt, std::vector<MemoRow> waits) override {
    ++suspensions;
    for (const MemoRow& wait : waits) {
      const std::lock_guard lock(mutex_);
      memos_.try_emplace(wait.id, wait);
    }
    (void)attempt;
    return ok();
  }
  std::vector<MemoRow> memos(JobID) override {
    const std::lock_guard lock(mutex_);
    std::vector<MemoRow> all;
    for (const auto& [id, row] : memos_) {
      all.push_back(row);
      all.back().value.clear();
    }
    return all;
  }
  std::optional<MemoRow> memo(JobID, Fingerprint id) override {
    const std::lock_guard lock(mutex_);
    return memos_.contains(id) ? std::optional(memos_[id]) : std::nullopt;
  }
  void progressed(const AttemptRef&, double, std::string) override {}
  JobDirector& director() override { std::abort(); }
  std::string directorName() const override { return "main"; }
  bool isPrincipal() const override { return isPrincipalNow; }
  std::int64_t utcMicros() const override { return now; }

  void forget(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(memos_, [&](const auto& entry) { return entry.second.name == name; });
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex_);
    return memos_.size();
  }

  std::optional<Verb> end;  // read when isOver
  std::atomic<bool> isOver{false};
  std::atomic<bool> isPrincipalNow{true};
  std::atomic<std::int64_t> now{1'000'000};
  std::atomic<int> transferRequests{0};
  std::atomic<int> suspensions{0};

 private:
  static AttemptAnswer ok() {
    AttemptAnswer answer;
    answer.verdict = Verdict::ok;
    return answer;
  }
  std::mutex mutex_;
  std::map<Fingerprint, MemoRow> memos_;  // guarded by mutex_
};

std::map<std::string, std::atomic<int>> runs;  // how often each step's code ran

struct Number : ResultJob<int> {
  static constexpr JobKind kind{"number"};
  int value = 0;
  Number() = default;
  explicit Number(int v) : value(v) {}
  int execute() {
    ++runs["number"];
    if (value < 0) throw JobError("negative", "it is " + std::to_string(value));
    return value;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(value));
  }
};

struct Sum : ResultJob<int> {
  static constexpr JobKind kind{"sum"};
  JobInput<int> left;
  JobInput<int> right;
  int execute() {
    ++runs["sum"];
    return *left + *right;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(left), CEREAL_NVP(right));
  }
};

/// Runs until it is asked to end.
struct Endless : ResultJob<int> {
  static constexpr JobKind kind{"endless"};
  int execute(JobContext& context) {
    ++runs["endless"];
    if (!tests::waitFor([&] { return context.isCanceled(); })) return 1;
    context.throwIfCanceled();
    return 0;
  }
  template <class Archive>
  void serialize(Archive&) {}
};

/// A root made of whatever the test binds.
struct Root : SubmittableJob {
  static inline std::function<void(JobInput<int>&)> bindTotal;
  static inline std::function<int(JobContext&, int)> body;
  JobInput<int> total;
  void bindInputs() {
    if (bindTotal) bindTotal(total);
  }
  int execute(JobContext& context) {
    ++runs["root"];
    return body ? body(context, *total) : *total;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(total));
  }
};

class Stage {
 public:
  explicit Stage(unsigned workers = 2) : workers_(workers) {
    runs.clear();
    for (const char* name : {"number", "sum", "root", "map", "recover", "started", "endless"}) runs[name] = 0;
    Root::bindTotal = nullptr;
    Root::body = nullptr;
    types_.add<Root>("root");
    item_.row.id = makeJobID();
    item_.row.kind = "root";
    item_.body.parameters = "{}";
  }

  /// One attempt to its end.
  const Verb* attempt() {
    item_.row.execID = ExecID{Uuid::makeV4()};
    item_.row.memoCount = static_cast<std::uint32_t>(memory.count());
    memory.isOver = false;
    memory.end.reset();
    JobRunner runner(types_, workers_, memory);
    runner.run(item_, makeIncarnationID());
    REQUIRE(tests::waitFor([&] { return memory.isOver.load(); }));
    return memory.end ? &*memory.end : nullptr;
  }
  std::string result() {
    const Verb* end = attempt();
    REQUIRE(end != nullptr);
    const auto* success = std::get_if<Succeed>(end);
    if (const auto* fail = std::get_if<Fail>(end)) INFO(fail->failure.type << ": " << fail->failure.message);
    REQUIRE(success != nullptr);
    return success->value;
  }
  JobFailure failure() {
    const Verb* end = attempt();
    REQUIRE(end != nullptr);
    REQUIRE(std::holds_alternative<Fail>(*end));
    return std::get<Fail>(*end).failure;
  }

  Memory memory;

 private:
  unsigned workers_;
  JobTypes types_;
  Claim::Item item_;
};

Sum sumOf(Number left, Number right) {
  Sum sum;
  sum.left = left;
  sum.right = right;
  return sum;
}

}  // namespace

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
  stage.memory.now += 10'000'000;
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
                  REQUIRE(tests::waitFor([] { return runs["endless"] == 1; }));
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
