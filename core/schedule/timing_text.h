#pragma once
#include <cstdint>
#include <string_view>

#include "core/schedule/timing.h"

namespace callsheet {
inline namespace v1 {

/// A timing as people and files write it. Throws Error(invalid) that says what is wrong. One of
///   every 90s [from TIME] [until TIME]      an interval; without `from` the grid begins at `now`
///   2030-01-31T06:20:00Z                    once
///   */5 8-18 * * mon-fri [ZONE], @daily     a line of cron
///   Mon..Fri *-*-* 09:00 [ZONE], daily      a calendar event of systemd
///   {"time": ["09:00"], "weekday": [7]}     a calendar in JSON
///   {"interval": 60000, "init": TIME}       an interval in JSON, in ms
/// Times are as parseUtc reads them.
[[nodiscard]] Timing timingOfText(std::string_view text, std::int64_t now);

/// An object with any of `time`, `weekday`, `day`, `month`, `year` (lists, of which all must hold and an empty one
/// always does) and `timezone`; or with `interval` (ms), and perhaps `init` and `end`. A weekday is 1 to 7 for Monday
/// to Sunday; 0 is Sunday too.
[[nodiscard]] Timing timingOfJson(std::string_view json, std::int64_t now);

}  // namespace v1
}  // namespace callsheet
