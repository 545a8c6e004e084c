#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/schedule/timing.h"

namespace callsheet {
inline namespace v1 {

/// What becomes of firings whose time nobody was there for, or that the clock was set beyond.
enum class MissedRuns : std::uint8_t {
  skip,  ///< nothing
  once,  ///< one run makes up for all of them; one that is punctual does so too
  all,   ///< each is run, the newest ones up to a limit
};

[[nodiscard]] std::string_view toString(MissedRuns missed);

struct FiringPolicy {
  MissedRuns missed = MissedRuns::once;
  std::uint32_t missedMax = 100;                  ///< of `all`
  std::int64_t startDeadlineMicros = 60'000'000;  ///< later than this it counts as missed
  friend bool operator==(const FiringPolicy&, const FiringPolicy&) = default;
};

/// What is to be done about a schedule now.
struct FiringPlan {
  std::vector<std::int64_t> fire;    ///< nominal instants, in order
  std::uint64_t passedOver = 0;      ///< missed, and not to be run
  bool isAtLeast = false;            ///< it was too many to count
  std::int64_t passedOverAt = 0;     ///< all that were missed lie before this
  std::int64_t cursor = 0;           ///< all up to this instant are dealt with by this plan
  std::optional<std::int64_t> next;  ///< the first firing behind it; nothing when there is none any more
  friend bool operator==(const FiringPlan&, const FiringPlan&) = default;
};

/// `cursor`: up to which instant all firings are dealt with already. At most `limit` punctual instants are in one plan:
/// then `next` is not later than `now`, and another plan goes on. The same arguments give the same plan.
[[nodiscard]] FiringPlan planFirings(const Timing& timing, const FiringPolicy& policy, std::int64_t cursor,
                                     std::int64_t now, std::size_t limit = 1000);

}  // namespace v1
}  // namespace callsheet
