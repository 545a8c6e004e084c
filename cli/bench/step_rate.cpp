#include "cli/bench/step_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/machine.h"
#include "cli/bench/store_loop.h"
#include "director/store_access.h"
#include "store/keys.h"
#include "store/record.h"

namespace callsheet {
inline namespace v1 {

/// What a director did, for the bare loop to do again.
struct StepRate::Work {
  std::uint64_t jobs = 0;
  std::uint64_t commits = 0;
  std::vector<std::uint32_t> recordBytes;  // of a job's steps
};

/// What a role's process, the disk and the store below it did in one run, or in several together.
struct StepRate::Figures {
  double steps = 0;
  double seconds = 0;
  double processorMicros = 0;
  std::optional<double> kib = 0;
  double commits = 0;

  Figures& operator+=(const Figures& others) {
    steps += others.steps;
    seconds += others.seconds;
    processorMicros += others.processorMicros;
    kib = kib && others.kib ? std::optional(*kib + *others.kib) : std::nullopt;
    commits += others.commits;
    return *this;
  }
};

namespace {

constexpr std::chrono::seconds startPatience{30};
constexpr std::chrono::seconds endPatience{60};
constexpr std::size_t jobsOfPage = 1000;

/// A disk may go ten times as fast in one second as in the next, so bare loop and store take turns within a repetition.
constexpr int turns = 4;

void requireEachOnce(const StepPage& page) {
  const std::uint64_t steps = page.jobs.load() * page.steps;
  const auto ran =
      static_cast<std::uint64_t>(std::count_if(page.ran.begin(), page.ran.begin() + static_cast<std::ptrdiff_t>(steps),
                                               [](const auto& count) { return count.load() == 1; }));
  if (ran != steps || page.wrong.load() != 0)
    throw BenchFailure(fmt::format("{} of {} steps ran once, {} ran that must not", ran, steps, page.wrong.load()));
}

/// The bytes of what the store keeps of a job's steps, with the values that are gone since the job is done.
std::vector<std::uint32_t> recordBytesOf(LmdbJobStore& store, JobID job) {
  std::vector<std::uint32_t> sizes;
  std::string bytes;
  for (MemoRow& memo : store.memos(job, {}, stepsOfJobMax + 1)) {
    memo.value.assign(memo.valueBytes, 'x');
    encodeRecord(RecordType::memo, keys::memoKey(job, memo.id).view(), memo, bytes);
    sizes.push_back(static_cast<std::uint32_t>(bytes.size()));
  }
  return sizes;
}

/// Throws unless each job has so many results of steps, those of its own and the batch's.
void requireSteps(LmdbJobStore& store, std::uint64_t jobs, std::uint32_t records) {
  std::uint64_t seen = 0;
  std::string next;
  do {
    const JobPage page = store.list({}, next, jobsOfPage);
    for (const JobView& job : page.jobs)
      if (job.row.memoCount != records)
        throw BenchFailure(fmt::format("a job remembers {} steps and not {}", job.row.memoCount, records));
    seen += page.jobs.size();
    next = page.next;
  } while (!next.empty());
  if (seen != jobs) throw BenchFailure(fmt::format("the store lists {} jobs and not {}", seen, jobs));
}

}  // namespace

const std::vector<StepRate::Shape>& StepRate::shapes() {
  // One worker alone makes each step a commit of its own; many let the steps of several jobs share one.
  static const std::vector<Shape> all{{"1 step a job", 1, 1, 1, 0},
                                      {"10 steps a job", 10, 1, 1, 0},
                                      {"100 steps a job", 100, 1, 1, 0.5},
                                      {"100 jobs of 10 steps at once", 10, 100, 16, 0.5}};
  return all;
}

/// `sequence` counts the commits.
StepRate::Figures StepRate::runRole(const char* role, const std::string& place, const SharedPage<StepPage>& page,
                                    const std::function<std::uint64_t()>& sequence) const {
  std::vector<BenchChild> children;
  children.push_back(BenchChild::startRole(role, place, 0, page.descriptor()));
  awaitCondition("the process of the steps", startPatience, children, [&] { return page->isReady.load(); });
  const DiskMeter meter(place);
  const auto before = meter.read();
  const std::uint64_t commitsBefore = sequence();
  page->goAt.store(benchNanos());
  const auto patience = 10 * std::chrono::seconds{static_cast<int>(settings_.seconds)} + endPatience;
  awaitCondition("the last step", patience, children, [&] { return page->doneAt.load() != 0; });
  Figures figures;
  figures.commits = static_cast<double>(sequence() - commitsBefore);
  const auto after = meter.read();
  page->isOver.store(true);
  children.front().requireSuccess(endPatience);
  figures.steps = static_cast<double>(page->jobs.load() * page->steps);
  figures.seconds = static_cast<double>(page->doneAt.load() - page->goAt.load()) / 1e9;
  figures.processorMicros = static_cast<double>(page->processorNanos.load()) / 1e3;
  figures.kib = std::nullopt;
  if (before && after) figures.kib = static_cast<double>(after->bytesWritten - before->bytesWritten) / 1024;
  return figures;
}

void StepRate::measure(unsigned) {
  for (std::size_t i = 0; i < shapes().size(); ++i) {
    Figures store;
    Figures bare;
    for (int turn = 0; turn < turns; ++turn) {
      Work work;
      store += runStore(shapes()[i], work);
      bare += runBare(shapes()[i], work);
    }
    addTo(results_[i].store, store);
    addTo(results_[i].bare, bare);
  }
}

StepRate::Figures StepRate::runStore(const Shape& shape, Work& work) const {
  const std::string place = directory_.makeFresh();
  makeBenchStore(place);
  const SharedPage<StepPage> page;
  page->steps = shape.steps;
  page->jobsAtOnce = shape.jobsAtOnce;
  page->workers = shape.workers;
  page->runNanos = nanosOf(settings_.seconds / turns);
  Figures figures;
  {
    const auto access = StoreAccess::open(place, benchStoreID, {});
    LmdbJobStore& store = access->store();
    figures = runRole(directorRole, place, page, [&] { return store.sequence(); });
    requireEachOnce(*page);
    work.jobs = page->jobs.load();
    work.commits = static_cast<std::uint64_t>(figures.commits);
    work.recordBytes = recordBytesOf(store, store.list({}, {}, 1).jobs.at(0).row.id);
    requireSteps(store, work.jobs, shape.steps + 1);
  }
  requireAllSucceeded(place, work.jobs);
  return figures;
}

StepRate::Figures StepRate::runBare(const Shape& shape, const Work& work) const {
  const SharedPage<StepPage> page;
  page->steps = shape.steps;
  page->jobsToDo = work.jobs;
  page->commitsToDo = work.commits;
  page->recordsOfJob = static_cast<std::uint32_t>(work.recordBytes.size());
  std::copy(work.recordBytes.begin(), work.recordBytes.end(), page->recordBytes.begin());
  return runRole(bareRole, directory_.makeFresh(), page, [] { return 0; });
}

void StepRate::addTo(Side& side, const Figures& figures) {
  side.stepsPerSecond.push_back(figures.steps / figures.seconds);
  side.processorMicros.push_back(figures.processorMicros / figures.steps);
  if (figures.kib) side.kib.push_back(*figures.kib / figures.steps);
  side.commits.push_back(figures.commits / figures.steps);
}

void StepRate::report(BenchReport& report) const {
  for (std::size_t i = 0; i < shapes().size(); ++i) this->report(report, shapes()[i], results_[i]);
}

void StepRate::report(BenchReport& report, const Shape& shape, const Results& results) const {
  const auto addSide = [&](const std::string& name, const Side& side) {
    const std::string what = fmt::format("{}, {}", name, shape.words);
    report.add(group(), what, "steps/s", side.stepsPerSecond);
    if (shape.shareAim == 0) return;
    report.add(group(), what + ", processor time", "us/step", side.processorMicros);
    report.add(group(), what + ", written to the disk", "KiB/step", side.kib);
  };
  addSide("bare LMDB loop", results.bare);
  addSide("store", results.store);
  if (shape.shareAim > 0) report.add(group(), "commits of either, " + shape.words, "/step", results.store.commits);
  std::vector<double> shares;
  for (std::size_t i = 0; i < results.store.stepsPerSecond.size(); ++i)
    shares.push_back(results.store.stepsPerSecond[i] / results.bare.stepsPerSecond[i]);
  std::optional<BenchAim> aim;
  if (shape.shareAim > 0) aim = BenchAim{shape.shareAim, true, {}};
  report.add(group(), "store / bare loop, " + shape.words, "ratio", shares, aim);
}

}  // namespace v1
}  // namespace callsheet
