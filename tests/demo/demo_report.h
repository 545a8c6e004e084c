#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/job_store.h"
#include "tests/demo/compress_job.h"

namespace callsheet {
inline namespace v1 {

/// What the demo reads out of the store and its log at the end; nothing in it was counted on the way.
struct DemoReport {
  std::map<std::string, int> finishedBy;  ///< director's name -> jobs
  int done = 0;
  int missing = 0;
  int verified = 0;
  int acceptedTwice = 0;
  int adopted = 0;
  int adoptedRunning = 0;
  int transferred = 0;
  double adoptedAfterMs = -1;       ///< from the kill to the first of its jobs in the principal's queue
  double firstRunningAfterMs = -1;  ///< from the kill to the first of its jobs running again
  std::vector<double> workMs;       ///< processor time of the accepted attempts
  std::uint64_t bytes = 0;
  std::vector<std::string> wrong;  ///< the first few sentences
};

[[nodiscard]] DemoReport reportOf(JobStore& store, const std::vector<JobID>& jobs,
                                  const std::vector<std::vector<Segment>>& input, std::int64_t killedAt);

}  // namespace v1
}  // namespace callsheet
