#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// What the daemons cost while there is nothing to do: wake-ups a second and memory of `callsheet principal` and
/// `callsheet assistant`. Measured once, in the first repetition.
class IdleCost final : public Measurement {
 public:
  IdleCost(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "idle"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  struct Daemon {
    std::string name;
    std::vector<double> wakeUps;  // a second
    std::vector<double> residentMiB;
    std::vector<double> privateMiB;
  };
  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<Daemon> daemons_{{"principal", {}, {}, {}}, {"assistant", {}, {}, {}}};
};

}  // namespace v1
}  // namespace callsheet
