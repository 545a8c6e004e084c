#include <algorithm>
#include <bit>
#include <chrono>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/schedule/timing.h"
#include "core/schedule/zone.h"

namespace callsheet {
inline namespace v1 {

namespace {

namespace calendar = std::chrono;

constexpr std::int64_t microsPerSecond = 1'000'000;
constexpr std::int64_t secondsPerDay = 86'400;
constexpr int yearsLookedThrough = 400;  // after which the calendar repeats

std::int64_t floorDivide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

bool has(std::uint64_t set, unsigned number) {
  return (set >> number & 1) != 0;
}

/// The first number of the set from `from` on; nothing when there is none.
std::optional<unsigned> firstFrom(std::uint64_t set, unsigned from) {
  const std::uint64_t rest = from >= 64 ? 0 : set >> from << from;
  if (rest == 0) return std::nullopt;
  return static_cast<unsigned>(std::countr_zero(rest));
}

std::uint64_t allBelow(unsigned count) {
  return (std::uint64_t{1} << count) - 1;
}

/// What is set of a calendar's times of the day.
class TimesOfDay {
 public:
  explicit TimesOfDay(const CalendarTiming& timing)
      : times_(timing.times),
        hours_(timing.hours != 0 ? timing.hours : allBelow(24)),
        minutes_(timing.minutes != 0 ? timing.minutes : allBelow(60)),
        seconds_(timing.seconds != 0 ? timing.seconds : 1) {}

  /// The first one from that second of the day on.
  [[nodiscard]] std::optional<std::int64_t> firstFrom(std::int64_t second) const {
    if (!times_.empty()) {
      const auto found = std::lower_bound(times_.begin(), times_.end(), second);
      return found == times_.end() ? std::nullopt : std::optional<std::int64_t>(*found);
    }
    auto hour = static_cast<unsigned>(second / 3600);
    auto minute = static_cast<unsigned>(second / 60 % 60);
    auto within = static_cast<unsigned>(second % 60);
    for (; hour < 24; ++hour, minute = 0, within = 0) {
      if (!has(hours_, hour)) continue;
      for (; minute < 60; ++minute, within = 0) {
        if (!has(minutes_, minute)) continue;
        if (const auto found = v1::firstFrom(seconds_, within)) return hour * 3600 + minute * 60 + *found;
      }
    }
    return std::nullopt;
  }

 private:
  const std::vector<std::uint32_t>& times_;
  std::uint64_t hours_;
  std::uint64_t minutes_;
  std::uint64_t seconds_;
};

bool holdsYear(const CalendarTiming& timing, int year) {
  return timing.years.empty() || std::any_of(timing.years.begin(), timing.years.end(), [&](const YearRange& range) {
           return year >= range.first && year <= range.last && (year - range.first) % range.step == 0;
         });
}

bool holdsDay(const CalendarTiming& timing, calendar::year_month_day date) {
  const auto day = static_cast<unsigned>(date.day());
  const calendar::year_month_day_last last{date.year() / date.month() / calendar::last};
  const auto fromEnd = static_cast<unsigned>(last.day()) - day + 1;
  const bool hasDays = timing.days != 0 || timing.daysFromEnd != 0;
  const bool isDay = !hasDays || has(timing.days, day) || has(timing.daysFromEnd, fromEnd);
  const calendar::weekday weekday{calendar::sys_days(date)};
  const bool isWeekday = timing.weekdays == 0 || has(timing.weekdays, weekday.c_encoding());
  if (timing.eitherDay && hasDays && timing.weekdays != 0) return isDay || isWeekday;
  return isDay && isWeekday;
}

/// The first day from that one on that the calendar allows, in days since 1970.
std::optional<std::int64_t> firstDay(const CalendarTiming& timing, std::int64_t from, int lastYear) {
  calendar::sys_days day{calendar::days{from}};
  for (;;) {
    const calendar::year_month_day date{day};
    if (static_cast<int>(date.year()) > lastYear) return std::nullopt;
    if (!holdsYear(timing, static_cast<int>(date.year()))) {
      day = calendar::sys_days{(date.year() + calendar::years{1}) / 1 / 1};
    } else if (timing.months != 0 && !has(timing.months, static_cast<unsigned>(date.month()))) {
      day = calendar::sys_days{(date.year() / date.month() + calendar::months{1}) / 1};
    } else if (!holdsDay(timing, date)) {
      day += calendar::days{1};
    } else {
      return day.time_since_epoch().count();
    }
  }
}

std::optional<std::int64_t> next(const IntervalTiming& timing, std::int64_t after) {
  if (timing.intervalMicros <= 0) return std::nullopt;
  std::int64_t at = timing.init;
  if (after >= at) {
    const std::uint64_t passed = static_cast<std::uint64_t>(after) - static_cast<std::uint64_t>(at);
    const auto interval = static_cast<std::uint64_t>(timing.intervalMicros);
    const std::uint64_t left = interval - passed % interval;
    if (left > static_cast<std::uint64_t>(never) - static_cast<std::uint64_t>(after)) return std::nullopt;
    at = after + static_cast<std::int64_t>(left);
  }
  if (at >= timing.end) return std::nullopt;
  return at;
}

std::optional<std::int64_t> next(const OnceTiming& timing, std::int64_t after) {
  if (timing.at <= after) return std::nullopt;
  return timing.at;
}

std::optional<std::int64_t> next(const CalendarTiming& timing, std::int64_t after) {
  const Zone zone(timing.zone);
  const TimesOfDay times(timing);
  // Later local times are never earlier instants (core/schedule/zone.h), so the first that is later than `after` is
  // found by walking on from its local time. In the second hour of a change to winter time, what the first has had is
  // passed over.
  std::int64_t local = zone.localOf(floorDivide(after, microsPerSecond)) + 1;
  const std::int64_t today = floorDivide(local, secondsPerDay);
  const calendar::year_month_day from{calendar::sys_days{calendar::days{today}}};
  const int lastYear = static_cast<int>(from.year()) + yearsLookedThrough;
  for (std::int64_t day = today;;) {
    const auto found = firstDay(timing, day, lastYear);
    if (!found) return std::nullopt;
    const std::int64_t midnight = *found * secondsPerDay;
    for (std::int64_t second = std::max(local - midnight, std::int64_t{0}); second < secondsPerDay; ++second) {
      const auto time = times.firstFrom(second);
      if (!time) break;
      second = *time;
      const std::int64_t at = zone.utcOf(midnight + second) * microsPerSecond;
      if (at > after) return at;
    }
    day = *found + 1;
  }
}

std::optional<std::string> why(const IntervalTiming& timing) {
  if (timing.intervalMicros <= 0) return "the interval must be longer than nothing";
  if (timing.intervalMicros > limits::delayMax.count()) return "the interval is longer than ten years";
  if (timing.end <= timing.init) return "it ends before it begins";
  return std::nullopt;
}

std::optional<std::string> why(const OnceTiming&) {
  return std::nullopt;
}

std::optional<std::string> why(const CalendarTiming& timing) {
  const auto isWithin = [](std::uint64_t set, unsigned least, unsigned most) {
    return (set & ~(allBelow(most + 1) & ~allBelow(least))) == 0;
  };
  if (!isWithin(timing.hours, 0, 23) || !isWithin(timing.minutes, 0, 59) || !isWithin(timing.seconds, 0, 59))
    return "there is no such time of the day";
  if (!isWithin(timing.days, 1, 31) || !isWithin(timing.daysFromEnd, 1, 31)) return "a month has the days 1 to 31";
  if (!isWithin(timing.months, 1, 12)) return "a year has the months 1 to 12";
  if (!isWithin(timing.weekdays, 0, 6)) return "a week has seven days";
  for (std::size_t i = 0; i < timing.times.size(); ++i) {
    if (timing.times[i] >= secondsPerDay) return "there is no such time of the day";
    if (i > 0 && timing.times[i] <= timing.times[i - 1]) return "the times of the day are not in order";
  }
  if (timing.years.size() > limits::scheduleYearsMax)
    return "more than " + std::to_string(limits::scheduleYearsMax) + " years and ranges of them";
  for (const YearRange& range : timing.years)
    if (range.step < 1 || range.first < 1970 || range.last < range.first || range.last > 9999)
      return "the years lie within 1970 and 9999";
  try {
    const Zone known(timing.zone);
  } catch (const Error& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> nextFiring(const Timing& timing, std::int64_t after) {
  return std::visit([&](const auto& one) { return next(one, after); }, timing);
}

std::optional<std::string> whyRefused(const Timing& timing) {
  return std::visit([](const auto& one) { return why(one); }, timing);
}

}  // namespace v1
}  // namespace callsheet
