#pragma once
#include <catch2/catch.hpp>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "callsheet/limits.h"
#include "store/lmdb_job_store.h"
#include "store/memory_job_store.h"
#include "tests/support/lossy_store.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/verbs.h"

// Only for tests that link the store's floor.
namespace callsheet::tests {

[[nodiscard]] inline Moment testStart() {
  return {.utcMicros = 1'750'000'000 * second,
          .bootNanos = 5'000'000'000'000,
          .bootID = *Uuid::parse("b0000000-0000-4000-8000-000000000001")};
}

/// What must hold in every store after every test: each log tells a legal story that ends where the job stands, and the
/// jobs are counted there.
inline void checkStories(JobStore& store) {
  std::string token;
  std::uint64_t jobs = 0;
  CountsByOwner counts;
  JobFilter everything;
  everything.forgottenToo = true;
  do {
    const JobPage page = store.list(everything, token, limits::pageRowsMax);
    for (const JobView& view : page.jobs) {
      ++jobs;
      if (view.row.state == JobState::waiting) ++counts[view.row.owner].waiting;
      if (view.row.state == JobState::ready) ++counts[view.row.owner].ready;
      if (isRunning(view.row)) ++counts[view.row.owner].running;
      const auto log = store.readLog(view.row.id, 0, 10'000);
      bool legal = !log.empty() && log.back().after == view.row.state;
      for (std::size_t i = 0; i < log.size(); ++i) {
        const bool first = log[i].index == 0;
        legal = legal && log[i].index == log[0].index + i;
        legal = legal && isLegal(first ? std::nullopt : std::optional(log[i].before), log[i].move, log[i].after);
        legal = legal && (i == 0 || log[i].before == log[i - 1].after);
      }
      if (!legal) FAIL_CHECK("the log of job " << view.row.id.toString() << " tells no legal story of it");
    }
    token = page.next;
  } while (!token.empty());
  CHECK(store.totals().jobs() == jobs);
  CHECK(store.countByOwner() == counts);
}

/// An LMDB store in a directory of its own, under a clock that the test moves. At the end it must check clean.
class StoreFixture {
 public:
  using Place = TemporaryDirectory::Place;
  explicit StoreFixture(std::size_t mapBytes = 0, Place place = Place::disk) : directory_(place), mapBytes_(mapBytes) {
    open();
  }
  ~StoreFixture() {
    if (store_ && std::uncaught_exceptions() == 0) finish();
  }
  StoreFixture(const StoreFixture&) = delete;
  StoreFixture& operator=(const StoreFixture&) = delete;

  [[nodiscard]] LmdbJobStore& store() { return *store_; }
  [[nodiscard]] LmdbJobStore* operator->() { return store_.get(); }
  [[nodiscard]] ManualClock& clock() { return *clock_; }
  [[nodiscard]] const std::string& path() const { return directory_.path(); }
  void open() {
    LmdbStoreOptions options;
    options.mapBytes = mapBytes_;
    options.clock = clock_;
    store_ = LmdbJobStore::open(directory_.path(), options);
  }
  /// Closes it, as its last holder.
  void close() { store_.reset(); }
  void requireSound() {
    const CheckReport report = store_->check();
    for (const auto& problem : report.problems) UNSCOPED_INFO(problem);
    REQUIRE(report.problemCount == 0);
  }
  void finish() {
    const CheckReport report = store_->check();
    for (const auto& problem : report.problems) UNSCOPED_INFO(problem);
    CHECK(report.problemCount == 0);
    checkStories(*store_);
    close();
  }
  /// For tests that damage the store on purpose.
  void closeUnchecked() { close(); }

 private:
  TemporaryDirectory directory_;
  std::size_t mapBytes_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(testStart());
  std::shared_ptr<LmdbJobStore> store_;
};

enum class Backend { lmdb, memory, lossyLmdb, lossyMemory };

/// A store of any kind, and the short ways in which the conformance tests use it. Verbs are repeated, with the same
/// ids, until their answer arrives; an `alreadyApplied` that comes of that reads as `ok`, which is the contract of the
/// seam.
class StoreUnderTest {
 public:
  explicit StoreUnderTest(Backend backend) : backend_(backend) {
    if (backend == Backend::lmdb || backend == Backend::lossyLmdb) {
      lmdb_ = std::make_unique<StoreFixture>(0, StoreFixture::Place::memory);
      inner_ = &lmdb_->store();
      clock_ = &lmdb_->clock();
    } else {
      memoryClock_ = std::make_unique<ManualClock>(testStart());
      memory_ = makeMemoryJobStore(*memoryClock_);
      inner_ = memory_.get();
      clock_ = memoryClock_.get();
    }
    if (isLossy()) lossy_ = std::make_unique<LossyStore>(*inner_, 3);
  }
  ~StoreUnderTest() {
    if (memory_ && std::uncaught_exceptions() == 0) checkStories(*memory_);
  }
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;

  [[nodiscard]] static std::string nameOf(Backend backend) {
    static const char* const names[] = {"lmdb", "memory", "lossy lmdb", "lossy memory"};
    return names[static_cast<int>(backend)];
  }
  [[nodiscard]] bool isLossy() const { return backend_ == Backend::lossyLmdb || backend_ == Backend::lossyMemory; }
  [[nodiscard]] JobStore& store() { return lossy_ ? static_cast<JobStore&>(*lossy_) : *inner_; }
  [[nodiscard]] JobStore* operator->() { return &store(); }
  [[nodiscard]] ManualClock& clock() { return *clock_; }

  template <class OneVerb>
  typename OneVerb::Answer apply(const OneVerb& verb) {
    for (int tries = 0;; ++tries) {
      auto answer = store().apply(verb);
      if (answer.verdict == Verdict::unknown && tries < 5) continue;
      if (tries > 0) asFirst(answer);
      return answer;
    }
  }

  /// Whose queues the verb's commits touched.
  template <class OneVerb>
  std::vector<IncarnationID> touchedBy(const OneVerb& verb) {
    std::vector<IncarnationID> touched;
    const auto subscription = store().subscribe(
        [&](const Effects& effects) { touched.insert(touched.end(), effects.owners.begin(), effects.owners.end()); });
    (void)apply(verb);
    return touched;
  }

  /// An open incarnation that knows the kinds.
  IncarnationID open(Role role, const std::string& name = {}, std::vector<std::string> kinds = {"k"}) {
    RegisterIncarnation verb;
    verb.id = makeIncarnationID();
    verb.role = role;
    verb.name = name;
    verb.kinds = std::move(kinds);
    const auto answer = apply(verb);
    INFO(answer.why);
    REQUIRE(answer.verdict == Verdict::ok);
    return verb.id;
  }
  IncarnationID openPrincipal() { return open(Role::principal); }
  IncarnationID openAssistant(const std::string& name = "left") { return open(Role::assistant, name); }
  void close(IncarnationID id, Closing how, IncarnationID sender) {
    REQUIRE(apply(CloseIncarnation{id, how, sender}).verdict == Verdict::ok);
  }

  JobID add(const NewJob& job, IncarnationID sender = {}) {
    const auto answer = apply(submitOf({job}, sender));
    INFO(answer.why);
    REQUIRE(answer.verdict == Verdict::ok);
    REQUIRE(answer.jobs.at(0).verdict == Verdict::ok);
    return job.id;
  }
  JobID add(IncarnationID sender = {}) { return add(newJob(), sender); }

  /// Claims straight into in-progress; must get exactly this job.
  JobRow run(JobID id, IncarnationID who) {
    const auto answer = apply(claimOf(who));
    REQUIRE(answer.jobs.size() == 1);
    REQUIRE(answer.jobs[0].row.id == id);
    return answer.jobs[0].row;
  }
  JobRow addRunning(IncarnationID who, NewJob job = newJob()) {
    const JobID id = add(job, who);
    return run(id, who);
  }
  /// Hands it out without starting it.
  JobRow addRequested(IncarnationID who, std::int64_t startLimitMicros = 0, const NewJob& job = newJob()) {
    add(job, who);
    Claim claim = claimOf(who);
    claim.start = false;
    claim.startLimitMicros = startLimitMicros;
    const auto answer = apply(claim);
    REQUIRE(answer.jobs.size() == 1);
    return answer.jobs[0].row;
  }
  std::uint32_t adoptAll(IncarnationID closed, IncarnationID principal, std::uint32_t limit = 1000) {
    Adopt verb{closed, principal, limit, 7};
    for (std::uint32_t slices = 1; slices < 1000; ++slices) {
      const auto answer = apply(verb);
      REQUIRE(answer.verdict == Verdict::ok);
      if (!answer.more) return slices;
    }
    FAIL("adoption does not end");
    return 0;
  }

  [[nodiscard]] JobRow row(JobID id) {
    const auto view = inner_->find(id);
    REQUIRE(view);
    return view->row;
  }
  [[nodiscard]] std::vector<Move> moves(JobID id) {
    std::vector<Move> moves;
    for (const LogEntry& entry : inner_->readLog(id, 0, 10'000)) moves.push_back(entry.move);
    return moves;
  }
  /// Whether the verdict says that the verb was applied before. Behind a lossy store that may read as ok, see above.
  [[nodiscard]] bool isRepeat(Verdict verdict) const {
    return verdict == Verdict::alreadyApplied || (isLossy() && verdict == Verdict::ok);
  }
  Verdict verdictOfSucceed(const JobRow& row) { return apply(Succeed{attemptOf(row), "1", {}}).verdict; }

 private:
  template <class OneAnswer>
  static void asFirst(OneAnswer& answer) {
    if (answer.verdict == Verdict::alreadyApplied) answer.verdict = Verdict::ok;
    if constexpr (std::is_same_v<OneAnswer, Submit::Answer>)
      for (auto& job : answer.jobs)
        if (job.verdict == Verdict::alreadyApplied) job.verdict = Verdict::ok;
  }

  Backend backend_;
  std::unique_ptr<StoreFixture> lmdb_;
  std::unique_ptr<ManualClock> memoryClock_;
  std::unique_ptr<JobStore> memory_;
  std::unique_ptr<LossyStore> lossy_;
  JobStore* inner_ = nullptr;
  ManualClock* clock_ = nullptr;
};

}  // namespace callsheet::tests

/// Runs the rest of the test once for each kind of store.
#define ON_EVERY_STORE(store)                                                                                  \
  const auto backend = GENERATE(callsheet::tests::Backend::lmdb, callsheet::tests::Backend::memory,            \
                                callsheet::tests::Backend::lossyLmdb, callsheet::tests::Backend::lossyMemory); \
  INFO("on the store: " << callsheet::tests::StoreUnderTest::nameOf(backend));                                 \
  callsheet::tests::StoreUnderTest store(backend)
