#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// One process's end of a queue under load: a pair's submitter or its worker. What the bare loop and the store have in
/// common. Single-threaded.
class LoadClient {
 public:
  virtual ~LoadClient() = default;
  /// The submitter's: makes jobs durable that carry the numbers from `first` on, in one commit.
  virtual void submit(std::uint64_t first, std::uint32_t count) = 0;
  /// The worker's: completes all that the last call gave and claims up to `max`, in one commit. `numbers` becomes what
  /// the new jobs carry; empty when none is ready.
  virtual void completeAndClaim(std::uint32_t max, std::vector<std::uint64_t>& numbers) = 0;
  /// The worker's: returns when something may be ready, a second later at the latest.
  virtual void waitForWork() = 0;
};

inline constexpr unsigned loadPairsMax = 64;
inline constexpr std::uint64_t loadJobsMax = std::uint64_t{4} << 20;
/// What every job carries, in bytes, its number included.
inline constexpr std::size_t loadPayloadBytes = 256;

/// What the processes of one run share.
struct LoadPage {
  // Set before the children begin.
  std::uint32_t pairs = 1;
  std::uint32_t batch = 1;
  std::uint64_t window = 2000;          ///< jobs of a pair that may be submitted and not completed yet
  std::uint64_t jobsMax = loadJobsMax;  ///< of a pair
  std::int64_t runNanos = 0;

  std::atomic<std::uint32_t> ready{0};
  std::atomic<std::int64_t> goAt{0};    ///< benchNanos(); 0: not yet
  std::atomic<std::uint64_t> wrong{0};  ///< jobs that came twice, or that nobody submitted
  std::atomic<std::int64_t> longestSubmitNanos{0};
  std::atomic<std::int64_t> lastDoneAt{0};
  std::atomic<std::int64_t> processorNanos{0};  ///< user and system time of all since they went

  struct alignas(64) Pair {
    std::atomic<std::uint64_t> submitted{0};
    std::atomic<std::uint64_t> completed{0};
    std::atomic<std::uint64_t> target{std::numeric_limits<std::uint64_t>::max()};  ///< set before the last submit
    alignas(64) std::atomic<std::uint32_t> bell{0};  ///< the bare loop's: counts commits of the submitter
    std::atomic<std::uint32_t> sleepers{0};
  };
  std::array<Pair, loadPairsMax> pair;
  std::array<std::atomic<std::uint8_t>, loadJobsMax> seen;

  /// The first number of a pair's jobs.
  [[nodiscard]] std::uint64_t firstOf(unsigned index) const { return index * jobsMax; }
};

/// The submitter's process: submits as fast as the window allows until the time is over.
void runLoadSubmitter(LoadPage& page, unsigned pair, LoadClient& client);
/// The worker's process: takes and completes until everything that was submitted is done.
void runLoadWorker(LoadPage& page, unsigned pair, LoadClient& client);

/// What one run came to.
struct LoadResult {
  double jobsPerSecond = 0;
  double longestSubmitMillis = 0;
  double processorMicrosPerJob = 0;
  std::uint64_t jobs = 0;
  double flushesPerJob = -1;  ///< -1: the kernel does not tell
  double writesPerJob = -1;
  double kibPerJob = -1;
};
struct LoadShape {
  std::uint32_t pairs = 1;
  std::uint32_t batch = 1;
  double seconds = 1;
};
/// Runs `pairs` submitters and as many workers in the roles `ROLE-submit` and `ROLE-work` over a directory. Throws
/// BenchFailure unless every job came once and was completed once.
[[nodiscard]] LoadResult runLoad(const std::string& role, const std::string& directory, const LoadShape& shape);

}  // namespace v1
}  // namespace callsheet
