#include "cli/bench/pick_up.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cereal/cereal.hpp>

#include "callsheet/job_director.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/shared_page.h"
#include "cli/bench/store_loop.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t jobsMax = 100'000;
constexpr std::chrono::microseconds spacingMin{4000};
constexpr std::chrono::seconds patience{30};
constexpr double aimMicros = 100;
constexpr const char* assistantName = "picker";

struct Page {
  std::atomic<bool> isRunning{false};
  std::atomic<bool> isOver{false};
  std::atomic<std::uint32_t> wrong{0};
  std::atomic<std::uint32_t> executed{0};
  std::array<std::atomic<std::int64_t>, jobsMax> executedAt;
};

/// Says when it ran.
struct PickUpJob {
  std::uint32_t number = 0;
  // Jobs are made by the director, so what they all use cannot be given to each.
  static inline Page* page = nullptr;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
  void execute(JobContext&) const {
    const std::int64_t now = benchNanos();
    if (number >= jobsMax || page->executedAt[number].exchange(now) != 0) page->wrong.fetch_add(1);
    page->executed.fetch_add(1);
  }
};

JobTypes pickUpTypes() {
  JobTypes types;
  types.add<PickUpJob>("bench-pickup");
  return types;
}

JobDirectorOptions quietOptions() {
  JobDirectorOptions options;
  options.log = [](LogLevel level, std::string_view sentence) {
    if (level >= LogLevel::warning) tell(sentence);
  };
  return options;
}

}  // namespace

void PickUpLatency::runWorker(const std::string& directory) {
  const SharedPage<Page> page{FileDescriptor(sharedPageDescriptor)};
  PickUpJob::page = &*page;
  JobDirector assistant(JobDirectorID(benchStoreID), directory, JobDirectorMode::assistant(assistantName),
                        pickUpTypes(), quietOptions());
  assistant.start();
  page->isRunning.store(true);
  while (!page->isOver.load()) nap(std::chrono::milliseconds{20});
}

void PickUpLatency::measure(unsigned) {
  const std::string place = directory_.makeFresh();
  const SharedPage<Page> page;
  const std::uint32_t jobs = std::min<std::uint32_t>(settings_.pickUps, jobsMax);
  std::vector<std::int64_t> submittedAt(jobs);
  std::vector<double> submitMicros;
  std::vector<double> pickUpMicros;
  {
    JobDirector principal(JobDirectorID(benchStoreID), place, JobDirectorMode::principal(), pickUpTypes(),
                          quietOptions());
    principal.start();
    std::vector<BenchChild> children;
    children.push_back(BenchChild::startRole(role, place, 0, page.descriptor()));
    awaitCondition("the assistant", patience, children, [&] { return page->isRunning.load(); });
    SubmitOptions options;
    options.to = assistantName;
    for (std::uint32_t i = 0; i < jobs; ++i) {
      throwIfInterrupted();
      // A little apart from the even beat, so that no timer keeps step.
      nap(spacingMin + std::chrono::microseconds{i * 7919 % 2000});
      const std::int64_t before = benchNanos();
      const Submission submission = principal.submit(PickUpJob{i}, options);
      submittedAt[i] = benchNanos();
      if (!submission.isAccepted()) throw BenchFailure("a job was not accepted: " + submission.why);
      submitMicros.push_back(static_cast<double>(submittedAt[i] - before) / 1e3);
    }
    awaitCondition("the last jobs", patience, children, [&] { return page->executed.load() >= jobs; });
    page->isOver.store(true);
    children.front().requireSuccess(patience);
  }
  if (page->wrong.load() != 0 || page->executed.load() != jobs) throw BenchFailure("jobs were executed more than once");
  for (std::uint32_t i = 0; i < jobs; ++i)
    pickUpMicros.push_back(static_cast<double>(page->executedAt[i].load() - submittedAt[i]) / 1e3);
  requireAllSucceeded(place, jobs);
  submitMicros_.push_back(std::move(submitMicros));
  pickUpMicros_.push_back(std::move(pickUpMicros));
}

void PickUpLatency::report(BenchReport& report) const {
  report.addPercentile(group(), "submit, p50 (one measured commit)", "us", 50, submitMicros_);
  report.addPercentile(group(), "submit, p99", "us", 99, submitMicros_);
  const double commitMicros = report.rows().at(report.rows().size() - 2).value;
  report.addPercentile(
      group(), "submit's return to execute, p50", "us", 50, pickUpMicros_,
      BenchAim{aimMicros + commitMicros, false, fmt::format("at most {:.0f} us + one commit", aimMicros)});
  report.addPercentile(group(), "submit's return to execute, p99", "us", 99, pickUpMicros_);
}

}  // namespace v1
}  // namespace callsheet
