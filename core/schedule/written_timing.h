#pragma once
#include <string_view>

#include "core/schedule/timing.h"

namespace callsheet {
inline namespace v1 {

/// A line of cron: `MINUTE HOUR DAY MONTH WEEKDAY`, or `@hourly`, `@daily` and their like, and perhaps a zone behind
/// it. Lists, ranges, steps and names as in crontab(5); days and weekdays that are both set are alternatives. Throws
/// Error(invalid) that names the field.
[[nodiscard]] CalendarTiming timingOfCronLine(std::string_view line);

/// A calendar event of systemd: `WEEKDAYS YEAR-MONTH-DAY HOUR:MINUTE:SECOND ZONE`, each part of which may be missing,
/// or a word such as `daily`; as systemd.time(7), but without fractions of a second, and UTC where no zone is given.
/// Throws Error(invalid) that says what is wrong.
[[nodiscard]] CalendarTiming timingOfCalendarEvent(std::string_view text);

}  // namespace v1
}  // namespace callsheet
