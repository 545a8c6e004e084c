#include "cli/bench/load_measurement.h"

#include <fmt/format.h>

#include "callsheet/errors.h"
#include "cli/bench/bare_loop.h"
#include "cli/bench/shared_page.h"
#include "cli/bench/store_loop.h"

namespace callsheet {
inline namespace v1 {

void LoadMeasurement::runRole(const std::string& role, const std::string& directory, unsigned pair) {
  const SharedPage<LoadPage> page{FileDescriptor(sharedPageDescriptor)};
  if (pair >= page->pairs) throw Error(ErrorKind::usage, "there is no such pair");
  if (role == "bare-submit")
    runLoadSubmitter(*page, pair, *makeBareClient(directory, *page, pair));
  else if (role == "bare-work")
    runLoadWorker(*page, pair, *makeBareClient(directory, *page, pair));
  else if (role == "store-submit")
    runLoadSubmitter(*page, pair, *makeStoreSubmitter(directory, pair));
  else if (role == "store-work")
    runLoadWorker(*page, pair, *makeStoreWorker(directory, pair));
  else
    throw Error(ErrorKind::usage, "the bench has no role '" + role + "'");
}

void LoadMeasurement::measure(unsigned repetition) {
  // Now the one first, now the other: what the machine does besides changes slowly and then favours neither.
  if (repetition % 2 == 0) {
    measureBare();
    measureStore();
  } else {
    measureStore();
    measureBare();
  }
}

void LoadMeasurement::measureBare() {
  bare_.push_back(runLoad("bare", directory_.makeFresh(), {plan_.pairs, plan_.batch, settings_.seconds}));
}

void LoadMeasurement::measureStore() {
  const std::string place = directory_.makeFresh();
  makeBenchStore(place);
  store_.push_back(runLoad("store", place, {plan_.pairs, plan_.batch, settings_.seconds}));
  requireAllSucceeded(place, store_.back().jobs);
}

void LoadMeasurement::reportSide(BenchReport& report, const std::string& name,
                                 const std::vector<LoadResult>& results) const {
  std::vector<double> rates;
  std::vector<double> flushes;
  std::vector<double> writes;
  std::vector<double> processor;
  std::vector<double> kib;
  std::vector<double> longest;
  for (const LoadResult& result : results) {
    rates.push_back(result.jobsPerSecond);
    longest.push_back(result.longestSubmitMillis);
    processor.push_back(result.processorMicrosPerJob);
    if (result.flushesPerJob >= 0) flushes.push_back(result.flushesPerJob);
    if (result.writesPerJob >= 0) writes.push_back(result.writesPerJob);
    if (result.kibPerJob >= 0) kib.push_back(result.kibPerJob);
  }
  const std::string what = fmt::format("{}, {}", name, plan_.words);
  report.add(group(), what, "jobs/s", rates);
  if (plan_.pairs > 1) report.add(group(), name + ", longest wait of a submit", "ms", longest);
  report.add(group(), name + ", processor time of all processes", "us/job", processor);
  report.add(group(), name + ", flushes of the disk", "/job", flushes);
  report.add(group(), name + ", writes of the disk", "/job", writes);
  report.add(group(), name + ", written to the disk", "KiB/job", kib);
}

void LoadMeasurement::report(BenchReport& report) const {
  reportSide(report, "bare LMDB loop", bare_);
  reportSide(report, "store", store_);
  std::vector<double> shares;
  for (std::size_t i = 0; i < store_.size(); ++i) shares.push_back(store_[i].jobsPerSecond / bare_[i].jobsPerSecond);
  std::optional<BenchAim> aim;
  if (plan_.shareAim > 0) aim = BenchAim{plan_.shareAim, true, {}};
  report.add(group(), "store / bare loop of the same repetition", "ratio", shares, aim);
}

}  // namespace v1
}  // namespace callsheet
