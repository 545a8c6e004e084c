#pragma once
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// What the disk itself can do: 4 KiB written and flushed, again and again, by one thread.
class DiskRate final : public Measurement {
 public:
  DiskRate(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "disk"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  struct Series {
    std::vector<double> perSecond;
    std::vector<std::vector<double>> micros;
  };
  void measureOne(Series& series, bool isAppending) const;

  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  Series overwrite_;
  Series append_;
};

}  // namespace v1
}  // namespace callsheet
