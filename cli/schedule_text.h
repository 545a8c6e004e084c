#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cli/session.h"
#include "cli/terminal.h"
#include "core/schedule_views.h"

// Schedules as people read them. All texts are safe for a terminal; `now` is UTC us.
namespace callsheet {
inline namespace v1 {

/// A row of the table of all schedules.
[[nodiscard]] std::vector<Table::Cell> rowTextOf(const ScheduleView& view, std::int64_t now);
void printSchedule(const ScheduleView& view, std::int64_t now);

/// What became of the last firing, and what the next one waits for; sentences.
struct ScheduleReasons {
  std::string last;
  std::string skipped;  ///< empty: nothing was skipped
  std::string next;
};
[[nodiscard]] ScheduleReasons reasonsOf(const ScheduleView& view, Session& session, std::int64_t now);

}  // namespace v1
}  // namespace callsheet
