#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// How late the jobs of schedules are made: of one that fires now and then, and of ten thousand that are due in one
/// second.
class ScheduleRate final : public Measurement {
 public:
  ScheduleRate(const BenchSettings& settings, const BenchDirectory& directory);

  [[nodiscard]] std::string group() const override { return "schedules"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  const unsigned together_;  ///< schedules that are due in one second
  const BenchDirectory& directory_;
  std::vector<std::vector<double>> aloneMillis_;
  std::vector<double> firstMillis_;
  std::vector<double> lastMillis_;
};

}  // namespace v1
}  // namespace callsheet
