#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "callsheet/errors.h"
#include "core/schedule/field_text.h"
#include "core/schedule/written_timing.h"
#include "core/schedule/zone.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view rangeSign = "..";

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> words{
    {{"minutely", "*-*-* *:*:00"},
     {"hourly", "*-*-* *:00:00"},
     {"daily", "*-*-* 00:00:00"},
     {"weekly", "Mon *-*-* 00:00:00"},
     {"monthly", "*-*-01 00:00:00"},
     {"quarterly", "*-01,04,07,10-01 00:00:00"},
     {"semiannually", "*-01,07-01 00:00:00"},
     {"semi-annually", "*-01,07-01 00:00:00"},
     {"biannually", "*-01,07-01 00:00:00"},
     {"yearly", "*-01-01 00:00:00"},
     {"annually", "*-01-01 00:00:00"}}};

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error(ErrorKind::invalid, "'" + std::string(text.substr(0, 128)) + "' is no calendar event: " + why +
                                      "; one is 'Mon..Fri *-*-* 09:00 Europe/Madrid'");
}

std::int32_t yearOf(std::string_view text, std::string_view whole) {
  std::int32_t year = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), year);
  if (text.size() != 4 || read.ec != std::errc{} || read.ptr != text.data() + text.size() || year < 1970)
    refuse(whole, "a year is 1970 to 9999");
  return year;
}

std::vector<YearRange> yearsOf(std::string_view text) {
  constexpr std::int32_t lastYear = 9999;
  if (text == "*") return {};
  std::vector<YearRange> years;
  for (const std::string_view item : splitAt(text, ',')) {
    const std::size_t slash = item.find('/');
    YearRange range;
    if (slash != std::string_view::npos) {
      const std::string_view step = item.substr(slash + 1);
      const auto read = std::from_chars(step.data(), step.data() + step.size(), range.step);
      if (read.ec != std::errc{} || read.ptr != step.data() + step.size() || range.step < 1)
        refuse(text, "the step of a year is a number above 0");
    }
    const std::string_view ends = item.substr(0, slash);
    const std::size_t between = ends.find(rangeSign);
    range.first = yearOf(ends.substr(0, between), text);
    range.last = slash == std::string_view::npos ? range.first : lastYear;
    if (between != std::string_view::npos) range.last = yearOf(ends.substr(between + rangeSign.size()), text);
    if (range.last < range.first) refuse(text, "its years run backwards");
    years.push_back(range);
  }
  return years;
}

/// `*` as nothing, since it says nothing.
std::uint64_t setUnlessAll(const FieldForm& form, std::string_view text) {
  return text == "*" ? 0 : setOf(form, text);
}

/// `[YEAR-]MONTH-DAY`, or `[YEAR-]MONTH~DAY` with days that are counted from the month's end.
void readDate(std::string_view text, CalendarTiming& timing) {
  const std::size_t mark = text.find_last_of("-~");
  const std::string_view day = text.substr(mark + 1);
  const std::string_view before = text.substr(0, mark);
  const std::size_t dash = before.find('-');
  const std::string_view month = dash == std::string_view::npos ? before : before.substr(dash + 1);
  if (dash != std::string_view::npos) timing.years = yearsOf(before.substr(0, dash));
  timing.months = setUnlessAll({"month", 1, 12, rangeSign}, month);
  const FieldForm form{"day", 1, 31, rangeSign};
  if (text[mark] == '-') {
    timing.days = setUnlessAll(form, day);
    return;
  }
  // From the end they count downwards: 07/1 is the seventh last and all behind it.
  for (const std::string_view item : splitAt(day, ',')) {
    const std::size_t slash = item.find('/');
    const bool hasRange = item.find(rangeSign) != std::string_view::npos;
    if (slash == std::string_view::npos || hasRange) {
      timing.daysFromEnd |= setOf(form, item);
      continue;
    }
    const std::uint64_t first = setOf(form, item.substr(0, slash));
    const std::uint64_t steps = setOf({"step", 1, 31, rangeSign}, item.substr(slash + 1));
    for (int number = 31; number >= 1; --number) {
      if ((first >> number & 1) == 0) continue;
      for (int step = 1; step <= 31; ++step)
        for (int at = number; (steps >> step & 1) != 0 && at >= 1; at -= step)
          timing.daysFromEnd |= std::uint64_t{1} << at;
    }
  }
}

/// `HOUR:MINUTE[:SECOND]`.
void readTime(std::string_view text, CalendarTiming& timing) {
  const auto parts = splitAt(text, ':');
  if (parts.size() > 3) refuse(text, "a time is HOUR:MINUTE:SECOND");
  timing.hours = setOf({"hour", 0, 23, rangeSign}, parts[0]);
  timing.minutes = setOf({"minute", 0, 59, rangeSign}, parts[1]);
  timing.seconds = parts.size() == 3 ? setOf({"second", 0, 59, rangeSign}, parts[2]) : 1;
}

/// Weekdays may run over the end of the week: Sat..Mon.
void readWeekdays(std::string_view text, CalendarTiming& timing) {
  const FieldForm form{"weekday", 0, 6, rangeSign, weekdayNames, 0};
  for (const std::string_view item : splitAt(text, ',')) {
    const std::size_t between = item.find(rangeSign);
    if (between == std::string_view::npos) {
      timing.weekdays |= setOf(form, item);
      continue;
    }
    const std::uint64_t first = setOf(form, item.substr(0, between));
    const std::uint64_t last = setOf(form, item.substr(between + rangeSign.size()));
    for (std::uint64_t day = first;; day = day == std::uint64_t{1} << 6 ? 1 : day << 1) {
      timing.weekdays |= day;
      if (day == last) break;
    }
  }
}

bool isWeekdays(std::string_view word) {
  return std::isalpha(static_cast<unsigned char>(word.front())) != 0 &&
         std::any_of(weekdayNames.begin(), weekdayNames.end(), [&](std::string_view name) {
           std::string start(word.substr(0, 3));
           for (char& c : start) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
           return name.starts_with(start) && start.size() == 3;
         });
}

bool isDate(std::string_view word) {
  return word.find_first_not_of("0123456789*,./-~") == std::string_view::npos &&
         word.find_first_of("-~") != std::string_view::npos;
}

}  // namespace

CalendarTiming timingOfCalendarEvent(std::string_view text) {
  std::vector<std::string_view> parts = wordsOf(text);
  if (parts.empty()) refuse(text, "it is empty");
  for (const auto& [word, meaning] : words) {
    if (parts.front() != word) continue;
    std::vector<std::string_view> all = wordsOf(meaning);
    all.insert(all.end(), parts.begin() + 1, parts.end());
    parts = std::move(all);
    break;
  }
  CalendarTiming timing;
  timing.hours = timing.minutes = timing.seconds = 1;  // midnight, where no time is given
  std::size_t at = 0;
  const auto isThere = [&](auto is) { return at < parts.size() && is(parts[at]); };
  if (isThere(isWeekdays)) readWeekdays(parts[at++], timing);
  if (isThere(isDate)) readDate(parts[at++], timing);
  if (isThere([](std::string_view word) { return word.find(':') != std::string_view::npos; }))
    readTime(parts[at++], timing);
  if (at == 0) refuse(text, "it begins with neither weekdays, a date nor a time");
  if (at < parts.size()) timing.zone = parts[at++];
  if (at < parts.size()) refuse(text, "behind the time zone stands more");
  const Zone known(timing.zone);
  return timing;
}

}  // namespace v1
}  // namespace callsheet
