#include "director/checked_options.h"

#include <algorithm>
#include <string>
#include <thread>

#include "principal/sweeps.h"

namespace callsheet {
inline namespace v1 {

namespace {
using std::chrono::milliseconds;

// A director shows a sign of life with every tick; with less than four in a lease one that works could be fenced.
constexpr milliseconds leaseMin = 4 * Sweeps::period;
// An ordinary commit on a slow disk must not look like a stopped writer.
constexpr milliseconds writerLimitMin{1000};

std::string millis(milliseconds duration) {
  return std::to_string(duration.count()) + " ms";
}
}  // namespace

JobDirectorOptions checked(JobDirectorOptions options) {
  if (options.lease < leaseMin)
    throw Error(ErrorKind::usage, "a lease of " + millis(options.lease) + " would fence directors that work; give it " +
                                      millis(leaseMin) + " or more");
  if (options.writerLimit < writerLimitMin)
    throw Error(ErrorKind::usage, "a writer limit of " + millis(options.writerLimit) +
                                      " would end processes that only wait for the disk; give it " +
                                      millis(writerLimitMin) + " or more");
  if (options.transferGrace < milliseconds::zero())
    throw Error(ErrorKind::usage, "a transfer's grace of " + millis(options.transferGrace) + " is negative");
  if (options.transfers == 0) throw Error(ErrorKind::usage, "a director needs room for one transfer at least");
  if (options.workers == 0) options.workers = std::max(1u, std::thread::hardware_concurrency());
  return options;
}

}  // namespace v1
}  // namespace callsheet
