#include "cli/bench/takeover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cereal/cereal.hpp>

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

constexpr std::uint32_t runningJobs = 2;
constexpr std::uint32_t readyJobs = 20;
constexpr std::uint32_t allJobs = runningJobs + readyJobs;
constexpr std::chrono::seconds patience{30};
constexpr double aimMillis = 10;

/// What a principal and one victim share.
struct Page {
  std::atomic<std::uint32_t> begun{0};  ///< by the victim
  std::atomic<bool> hasSubmitted{false};
  std::atomic<std::uint32_t> adopted{0};  ///< executed by the principal
  std::atomic<std::int64_t> firstAdoptedAt{0};
  std::atomic<std::int64_t> lastAdoptedAt{0};
  std::array<std::atomic<std::uint8_t>, allJobs> seen;
};

/// Holds its worker in the victim; is over at once in the principal.
struct AdoptedJob {
  std::uint32_t number = 0;
  // Jobs are made by the director, so what they all use cannot be given to each.
  static inline std::atomic<Page*> page = nullptr;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(number));
  }
  void execute(JobContext& context) const {
    const std::int64_t now = benchNanos();
    Page& shared = *page.load();
    if (!context.director().mode().isPrincipal()) {
      shared.begun.fetch_add(1);
      while (!context.isCanceled()) nap(std::chrono::milliseconds{50});
      context.throwIfCanceled();
    }
    std::int64_t first = 0;
    shared.firstAdoptedAt.compare_exchange_strong(first, now);
    if (number < allJobs) shared.seen[number].fetch_add(1);
    shared.lastAdoptedAt.store(now);
    shared.adopted.fetch_add(1);
  }
};

JobTypes adoptedTypes() {
  JobTypes types;
  types.add<AdoptedJob>("bench-adopted");
  return types;
}

JobDirectorOptions quietOptions() {
  JobDirectorOptions options;
  // That a director died is what is measured here, so only errors are said.
  options.log = [](LogLevel level, std::string_view sentence) {
    if (level >= LogLevel::error) tell(sentence);
  };
  options.workers = runningJobs;
  return options;
}

void requireEachOnce(const Page& page) {
  for (const auto& count : page.seen)
    if (count.load() != 1) throw BenchFailure(fmt::format("an adopted job was executed {} times", count.load()));
}

}  // namespace

void TakeoverLatency::runVictim(const std::string& directory) {
  const SharedPage<Page> page{FileDescriptor(sharedPageDescriptor)};
  AdoptedJob::page = &*page;
  JobDirector victim(JobDirectorID(benchStoreID), directory, JobDirectorMode::assistant("victim"), adoptedTypes(),
                     quietOptions());
  victim.start();
  std::vector<AdoptedJob> jobs(allJobs);
  for (std::uint32_t i = 0; i < allJobs; ++i) jobs[i].number = i;
  for (const Submission& submission : victim.submitAll(std::span<const AdoptedJob>(jobs)))
    if (!submission.isAccepted()) throw BenchFailure("a job was not accepted: " + submission.why);
  page->hasSubmitted.store(true);
  for (;;) nap(std::chrono::seconds{1});
}

void TakeoverLatency::measure(unsigned repetition) {
  // The kills are spread over the repetitions; the first ones take what does not divide.
  const unsigned kills =
      settings_.kills / settings_.repetitions + (repetition < settings_.kills % settings_.repetitions ? 1 : 0);
  const std::string place = directory_.makeFresh();
  std::vector<double> millis;
  std::vector<double> allMillis;
  {
    JobDirector principal(JobDirectorID(benchStoreID), place, JobDirectorMode::principal(), adoptedTypes(),
                          quietOptions());
    principal.start();
    for (unsigned i = 0; i < kills; ++i) {
      const SharedPage<Page> page;
      AdoptedJob::page = &*page;
      std::vector<BenchChild> children;
      children.push_back(BenchChild::startRole(role, place, 0, page.descriptor()));
      awaitCondition("the victim's jobs", patience, children,
                     [&] { return page->hasSubmitted.load() && page->begun.load() == runningJobs; });
      // At rest or not, the moment is to be any.
      nap(std::chrono::microseconds{5000 + i * 7919 % 10000});
      residentMiB_.push_back(memoryOf(children.front().pid()).residentMiB);
      const std::int64_t killedAt = benchNanos();
      children.front().kill();
      std::vector<BenchChild> none;
      awaitCondition("the adopted jobs", patience, none, [&] { return page->adopted.load() >= allJobs; });
      children.front().reap();
      millis.push_back(static_cast<double>(page->firstAdoptedAt.load() - killedAt) / 1e6);
      allMillis.push_back(static_cast<double>(page->lastAdoptedAt.load() - killedAt) / 1e6);
      requireEachOnce(*page);
    }
    // The page of the last victim goes after the director, whose jobs are done by now.
    principal.stop();
  }
  requireAllSucceeded(place, std::uint64_t{kills} * allJobs);
  millis_.push_back(std::move(millis));
  allMillis_.push_back(std::move(allMillis));
}

void TakeoverLatency::report(BenchReport& report) const {
  report.addPercentile(group(), "kill to first adopted job in execute, p50", "ms", 50, millis_);
  report.addPercentile(group(), "kill to first adopted job in execute, p99", "ms", 99, millis_,
                       BenchAim{aimMillis, false, "below 10"});
  report.addPercentile(group(), fmt::format("kill to last of {} jobs in execute, p50", allJobs), "ms", 50, allMillis_);
  report.add(group(), "the assistant's resident memory", "MiB", residentMiB_);
}

}  // namespace v1
}  // namespace callsheet
