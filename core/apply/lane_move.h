#pragma once
#include <array>
#include <optional>

#include "core/apply/application.h"

namespace callsheet {
inline namespace v1 {

/// Steps from place to place of a kind: `from` becomes where the next one of another owner or queue may stand behind
/// what was found. False at the end of all.
[[nodiscard]] bool advance(ReadyKey& from, const ReadyKey& found, const std::string& kind);

/// One job's row on its way from one place to another. To be made before the row is written; `settle` behind it.
class Application::LaneMove {
 public:
  /// `before` is null for a new job.
  LaneMove(Application& application, const JobFacts* before, const JobRow& after);
  void settle();

 private:
  /// A lane that the job is in or comes into, as it was before the row is written.
  struct Lane {
    std::uint64_t lane = 0;
    bool wasOpen = false;
    int difference = 0;                                  ///< of its count
    std::array<std::optional<IncarnationID>, 2> owners;  ///< in whose queues its first job may be another afterwards
    std::array<std::optional<OpenLaneKey>, 2> heads;     ///< what it was before, one for each of them
  };
  void add(std::uint64_t lane, const JobFacts& facts, int sign);
  void settle(const Lane& lane);

  Application& application_;
  const JobRow& row_;
  std::array<Lane, 2> lanes_;
  int count_ = 0;
};

}  // namespace v1
}  // namespace callsheet
