#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// How soon a suspended long-poll hands out a task that another connection makes, at low load: one task every few
/// milliseconds. Beside it, a bare LMDB commit after each of them.
class LongPollLatency final : public Measurement {
 public:
  LongPollLatency(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "longpoll"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<std::vector<double>> commitMicros_;
  std::vector<std::vector<double>> createMicros_;
  std::vector<std::vector<double>> fromAnswerMicros_;
  std::vector<std::vector<double>> fromSendingMicros_;
};

}  // namespace v1
}  // namespace callsheet
