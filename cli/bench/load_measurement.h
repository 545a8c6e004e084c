#pragma once
#include <string>
#include <utility>
#include <vector>

#include "cli/bench/load.h"
#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// submit -> claim -> succeed per second in one shape, of the bare loop and of the store, one just after the other.
class LoadMeasurement final : public Measurement {
 public:
  struct Plan {
    std::string group;
    std::string words;  ///< "1 + 1 processes, one by one"
    std::uint32_t pairs = 1;
    std::uint32_t batch = 1;
    double shareAim = 0;  ///< of the bare loop; 0: none
  };
  LoadMeasurement(Plan plan, const BenchSettings& settings, const BenchDirectory& directory)
      : plan_(std::move(plan)), settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return plan_.group; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

  /// A child's work, in the roles bare-submit, bare-work, store-submit and store-work.
  static void runRole(const std::string& role, const std::string& directory, unsigned pair);

 private:
  void measureBare();
  void measureStore();
  void reportSide(BenchReport& report, const std::string& name, const std::vector<LoadResult>& results) const;

  Plan plan_;
  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<LoadResult> bare_;
  std::vector<LoadResult> store_;
};

}  // namespace v1
}  // namespace callsheet
