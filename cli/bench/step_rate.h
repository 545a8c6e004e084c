#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/bench/measurement.h"
#include "cli/bench/shared_page.h"
#include "cli/bench/step_run.h"

namespace callsheet {
inline namespace v1 {

/// Durable steps per second of jobs that consist of them, run by a principal; and beside it a bare loop that makes as
/// many commits and puts as the store then made. The bare loop comes second, because only the store tells how many.
class StepRate final : public Measurement {
 public:
  StepRate(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "steps"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

  static constexpr const char* directorRole = "steps-director";
  static constexpr const char* bareRole = "steps-bare";

 private:
  /// How the jobs are, and what came of them, one of each a repetition.
  struct Shape {
    std::string words;
    std::uint32_t steps;
    std::uint32_t jobsAtOnce;
    std::uint32_t workers;
    double shareAim;  ///< of the bare loop; 0: none, and only the rates are told
  };
  struct Side {
    std::vector<double> stepsPerSecond;
    std::vector<double> processorMicros;  // a step, as the next two
    std::vector<double> kib;
    std::vector<double> commits;
  };
  struct Results {
    Side bare;
    Side store;
  };
  struct Work;
  struct Figures;

  static const std::vector<Shape>& shapes();
  [[nodiscard]] Figures runStore(const Shape& shape, Work& work) const;
  [[nodiscard]] Figures runBare(const Shape& shape, const Work& work) const;
  [[nodiscard]] Figures runRole(const char* role, const std::string& place, const SharedPage<StepPage>& page,
                                const std::function<std::uint64_t()>& sequence) const;
  static void addTo(Side& side, const Figures& figures);
  void report(BenchReport& report, const Shape& shape, const Results& results) const;

  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<Results> results_ = std::vector<Results>(shapes().size());
};

}  // namespace v1
}  // namespace callsheet
