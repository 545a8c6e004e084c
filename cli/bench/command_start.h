#pragma once
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// How soon a command begins, and how many are run in a second: over the store, by `callsheet add`, and beside it
/// other programs that run commands in the background, where they are installed. The floor is a shell that the bench
/// starts itself.
class CommandStart final : public Measurement {
 public:
  CommandStart(const BenchSettings& settings, const BenchDirectory& directory);

  [[nodiscard]] std::string group() const override { return "start"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  using Samples = std::vector<std::vector<double>>;  ///< by repetition
  /// Another program that runs commands: one call a command.
  struct Peer {
    std::string program;
    std::string path;  ///< empty: it is not installed
    std::string words;
    Samples micros{};
    std::vector<double> perSecond{};
  };
  void measureShim(const std::string& place);
  void measureStore(const std::string& place);
  void measurePeer(Peer& peer);

  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<Peer> peers_;
  Samples bareMicros_;
  Samples lockMicros_;
  Samples shimMicros_;
  std::vector<double> shimMiB_;
  Samples storeMicros_;
  Samples addMicros_;
  std::vector<double> storePerSecond_;
  std::vector<double> addPerSecond_;
};

}  // namespace v1
}  // namespace callsheet
