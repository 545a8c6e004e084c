#include "jobs/claim_shares.h"

#include <algorithm>

#include "core/names.h"

namespace callsheet {
inline namespace v1 {

ClaimShares::ClaimShares(const std::vector<std::string>& kinds, unsigned workers, const WaitingJobs& waiting,
                         unsigned transfers)
    : own_{{}, workers}, waiting_{waiting.kinds, waiting.workers}, transfers_{{}, transfers} {
  for (const std::string& kind : kinds) {
    const bool isWaiting = std::find(waiting.kinds.begin(), waiting.kinds.end(), kind) != waiting.kinds.end();
    if (isTransferKind(kind))
      transfers_.kinds.push_back(kind);
    else if (!isWaiting)
      own_.kinds.push_back(kind);
  }
}

void ClaimShares::awaken() {
  for (Share* share : all_) share->isAwake = !share->kinds.empty();
}

bool ClaimShares::isAwake() const {
  return std::any_of(all_.begin(), all_.end(), [](const Share* share) { return share->isAwake; });
}

bool ClaimShares::fill(Claim& claim, const Taken& taken) {
  claim.max = 0;
  const auto add = [&](Share& share, std::size_t count) {
    const unsigned free = count >= share.workers ? 0 : share.workers - static_cast<unsigned>(count);
    share.isAsked = share.isAwake && free > 0;
    if (!share.isAsked) return;
    claim.max = claim.max == 0 ? free : std::min(claim.max, free);
    claim.kinds.insert(claim.kinds.end(), share.kinds.begin(), share.kinds.end());
  };
  add(own_, taken.workers);
  add(waiting_, taken.waiting);
  add(transfers_, taken.transfers);
  return claim.max > 0;
}

void ClaimShares::wasSent() {
  for (Share* share : all_) share->isAwake = share->isAwake && !share->isAsked;
}

void ClaimShares::isMore() {
  for (Share* share : all_) share->isAwake = share->isAwake || share->isAsked;
}

}  // namespace v1
}  // namespace callsheet
