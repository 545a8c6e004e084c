#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// How soon a line that a command prints is with who follows it over HTTP, and what it costs in memory when a command
/// prints much more than that.
class CommandOutput final : public Measurement {
 public:
  CommandOutput(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "output"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

  static constexpr const char* role = "output-printer";
  /// A command that prints a line with its time about every millisecond, for so many milliseconds.
  static void runPrinter(unsigned milliseconds);

 private:
  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<std::vector<double>> lineMillis_;
  std::vector<double> mibPerSecond_;
  std::vector<double> principalGrowthMiB_;
};

}  // namespace v1
}  // namespace callsheet
