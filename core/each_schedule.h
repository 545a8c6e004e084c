#pragma once
#include <functional>

#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// Visits all schedules that can be read, by name, each page of them in a snapshot of its own.
void forEachSchedule(JobStore& store, const std::function<void(ScheduleView& view)>& visit);

}  // namespace v1
}  // namespace callsheet
