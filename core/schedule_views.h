#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rows.h"

namespace callsheet {
inline namespace v1 {

/// A schedule as it is read.
struct ScheduleView {
  Schedule settings;
  ScheduleRow row;
  std::vector<JobRow> open;  ///< the jobs of it that have not ended, the oldest first
};

/// Schedules by when they are due.
struct DueSchedules {
  std::vector<ScheduleView> schedules;  ///< the earliest first; `open` is not filled in
  std::int64_t nextAt = never;          ///< when the first one behind them is due
  std::vector<std::string> unreadable;  ///< met on the way
};

/// Nothing when there is none; throws Error(corrupt) for one that cannot be read.
[[nodiscard]] std::optional<ScheduleView> scheduleOf(Rows& rows, std::string_view name);
/// By name, behind `after`, at most so many. Those that cannot be read are left out; `check` names them.
[[nodiscard]] std::vector<ScheduleView> schedulesAfter(Rows& rows, std::string_view after, std::size_t limit);
/// Those that are due until then, at most so many.
[[nodiscard]] DueSchedules schedulesDue(Rows& rows, std::int64_t until, std::size_t limit);
/// The jobs of a schedule, which need not be there any more, the newest first; those before `before`, where it is not
/// nil.
[[nodiscard]] std::vector<JobID> occurrencesOf(Rows& rows, std::string_view schedule, JobID before, std::size_t limit);

}  // namespace v1
}  // namespace callsheet
