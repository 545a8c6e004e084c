#include "cli/bench/step_run.h"

#include <cereal/cereal.hpp>
#include <map>
#include <numeric>
#include <span>
#include <vector>

#include "callsheet/job.h"
#include "callsheet/job_director.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/process_figures.h"
#include "cli/bench/shared_page.h"
#include "cli/bench/store_loop.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::seconds patience{60};

/// Gives its number.
struct BenchStep : ResultJob<std::uint32_t> {
  static constexpr JobKind kind{"bench-step"};
  std::uint64_t job = 0;
  std::uint32_t number = 0;
  // Steps are made by the tree, so what they all use cannot be given to each.
  static inline StepPage* page = nullptr;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(job), CEREAL_NVP(number));
  }
  std::uint32_t execute() const {
    const std::uint64_t index = job * page->steps + number;
    if (index >= stepsMax || page->ran[index].fetch_add(1) != 0) page->wrong.fetch_add(1);
    return number;
  }
};

/// Gives the sum of its steps' results.
struct BenchSteps : SubmittableJob {
  static constexpr JobKind kind{"bench-steps"};
  std::uint64_t job = 0;
  std::uint32_t steps = 0;
  JobInput<std::map<std::uint32_t, std::uint32_t>> results;

  void bindInputs() {
    std::vector<std::uint32_t> numbers(steps);
    std::iota(numbers.begin(), numbers.end(), 0);
    results = batch(std::move(numbers), [of = job](std::uint32_t number) {
      BenchStep step;
      step.job = of;
      step.number = number;
      return step;
    });
  }
  std::uint64_t execute() const {
    std::uint64_t sum = 0;
    for (const auto& [number, result] : *results) sum += result;
    return sum;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(job), CEREAL_NVP(steps), CEREAL_NVP(results));
  }
};

JobTypes stepTypes() {
  JobTypes types;
  types.add<BenchSteps>();
  return types;
}

JobDirectorOptions stepOptions(const StepPage& page) {
  JobDirectorOptions options;
  options.log = [](LogLevel level, std::string_view sentence) {
    if (level >= LogLevel::warning) tell(sentence);
  };
  options.workers = page.workers;
  // Every job is looked at afterwards.
  options.keepDoneFor = std::chrono::microseconds{0};
  options.keepDoneCount = 0;
  return options;
}

/// Submits so many jobs, the first with this number, and waits for all.
void runJobs(JobDirector& director, const StepPage& page, std::uint64_t first) {
  std::vector<BenchSteps> jobs(page.jobsAtOnce);
  for (std::uint32_t i = 0; i < page.jobsAtOnce; ++i) {
    jobs[i].job = first + i;
    jobs[i].steps = page.steps;
  }
  const std::uint64_t sum = std::uint64_t{page.steps} * (page.steps - 1) / 2;
  for (const Submission& submission : director.submitAll(std::span<const BenchSteps>(jobs))) {
    if (!submission.isAccepted()) throw BenchFailure("a job was not accepted: " + submission.why);
    const auto status = director.wait(submission.id, patience);
    if (!status || !status->isSucceeded())
      throw BenchFailure("a job of several steps did not succeed: " + (status ? status->failureMessage : "it is gone"));
    if (status->resultAs<std::uint64_t>() != sum) throw BenchFailure("a job got other results of its steps");
  }
}

}  // namespace

StepRun::StepRun(StepPage& page) : page_(page) {
  page.isReady.store(true);
  while (page.goAt.load() == 0) nap(std::chrono::microseconds{50});
  processorBefore_ = processorNanos();
}

bool StepRun::isOver() const {
  return benchNanos() >= page_.goAt.load() + page_.runNanos;
}

void StepRun::finish(std::uint64_t jobs) {
  const std::int64_t now = benchNanos();
  page_.processorNanos.store(processorNanos() - processorBefore_);
  page_.jobs.store(jobs);
  page_.doneAt.store(now);
  while (!page_.isOver.load()) nap(std::chrono::milliseconds{5});
}

void runStepDirector(const std::string& directory) {
  const SharedPage<StepPage> page{FileDescriptor(sharedPageDescriptor)};
  BenchStep::page = &*page;
  JobDirector director(JobDirectorID(benchStoreID), directory, JobDirectorMode::principal(), stepTypes(),
                       stepOptions(*page));
  director.start();
  StepRun run(*page);
  std::uint64_t jobs = 0;
  do {
    runJobs(director, *page, jobs);
    jobs += page->jobsAtOnce;
  } while (!run.isOver() && (jobs + page->jobsAtOnce) * page->steps <= stepsMax);
  run.finish(jobs);
  // The page goes after the director, which has nothing to run by now.
  director.stop();
}

}  // namespace v1
}  // namespace callsheet
