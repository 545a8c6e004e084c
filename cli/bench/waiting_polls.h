#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// What a principal pays for a thousand suspended long-polls: memory, wake-ups and processor time while nothing
/// happens, beside those of the same process before they came. Measured once, in the first repetition. In the end a
/// thousand tasks are made, and each of them feeds one.
class WaitingPolls final : public Measurement {
 public:
  WaitingPolls(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "waiting"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  /// What one look at the principal found.
  struct Quiet {
    double wakeUps = 0;          // a second
    double processorMicros = 0;  // a second
    double residentMiB = 0;
    double privateMiB = 0;
  };
  [[nodiscard]] Quiet watch(pid_t pid) const;

  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<Quiet> without_;
  std::vector<Quiet> with_;
  std::vector<double> fedMillis_;
};

}  // namespace v1
}  // namespace callsheet
