#include "core/schedule/firing_plan.h"

#include <algorithm>

namespace callsheet {
inline namespace v1 {

namespace {

// Of a schedule that fires each second, what some hours without a principal come to.
constexpr std::uint64_t countedMax = 10'000;
constexpr std::int64_t firstWindowMicros = 60'000'000;

/// The newest instants in (cursor, before), at most so many, in order. Looks back in windows that grow twofold, so that
/// it walks over about as many instants as are wanted, however long ago `cursor` is.
std::vector<std::int64_t> newestBetween(const Timing& timing, std::int64_t cursor, std::int64_t before,
                                        std::size_t wanted) {
  std::vector<std::int64_t> found;
  if (wanted == 0) return found;
  for (std::int64_t window = firstWindowMicros;; window *= 2) {
    const bool isAll = before - cursor <= window;
    const std::int64_t from = isAll ? cursor : before - window;
    found.clear();
    for (auto at = nextFiring(timing, from); at && *at < before; at = nextFiring(timing, *at)) found.push_back(*at);
    if (!isAll && found.size() < wanted) continue;
    if (found.size() > wanted) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(wanted));
    return found;
  }
}

/// How many instants there are in (cursor, before), counted up to countedMax.
std::uint64_t countBetween(const Timing& timing, std::int64_t cursor, std::int64_t before) {
  if (const auto* interval = std::get_if<IntervalTiming>(&timing)) {
    const auto first = nextFiring(timing, cursor);
    const std::int64_t end = std::min(before, interval->end);
    if (!first || *first >= end) return 0;
    return static_cast<std::uint64_t>((end - 1 - *first) / interval->intervalMicros) + 1;
  }
  std::uint64_t count = 0;
  for (auto at = nextFiring(timing, cursor); at && *at < before && count < countedMax; at = nextFiring(timing, *at))
    ++count;
  return count;
}

}  // namespace

FiringPlan planFirings(const Timing& timing, const FiringPolicy& policy, std::int64_t cursor, std::int64_t now,
                       std::size_t limit) {
  FiringPlan plan;
  plan.cursor = cursor;
  plan.next = nextFiring(timing, cursor);
  if (!plan.next || *plan.next > now) return plan;
  // What lies before this is missed.
  const std::int64_t punctualFrom = std::max(now - policy.startDeadlineMicros, cursor + 1);
  const auto punctual = nextFiring(timing, punctualFrom - 1);
  const bool hasPunctual = punctual && *punctual <= now;
  if (*plan.next < punctualFrom) {
    std::size_t wanted = 0;
    if (policy.missed == MissedRuns::once) wanted = hasPunctual ? 0 : 1;
    if (policy.missed == MissedRuns::all) wanted = policy.missedMax;
    plan.fire = newestBetween(timing, cursor, punctualFrom, wanted);
    const std::uint64_t missed = countBetween(timing, cursor, punctualFrom);
    plan.isAtLeast = missed == countedMax && !std::holds_alternative<IntervalTiming>(timing);
    plan.passedOver = missed - std::min<std::uint64_t>(missed, plan.fire.size());
    plan.cursor = punctualFrom - 1;
    plan.passedOverAt = plan.cursor;
  }
  plan.next = punctual;
  for (std::size_t taken = 0; plan.next && *plan.next <= now && taken < limit; ++taken) {
    plan.fire.push_back(*plan.next);
    plan.cursor = *plan.next;
    plan.next = nextFiring(timing, *plan.next);
  }
  return plan;
}

}  // namespace v1
}  // namespace callsheet
