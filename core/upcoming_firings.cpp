#include "core/upcoming_firings.h"

#include <queue>

namespace callsheet {
inline namespace v1 {

std::vector<UpcomingFiring> upcomingFirings(JobStore& store, std::int64_t until, std::size_t limit) {
  std::vector<UpcomingFiring> upcoming;
  if (limit == 0) return upcoming;
  // No more than `limit` of the schedules can be among the first; those that come only to their end are few.
  const DueSchedules due = store.dueSchedules(until == never ? never : until - 1, limit);
  struct Next {
    std::int64_t at;
    const ScheduleView* schedule;
    bool operator<(const Next& other) const {
      return at != other.at ? at > other.at : schedule->row.name > other.schedule->row.name;
    }
  };
  std::priority_queue<Next> next;
  for (const ScheduleView& view : due.schedules)
    if (!view.row.isPaused && view.row.next < until) next.push({view.row.next, &view});
  while (!next.empty() && upcoming.size() < limit) {
    const Next first = next.top();
    next.pop();
    upcoming.push_back({first.at, first.schedule->row.name});
    try {
      const auto at = nextFiring(first.schedule->settings.timing, first.at);
      if (at && *at < until) next.push({*at, first.schedule});
    } catch (const Error&) {
      continue;  // the principal's log names it
    }
  }
  return upcoming;
}

}  // namespace v1
}  // namespace callsheet
