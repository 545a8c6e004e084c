#pragma once
#include <cstdint>

#include "api/json.h"
#include "core/schedule_views.h"

// Schedules as programs read them, from `--json` and from /v1 alike.
namespace callsheet {
inline namespace v1 {

/// How a schedule stands: "paused", "still" (the clock was set back over it), "over" (nothing more will fire) or
/// "waiting".
[[nodiscard]] const char* stateOf(const ScheduleRow& row, std::int64_t now);

[[nodiscard]] Json timingJson(const Timing& timing);
/// All of it; `now` is UTC us.
[[nodiscard]] Json scheduleJson(const ScheduleView& view, std::int64_t now);

}  // namespace v1
}  // namespace callsheet
