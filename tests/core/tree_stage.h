#pragma once
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "callsheet/job.h"
#include "callsheet/job_types.h"
#include "callsheet/limits.h"
#include "tests/support/memory_host.h"
#include "tests/support/wait_for.h"

// Jobs of several steps, run by a JobRunner against a store in the test's memory.
namespace callsheet::tests {

using namespace std::chrono_literals;

/// What a job remembers, and how an attempt ended.
class Memory final : public MemoryHost {
 public:
  void ended(JobID, std::optional<Verb> verb) override { end = std::move(verb); }
  void freed() override { isOver = true; }
  AttemptAnswer requestTransfer(const AttemptRef& attempt) override {
    ++transferRequests;
    return MemoryHost::requestTransfer(attempt);
  }
  AttemptAnswer saveResults(const AttemptRef& attempt, std::vector<MemoRow> rows) override {
    if (isFull()) return answerOf(Verdict::storeFull, "it has no room");
    const bool isRefused =
        rows.front().name == refusedName || (refusesWaits && rows.front().state == MemoState::waiting);
    return isRefused ? refused() : MemoryHost::saveResults(attempt, std::move(rows));
  }
  AttemptAnswer suspend(const AttemptRef& attempt, std::vector<MemoRow> waits) override {
    if (isFull()) return answerOf(Verdict::storeFull, "it has no room");
    if (refusesWaits) return refused();
    ++suspensions;
    return MemoryHost::suspend(attempt, std::move(waits));
  }
  std::optional<MemoRow> memo(JobID job, Fingerprint id) override {
    auto row = MemoryHost::memo(job, id);
    if (row && row->name == lostName) row.reset();
    if (row && row->name == garbledName) row->value = "[\"no number\"]";
    return row;
  }
  std::vector<MemoRow> memos(JobID job) override {
    if (isUnreadable) throw Error(ErrorKind::corrupt, "what it remembers does not check");
    return MemoryHost::memos(job);
  }
  bool isPrincipal() const override { return isPrincipalNow; }
  std::chrono::nanoseconds transferGrace() const override { return grace; }
  void noted(const AttemptRef& attempt, std::vector<MemoRow> steps) override {
    (void)saveResults(attempt, std::move(steps));
  }
  void handOver(const AttemptRef&) override { ++handedOver; }
  Moment now() const override { return {utcMicros, utcMicros * 1000, {}}; }

  /// Ends a wait, as somebody outside would.
  void complete(Fingerprint wait, const std::string& json) {
    const std::lock_guard lock(mutex_);
    MemoRow& row = rows_[wait];
    row.id = wait;
    row.state = MemoState::succeeded;
    row.value = json;
  }
  [[nodiscard]] std::optional<MemoRow> named(const std::string& name) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, row] : rows_)
      if (row.name == name) return row;
    return std::nullopt;
  }
  void forget(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::erase_if(rows_, [&](const auto& entry) { return entry.second.name == name; });
  }
  [[nodiscard]] std::size_t count() { return rows().size(); }

  std::optional<Verb> end;  // read when isOver
  std::atomic<bool> isOver{false};
  std::atomic<bool> isPrincipalNow{true};
  std::atomic<std::int64_t> utcMicros{1'000'000};
  std::atomic<int> handedOver{0};
  std::chrono::nanoseconds grace = 10s;
  std::atomic<int> transferRequests{0};
  std::atomic<int> suspensions{0};
  std::atomic<bool> refusesWaits{false};
  std::string refusedName;                 // of steps that are refused whatever they gave
  std::atomic<int> answersWithoutRoom{0};  // so many come first
  std::atomic<int> fullAnswers{0};         // so many came
  std::string lostName;                    // of steps whose value is gone
  std::string garbledName;                 // of steps whose value is another type's
  bool isUnreadable = false;

 private:
  bool isFull() {
    if (answersWithoutRoom <= 0) return false;
    --answersWithoutRoom;
    ++fullAnswers;
    return true;
  }
  static AttemptAnswer refused() { return answerOf(Verdict::refused, "there are too many"); }
};

inline std::map<std::string, std::atomic<int>> runs;  // how often each step's code ran

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

/// Runs until the test lets it end, or longer.
struct Gate : ResultJob<int> {
  static constexpr JobKind kind{"gate"};
  static inline std::atomic<bool> isOpen{false};
  static inline std::atomic<bool> wasAskedToEnd{false};
  int execute(JobContext& context) {
    ++runs["gate"];
    waitOrAbort([&] {
      if (context.isCanceled()) wasAskedToEnd = true;
      return isOpen.load();
    });
    return 10;
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
    for (const char* name :
         {"number", "sum", "root", "map", "recover", "started", "endless", "gate", "nap", "woken", "outer"})
      runs[name] = 0;
    Gate::isOpen = false;
    Gate::wasAskedToEnd = false;
    Root::bindTotal = nullptr;
    Root::body = nullptr;
    types.add<Root>("root");
    item_.body.retry.maxAttempts = 1;
    item_.row.id = makeJobID();
    item_.row.kind = "root";
    item_.body.parameters = "{}";
  }

  /// One attempt to its end.
  const Verb* attempt() {
    begin();
    return end();
  }
  JobRunner& begin() {
    item_.row.execID = ExecID{Uuid::makeV4()};
    item_.row.memoCount = static_cast<std::uint32_t>(memory.count());
    memory.isOver = false;
    memory.end.reset();
    runner_.emplace(types, workers_, memory);
    runner_->run(item_, makeIncarnationID());
    return *runner_;
  }
  /// Looks at the steps all the time, as a director does when a time has come.
  const Verb* end() {
    REQUIRE(tests::waitFor([&] {
      runner_->look(TreeLook::timer);
      return memory.isOver.load();
    }));
    runner_.reset();
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

  [[nodiscard]] JobBody& body() { return item_.body; }
  [[nodiscard]] JobRow& row() { return item_.row; }

  Memory memory;
  JobTypes types;

 private:
  unsigned workers_;
  Claim::Item item_;
  std::optional<JobRunner> runner_;
};

inline Sum sumOf(Number left, Number right) {
  Sum sum;
  sum.left = left;
  sum.right = right;
  return sum;
}

}  // namespace callsheet::tests
