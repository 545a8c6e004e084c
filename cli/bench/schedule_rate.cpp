#include "cli/bench/schedule_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "callsheet/limits.h"
#include "cli/bench/api_principal.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/store_loop.h"
#include "core/schedule_changes.h"
#include "director/store_access.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr unsigned usualCount = 10'000;
constexpr unsigned quickCount = 500;
constexpr std::int64_t alonePeriodMicros = 20'000;
constexpr std::int64_t aloneCount = 50;
constexpr std::int64_t leadMicros = 2'000'000;
constexpr std::size_t putAtOnce = 500;
constexpr std::chrono::seconds patience{120};
constexpr double lastAimMillis = 2'000;
constexpr double aloneAimMillis = 10;

std::int64_t utcNow() {
  return SystemClock().now().utcMicros;
}

PutSchedule scheduleAt(std::string name, Timing timing) {
  Schedule schedule;
  schedule.name = std::move(name);
  schedule.timing = std::move(timing);
  schedule.overlap = Overlap::allow;
  schedule.job.kind = "nobody-runs-it";
  schedule.job.body.parameters = "{}";
  return putOf({}, std::move(schedule), false, utcNow());
}

void putAll(JobStore& store, std::vector<Verb> verbs) {
  for (const AnyAnswer& answer : store.applyAll(std::move(verbs)))
    if (!isAccepted(baseOf(answer).verdict))
      throw BenchFailure(fmt::format("a schedule was not stored: {}", baseOf(answer).why));
}

void awaitJobs(JobStore& store, std::uint64_t count) {
  std::vector<BenchChild> none;
  awaitCondition(fmt::format("{} firings", count), patience, none, [&] { return store.totals().submitted >= count; });
}

/// How long after its instant each job was made, ms. Throws BenchFailure when an instant of a schedule came twice.
std::vector<double> latenessOf(JobStore& store) {
  std::vector<double> millis;
  std::set<std::pair<std::string, std::int64_t>> seen;
  std::string token;
  do {
    const JobPage page = store.list({}, token, limits::pageRowsMax);
    for (const JobView& job : page.jobs) {
      if (!seen.emplace(job.body.schedule, job.body.occurrence).second)
        throw BenchFailure("schedule " + job.body.schedule + " fired an instant twice");
      millis.push_back(static_cast<double>(job.row.createdAt - job.body.occurrence) / 1000);
    }
    token = page.next;
  } while (!token.empty());
  return millis;
}

void requireClean(LmdbJobStore& store) {
  if (store.check().problemCount > 0) throw BenchFailure("the store is not clean");
}

}  // namespace

ScheduleRate::ScheduleRate(const BenchSettings& settings, const BenchDirectory& directory)
    : together_(settings.seconds < BenchSettings{}.seconds ? quickCount : usualCount), directory_(directory) {}

void ScheduleRate::measure(unsigned) {
  {
    const ApiPrincipal principal(directory_.makeFresh());
    const auto access = StoreAccess::open(principal.directory(), benchStoreID, {});
    const std::int64_t begin = utcNow() + 200'000;
    putAll(
        access->store(),
        {scheduleAt("alone", IntervalTiming{begin, alonePeriodMicros, begin + alonePeriodMicros * (aloneCount + 1)})});
    awaitJobs(access->store(), aloneCount);
    aloneMillis_.push_back(latenessOf(access->store()));
    requireClean(access->store());
  }
  const ApiPrincipal principal(directory_.makeFresh());
  const auto access = StoreAccess::open(principal.directory(), benchStoreID, {});
  const std::int64_t at = utcNow() + leadMicros;
  std::vector<Verb> verbs;
  for (unsigned i = 0; i < together_; ++i) {
    verbs.emplace_back(scheduleAt("s" + std::to_string(i), OnceTiming{at + i % 1000 * 1000}));
    if (verbs.size() == putAtOnce || i + 1 == together_) putAll(access->store(), std::exchange(verbs, {}));
  }
  if (utcNow() > at) throw BenchFailure("the schedules were stored too slowly to be due together");
  awaitJobs(access->store(), together_);
  const auto millis = latenessOf(access->store());
  firstMillis_.push_back(*std::min_element(millis.begin(), millis.end()));
  lastMillis_.push_back(*std::max_element(millis.begin(), millis.end()));
  requireClean(access->store());
}

void ScheduleRate::report(BenchReport& report) const {
  report.addPercentile(group(), "a firing every 20 ms, from its instant to the write of its job, p50", "ms", 50,
                       aloneMillis_);
  report.addPercentile(group(), "a firing every 20 ms, from its instant to the write of its job, p99", "ms", 99,
                       aloneMillis_, BenchAim{aloneAimMillis, false, {}});
  const std::string together = fmt::format("{} schedules due within one second, the ", together_);
  report.add(group(), together + "soonest", "ms", firstMillis_);
  report.add(group(), together + "latest", "ms", lastMillis_, BenchAim{lastAimMillis, false, {}});
}

}  // namespace v1
}  // namespace callsheet
