#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/rows.h"

namespace callsheet {
inline namespace v1 {

/// What there is to be had over the API, for who has many waiting and asks before he claims for them.
struct Claimable {
  std::vector<std::size_t> counts;  ///< for each kind that was asked for, what a claim could get now
  std::int64_t nextDueAt = never;   ///< UTC us: when more may come without anybody's doing; in the past: promote first
};

/// Of the principal's queue; each count up to `limit`. Kinds that are not defined as remote have none.
[[nodiscard]] Claimable claimableRemotely(Rows& rows, const Moment& now, const std::vector<std::string>& kinds,
                                          std::size_t limit);

}  // namespace v1
}  // namespace callsheet
