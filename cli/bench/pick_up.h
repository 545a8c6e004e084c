#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// How soon a job runs at low load: from submit's return in one process, the principal, to the first line of `execute`
/// in another, an assistant. One job every five milliseconds.
class PickUpLatency final : public Measurement {
 public:
  PickUpLatency(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "pickup"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

  static constexpr const char* role = "pickup-work";
  /// The assistant's process.
  static void runWorker(const std::string& directory);

 private:
  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<std::vector<double>> submitMicros_;
  std::vector<std::vector<double>> pickUpMicros_;
};

}  // namespace v1
}  // namespace callsheet
