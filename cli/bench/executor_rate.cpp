#include "cli/bench/executor_rate.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cereal/cereal.hpp>

#include "callsheet/executor.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/shared_page.h"
#include "cli/bench/store_loop.h"
#include "cli/terminal.h"
#include "director/store_access.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr const char* kind = "bench-executed";
constexpr std::uint32_t jobsMax = 1U << 20;
constexpr std::uint32_t batch = 100;
constexpr std::uint32_t window = 2000;
constexpr unsigned workers = 16;
constexpr std::chrono::seconds patience{60};

/// What the principal and its executors share.
struct Page {
  std::atomic<std::uint32_t> ready{0};
  std::atomic<bool> isOver{false};
  std::atomic<std::uint32_t> wrong{0};
  std::atomic<std::uint32_t> executed{0};
  std::array<std::atomic<std::uint8_t>, jobsMax> seen;
};

/// Is counted, no more.
struct ExecutedJob {
  std::uint32_t number = 0;
  // Jobs are made by the director, so what they all use cannot be given to each.
  static inline Page* page = nullptr;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
  void execute(JobContext&) const {
    if (number >= jobsMax || page->seen[number].fetch_add(1) != 0) page->wrong.fetch_add(1);
    page->executed.fetch_add(1);
  }
};

JobDirectorOptions optionsOf(unsigned workerCount) {
  JobDirectorOptions options;
  options.workers = workerCount;
  options.keepDoneCount = 0;
  options.log = [](LogLevel level, std::string_view sentence) {
    if (level >= LogLevel::warning) tell(sentence);
  };
  return options;
}

void submitBatch(JobDirector& principal, std::uint32_t first) {
  std::vector<std::string> parameters;
  for (std::uint32_t i = 0; i < batch; ++i) parameters.push_back(fmt::format(R"({{"number":{}}})", first + i));
  for (const Submission& submission : principal.submitAllJson(kind, std::move(parameters)))
    if (!submission.isAccepted()) throw BenchFailure("a job was not accepted: " + submission.why);
}

}  // namespace

void ExecutorRate::runExecutor(const std::string& directory, unsigned number) {
  const SharedPage<Page> page{FileDescriptor(sharedPageDescriptor)};
  ExecutedJob::page = &*page;
  JobTypes types;
  types.add<ExecutedJob>(kind);
  Executor executor(JobDirectorID(benchStoreID), directory, fmt::format("executor-{}", number), std::move(types),
                    optionsOf(workers));
  executor.start();
  page->ready.fetch_add(1);
  while (!page->isOver.load()) nap(std::chrono::milliseconds{20});
}

void ExecutorRate::measure(unsigned repetition) {
  const auto measureBare = [&] {
    bare_.push_back(runLoad("bare", directory_.makeFresh(), {1, batch, settings_.seconds}));
  };
  // Now before, now after: what the machine does besides changes slowly and then favours neither.
  if (repetition % 2 == 0) measureBare();
  for (Shape& shape : shapes_) measure(shape);
  if (repetition % 2 != 0) measureBare();
}

void ExecutorRate::measure(Shape& shape) const {
  const std::string place = directory_.makeFresh();
  const SharedPage<Page> page;
  std::uint32_t submitted = 0;
  {
    JobDirectorOptions options = optionsOf(1);
    options.runsJobs = false;
    JobDirector principal(JobDirectorID(benchStoreID), place, JobDirectorMode::principal(), JobTypes{}, options);
    principal.start();
    std::vector<BenchChild> children;
    for (unsigned i = 0; i < shape.executors; ++i)
      children.push_back(BenchChild::startRole(role, place, i, page.descriptor()));
    awaitCondition("the executors", patience, children, [&] { return page->ready.load() == shape.executors; });

    const auto access = StoreAccess::open(place, benchStoreID, {});
    const std::uint64_t commitsBefore = access->store().sequence();
    const std::int64_t began = benchNanos();
    const std::int64_t until = began + nanosOf(settings_.seconds);
    while (benchNanos() < until && submitted + batch <= jobsMax) {
      awaitCondition("the executors' work", patience, children,
                     [&] { return submitted - page->executed.load() <= window; });
      submitBatch(principal, submitted);
      submitted += batch;
    }
    // Executed is not done yet: the end of the last one has to be in the store.
    awaitCondition("the last jobs", patience, children, [&] { return page->executed.load() >= submitted; });
    awaitCondition("the last jobs' ends", patience, children, [&] {
      return access->store().totals().done[static_cast<std::size_t>(JobOutcome::succeeded)] >= submitted;
    });
    const double seconds = static_cast<double>(benchNanos() - began) / 1e9;
    shape.jobsPerSecond.push_back(submitted / seconds);
    shape.commits.push_back(static_cast<double>(access->store().sequence() - commitsBefore) / submitted);
    page->isOver.store(true);
    for (BenchChild& child : children) child.requireSuccess(patience);
  }
  if (page->wrong.load() != 0 || page->executed.load() != submitted)
    throw BenchFailure("jobs were executed more than once");
  requireAllSucceeded(place, submitted);
}

void ExecutorRate::report(BenchReport& report) const {
  std::vector<double> bare;
  for (const LoadResult& result : bare_) bare.push_back(result.jobsPerSecond);
  report.add(group(), "bare LMDB loop, 1 + 1 processes, batches of 100", "jobs/s", bare);
  for (const Shape& shape : shapes_) {
    const std::string what =
        shape.executors == 1 ? std::string("1 executor") : fmt::format("{} executors", shape.executors);
    report.add(group(), fmt::format("{} of {} workers", what, workers), "jobs/s", shape.jobsPerSecond);
    report.add(group(), what + ", commits", "/job", shape.commits);
    std::vector<double> shares;
    for (std::size_t i = 0; i < bare.size(); ++i) shares.push_back(shape.jobsPerSecond[i] / bare[i]);
    report.add(group(), what + " / bare loop of the same repetition", "ratio", shares);
  }
}

}  // namespace v1
}  // namespace callsheet
