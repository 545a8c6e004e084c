#pragma once
#include <array>
#include <string>
#include <vector>

#include "callsheet/waiting_jobs.h"
#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// What a director may claim at once. Kinds share workers: some those of the director itself, some have workers of
/// their own because they mostly wait for others, and transfers have places of theirs. Of each share it is known
/// whether there may be something to be had. Not thread-safe.
class ClaimShares {
 public:
  /// Of all the kinds that can be run.
  ClaimShares(const std::vector<std::string>& kinds, unsigned workers, const WaitingJobs& waiting, unsigned transfers);

  /// How many of each share are taken.
  struct Taken {
    std::size_t workers = 0;
    std::size_t waiting = 0;
    std::size_t transfers = 0;
  };
  /// There may be something of every kind.
  void awaken();
  [[nodiscard]] bool isAwake() const;
  /// Fills in what a claim asks for: all kinds with room of which there may be something, and no more jobs than the
  /// least of their rooms, because each may be of that share. False: nothing.
  [[nodiscard]] bool fill(Claim& claim, const Taken& taken);
  /// The claim is on its way: what it asked for is not known to be there any more.
  void wasSent();
  /// It left some.
  void isMore();

 private:
  struct Share {
    std::vector<std::string> kinds;
    unsigned workers = 0;
    bool isAwake = false;  ///< there may be something
    bool isAsked = false;  ///< the claim is for these too
  };
  Share own_;
  Share waiting_;
  Share transfers_;
  const std::array<Share*, 3> all_{&own_, &waiting_, &transfers_};
};

}  // namespace v1
}  // namespace callsheet
