#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/job_row.h"

// When a schedule makes its jobs, as values. Instants are UTC microseconds; nothing here knows what time it is.
namespace callsheet {
inline namespace v1 {

/// On the grid init + k x interval, from `init` on and before `end`.
struct IntervalTiming {
  std::int64_t init = 0;
  std::int64_t intervalMicros = 0;
  std::int64_t end = never;
  friend bool operator==(const IntervalTiming&, const IntervalTiming&) = default;
};

/// One year, or every `step`th from `first` to `last`.
struct YearRange {
  std::int32_t first = 0;
  std::int32_t last = 0;
  std::int32_t step = 1;
  friend bool operator==(const YearRange&, const YearRange&) = default;
};

/// By the calendar of a zone. All that is set must hold; an empty set holds always. A time that the change to summer
/// time leaves out is the end of that gap, one that comes twice is the first of them.
struct CalendarTiming {
  /// Seconds of the day, in order and without repeats. Empty: each hour, minute and second of the three sets below.
  std::vector<std::uint32_t> times;
  std::uint64_t hours = 0;  ///< bit n: n. Of the three, empty is every hour, every minute, and second 0
  std::uint64_t minutes = 0;
  std::uint64_t seconds = 0;
  std::uint64_t days = 0;         ///< bit n: the n-th of the month
  std::uint64_t daysFromEnd = 0;  ///< bit n: the n-th last of the month; holds beside `days`, either is enough
  std::uint64_t months = 0;       ///< bit n: 1 is January
  std::uint64_t weekdays = 0;     ///< bit n: 0 is Sunday, 6 Saturday
  bool eitherDay = false;         ///< where days and weekdays are both set, either is enough; so cron has it
  std::vector<YearRange> years;
  std::string zone;  ///< of the system's database; empty: UTC
  friend bool operator==(const CalendarTiming&, const CalendarTiming&) = default;
};

struct OnceTiming {
  std::int64_t at = 0;
  friend bool operator==(const OnceTiming&, const OnceTiming&) = default;
};

using Timing = std::variant<IntervalTiming, CalendarTiming, OnceTiming>;

/// The first firing strictly behind `after`; nothing when none will come (a calendar is looked through for 400 years).
/// Throws Error(invalid) for a zone that the system does not know.
[[nodiscard]] std::optional<std::int64_t> nextFiring(const Timing& timing, std::int64_t after);

/// Why there can be no such timing, in one sentence.
[[nodiscard]] std::optional<std::string> whyRefused(const Timing& timing);

}  // namespace v1
}  // namespace callsheet
