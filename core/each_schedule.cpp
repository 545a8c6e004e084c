#include "core/each_schedule.h"

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

void forEachSchedule(JobStore& store, const std::function<void(ScheduleView& view)>& visit) {
  std::string after;
  for (;;) {
    auto some = store.schedules(after, limits::pageRowsMax);
    const bool isLast = some.size() < limits::pageRowsMax;
    if (!isLast) after = some.back().row.name;
    for (ScheduleView& view : some) visit(view);
    if (isLast) return;
  }
}

}  // namespace v1
}  // namespace callsheet
