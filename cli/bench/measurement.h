#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/bench_report.h"

namespace callsheet {
inline namespace v1 {

/// How long and how often is measured.
struct BenchSettings {
  double seconds = 2;  ///< of each throughput run
  unsigned repetitions = 5;
  unsigned pickUps = 300;  ///< a repetition
  unsigned kills = 100;    ///< of all repetitions together
  double idleSeconds = 10;
  unsigned outputMiB = 1024;  ///< that a command prints
};

/// A fresh directory below a given one for everything that the bench writes; removed with the object.
class BenchDirectory {
 public:
  explicit BenchDirectory(const std::string& parent);
  ~BenchDirectory();
  BenchDirectory(const BenchDirectory&) = delete;
  BenchDirectory& operator=(const BenchDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Empty; what an earlier call gave is removed.
  [[nodiscard]] std::string makeFresh() const;

 private:
  std::string path_;
};

/// Some rows of the bench that are measured together: once a repetition, then reported. Lives on the main thread.
class Measurement {
 public:
  virtual ~Measurement() = default;
  /// What `--only` calls it.
  [[nodiscard]] virtual std::string group() const = 0;
  /// Throws BenchFailure when a check fails.
  virtual void measure(unsigned repetition) = 0;
  virtual void report(BenchReport& report) const = 0;
};

}  // namespace v1
}  // namespace callsheet
