#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// How soon a killed assistant's jobs run again: from before kill() to the first line of `execute` of the first adopted
/// job in the principal. The assistant is small and owns two running and twenty ready jobs.
class TakeoverLatency final : public Measurement {
 public:
  TakeoverLatency(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "takeover"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

  static constexpr const char* role = "takeover-victim";
  /// The assistant's process; ends by being killed.
  static void runVictim(const std::string& directory);

 private:
  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<std::vector<double>> millis_;
  std::vector<std::vector<double>> allMillis_;
  std::vector<double> residentMiB_;
};

}  // namespace v1
}  // namespace callsheet
