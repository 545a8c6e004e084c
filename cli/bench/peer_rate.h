#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "cli/bench/measurement.h"

namespace callsheet {
inline namespace v1 {

/// What other job servers come to on the same disk with the same client, with each write flushed, and the API just
/// before or after. A server that is not installed is passed over, and the report says so.
class PeerRate final : public Measurement {
 public:
  PeerRate(const BenchSettings& settings, const BenchDirectory& directory);

  [[nodiscard]] std::string group() const override { return "peers"; }
  void measure(unsigned repetition) override;
  void report(BenchReport& report) const override;

 private:
  enum class Protocol { beanstalk, redis };
  struct Peer {
    Protocol protocol;
    std::string program;  ///< as it is called
    std::string path;     ///< where it was found; empty: not installed
    std::string words;    ///< what it is asked for
    /// One a repetition, by connections as `connections` has them.
    std::vector<std::vector<double>> cyclesPerSecond;
  };
  [[nodiscard]] double run(const Peer& peer, std::size_t connections) const;
  [[nodiscard]] bool hasPeer() const;

  const BenchSettings& settings_;
  const BenchDirectory& directory_;
  std::vector<Peer> peers_;
  std::vector<std::vector<double>> rpc_;
};

}  // namespace v1
}  // namespace callsheet
