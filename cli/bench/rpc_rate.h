#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// What cycles of create, poll, start and success over the API came to in one run.
struct RpcRun {
  double cyclesPerSecond = 0;
  double commits = 0;       ///< a cycle, as all that follows
  double flushes = -1;      ///< of the whole disk; -1: the kernel does not tell
  double serverMicros = 0;  ///< processor time of the principal
  double clientMicros = 0;  ///< and of the bench, which is the client
};
/// Runs them over so many connections against a `callsheet principal` of its own, and checks that each task was handed
/// out once and done once.
[[nodiscard]] RpcRun runRpc(const BenchDirectory& directory, std::size_t connections, std::size_t batch,
                            double seconds);

/// Tasks per second over the API's Unix socket, by connections, singly and in batches.
class RpcRate final : public Measurement {
 public:
  RpcRate(const BenchSettings& settings, const BenchDirectory& directory)
      : settings_(settings), directory_(directory) {}

  [[nodiscard]] std::string group() const override { return "rpc"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  struct Shape {
    std::size_t connections = 1;
    std::size_t batch = 1;
    std::vector<RpcRun> runs;
  };
  static void report(BenchReport& report, const std::string& group, const Shape& shape);

  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<Shape> shapes_{{1, 1, {}}, {8, 1, {}}, {64, 1, {}}, {1, 50, {}}, {8, 50, {}}, {64, 50, {}}};
};

/// "1 connection", "8 connections".
[[nodiscard]] std::string connectionsText(std::size_t connections);

}  // namespace v1
}  // namespace callsheet
