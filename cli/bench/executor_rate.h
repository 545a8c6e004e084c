#pragma once
#include <string>
#include <vector>

#include "cli/bench/load.h"
#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// Jobs per second of C++ executors, each a process of its own, that share the queue of a principal which runs nothing
/// itself but fills it by batches of 100; and the bare loop in such batches beside it.
class ExecutorRate final : public Measurement {
 public:
  ExecutorRate(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "executors"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

  static constexpr const char* role = "executor-work";
  /// An executor's process.
  static void runExecutor(const std::string& directory, unsigned number);

 private:
  struct Shape {
    unsigned executors = 1;
    std::vector<double> jobsPerSecond;
    std::vector<double> commits;  // a job
  };
  void measure(Shape& shape) const;

  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<LoadResult> bare_;
  std::vector<Shape> shapes_{{1, {}, {}}, {4, {}, {}}, {16, {}, {}}};
};

}  // namespace v1
}  // namespace callsheet
