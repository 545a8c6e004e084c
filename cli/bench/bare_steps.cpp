// The yardstick of durable steps: the least that LMDB can be asked for to keep as many results in as many commits.
#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/bare_lmdb.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/shared_page.h"
#include "cli/bench/step_run.h"
#include "store/keys.h"
#include "store/record.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// What is put of a job, one after the other: its row when it is submitted, its row when it is claimed, the results of
/// its steps, its row when it is done. No states, fencing, counts, log or checks.
class BareSteps {
 public:
  BareSteps(const std::string& directory, const StepPage& page)
      : page_(page),
        environment_(directory, "jobs", "steps"),
        putsOfJob_(page.recordsOfJob + rowPuts),
        commitsBefore_(commits()) {
    ids_.reserve(page.jobsToDo);
    for (std::uint64_t i = 0; i < page.jobsToDo; ++i) ids_.push_back(makeJobID());
    const std::uint32_t longest = *std::max_element(page.recordBytes.begin(), page.recordBytes.end());
    bytes_.assign(std::max<std::size_t>(longest, rowBytesMin), 'x');
  }

  /// Spreads the puts evenly over the commits.
  void run() {
    const std::uint64_t puts = page_.jobsToDo * putsOfJob_;
    std::uint64_t next = 0;
    for (std::uint64_t commit = 1; commit <= page_.commitsToDo; ++commit) {
      const std::uint64_t end = puts * commit / page_.commitsToDo;
      BareTransaction txn(environment_, 0);
      if (next == end) putRow(txn, std::min(next / putsOfJob_, page_.jobsToDo - 1));  // an empty one flushes nothing
      for (; next < end; ++next) putNext(txn, next);
      txn.commit();
    }
  }

  void requireAllStored() const {
    if (commits() - commitsBefore_ != page_.commitsToDo)
      throw BenchFailure("the bare loop made other commits than it was to");
    const BareTransaction txn(environment_, MDB_RDONLY);
    MDB_stat stored{};
    requireLmdb(mdb_stat(txn, environment_.second(), &stored), "count");
    if (stored.ms_entries != page_.jobsToDo * page_.recordsOfJob)
      throw BenchFailure("the bare loop stored other steps than it was to");
  }

 private:
  static constexpr std::uint32_t rowPuts = 3;

  /// Of this environment, ever.
  [[nodiscard]] std::uint64_t commits() const {
    MDB_envinfo info{};
    requireLmdb(mdb_env_info(environment_, &info), "count");
    return info.me_last_txnid;
  }
  void putNext(MDB_txn* txn, std::uint64_t put) {
    const std::uint64_t job = put / putsOfJob_;
    const std::uint64_t part = put % putsOfJob_;
    if (part < rowPuts - 1 || part == putsOfJob_ - 1) return putRow(txn, job);
    Fingerprint step;
    std::generate(step.value.bytes.begin(), step.value.bytes.end(),
                  [this] { return static_cast<std::uint8_t>(random_()); });
    const std::uint32_t size = page_.recordBytes[part - (rowPuts - 1)];
    putBare(txn, environment_.second(), keys::memoKey(ids_[job], step).view(),
            std::string_view(bytes_).substr(0, size));
  }
  void putRow(MDB_txn* txn, std::uint64_t job) {
    putBare(txn, environment_.first(), keys::jobKey(ids_[job], keys::JobPart::row).view(),
            std::string_view(bytes_).substr(0, rowBytesMin));
  }

  const StepPage& page_;
  BareEnvironment environment_;
  const std::uint64_t putsOfJob_;
  const std::uint64_t commitsBefore_;
  std::vector<JobID> ids_;
  std::string bytes_;
  std::minstd_rand random_;
};

}  // namespace

void runBareSteps(const std::string& directory) {
  const SharedPage<StepPage> page{FileDescriptor(sharedPageDescriptor)};
  BareSteps steps(directory, *page);
  StepRun run(*page);
  steps.run();
  run.finish(page->jobsToDo);
  steps.requireAllStored();
}

}  // namespace v1
}  // namespace callsheet
