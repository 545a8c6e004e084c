#include "cli/bench/load.h"

#include <algorithm>

#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/machine.h"
#include "cli/bench/process_figures.h"
#include "cli/bench/shared_page.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::uint64_t windowOfAll = 2000;
constexpr std::chrono::seconds startPatience{30};

template <class Value>
void raise(std::atomic<Value>& highest, Value value) {
  Value seen = highest.load();
  while (value > seen && !highest.compare_exchange_weak(seen, value)) {
  }
}

/// Waits for the start; what the processors then spend on this process until the end of the object's life is added up.
class Work {
 public:
  explicit Work(LoadPage& page) : page_(page) {
    page.ready.fetch_add(1);
    while (page.goAt.load() == 0) nap(std::chrono::microseconds{50});
    began_ = processorNanos();
  }
  ~Work() { page_.processorNanos.fetch_add(processorNanos() - began_); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  LoadPage& page_;
  std::int64_t began_;
};

/// Every job is to come once, and to be one of the pair's own.
void countIn(LoadPage& page, unsigned pair, const std::vector<std::uint64_t>& numbers) {
  const std::uint64_t first = page.firstOf(pair);
  for (const std::uint64_t number : numbers) {
    const bool isOurs = number >= first && number < first + page.jobsMax;
    if (!isOurs || page.seen[number].fetch_add(1) != 0) page.wrong.fetch_add(1);
  }
}

void requireAllDone(const std::string& role, const LoadPage& page) {
  for (unsigned i = 0; i < page.pairs; ++i) {
    const auto& pair = page.pair[i];
    if (pair.submitted.load() != pair.completed.load())
      throw BenchFailure(role + ": " + std::to_string(pair.completed.load()) + " of " +
                         std::to_string(pair.submitted.load()) + " jobs were completed");
  }
  if (page.wrong.load() != 0)
    throw BenchFailure(role + ": " + std::to_string(page.wrong.load()) + " jobs came that must not");
}

}  // namespace

void runLoadSubmitter(LoadPage& page, unsigned pair, LoadClient& client) {
  auto& self = page.pair[pair];
  const std::uint64_t first = page.firstOf(pair);
  const Work work(page);
  const std::int64_t until = page.goAt.load() + page.runNanos;
  for (std::uint64_t sent = 0;;) {
    while (sent - self.completed.load() > page.window) nap(std::chrono::microseconds{50});
    const std::int64_t before = benchNanos();
    // The target is known before the last jobs come, so the worker's last wake-up finds it.
    const bool isLast = before >= until || sent + 2 * page.batch > page.jobsMax;
    if (isLast) self.target.store(sent + page.batch);
    client.submit(first + sent, page.batch);
    sent += page.batch;
    self.submitted.store(sent);
    raise(page.longestSubmitNanos, benchNanos() - before);
    if (isLast) return;
  }
}

void runLoadWorker(LoadPage& page, unsigned pair, LoadClient& client) {
  auto& self = page.pair[pair];
  std::vector<std::uint64_t> numbers;
  std::uint64_t received = 0;
  const Work work(page);
  while (self.completed.load() < self.target.load()) {
    const bool isCompleting = !numbers.empty();
    client.completeAndClaim(page.batch, numbers);
    self.completed.store(received);
    if (isCompleting) raise(page.lastDoneAt, benchNanos());
    countIn(page, pair, numbers);
    received += numbers.size();
    if (numbers.empty() && received < self.target.load()) client.waitForWork();
  }
}

LoadResult runLoad(const std::string& role, const std::string& directory, const LoadShape& shape) {
  const SharedPage<LoadPage> page;
  page->pairs = shape.pairs;
  page->batch = shape.batch;
  page->jobsMax = loadJobsMax / shape.pairs;
  page->window = std::max<std::uint64_t>(windowOfAll / shape.pairs, shape.batch);
  page->runNanos = nanosOf(shape.seconds);
  std::vector<BenchChild> children;
  for (const char* side : {"-work", "-submit"})
    for (unsigned i = 0; i < shape.pairs; ++i)
      children.push_back(BenchChild::startRole(role + side, directory, i, page.descriptor()));
  awaitCondition("the processes of " + role, startPatience, children,
                 [&] { return page->ready.load() == children.size(); });

  const DiskMeter meter(directory);
  const auto before = meter.read();
  const std::int64_t goAt = benchNanos();
  page->goAt.store(goAt);
  const auto patience = std::chrono::seconds{static_cast<int>(shape.seconds) + 60};
  for (BenchChild& child : children) child.requireSuccess(patience);
  const auto after = meter.read();
  requireAllDone(role, *page);

  LoadResult result;
  for (unsigned i = 0; i < shape.pairs; ++i) result.jobs += page->pair[i].completed.load();
  const auto jobs = static_cast<double>(result.jobs);
  result.jobsPerSecond = jobs / (static_cast<double>(page->lastDoneAt.load() - goAt) / 1e9);
  result.processorMicrosPerJob = static_cast<double>(page->processorNanos.load()) / 1e3 / jobs;
  result.longestSubmitMillis = static_cast<double>(page->longestSubmitNanos.load()) / 1e6;
  if (before && after) {
    result.flushesPerJob = static_cast<double>(after->flushes - before->flushes) / jobs;
    result.writesPerJob = static_cast<double>(after->writes - before->writes) / jobs;
    result.kibPerJob = static_cast<double>(after->bytesWritten - before->bytesWritten) / 1024 / jobs;
  }
  return result;
}

}  // namespace v1
}  // namespace callsheet
