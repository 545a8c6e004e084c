#include "cli/local_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <optional>
#include <sstream>
#include <vector>

#include "callsheet/errors.h"
#include "cli/values.h"
#include "core/duration_text.h"
#include "core/schedule/field_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::int64_t microsPerSecond = 1'000'000;
struct Clock {
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::optional<Clock> clockOf(const std::string& word) {
  Clock clock;
  int end = 0;
  const bool hasSeconds =
      std::sscanf(word.c_str(), "%2d:%2d:%2d%n", &clock.hour, &clock.minute, &clock.second, &end) == 3;
  if (!hasSeconds && std::sscanf(word.c_str(), "%2d:%2d%n", &clock.hour, &clock.minute, &end) != 2) return std::nullopt;
  const bool isWhole =
      static_cast<std::size_t>(end) == word.size() && word.find_first_not_of("0123456789:") == std::string::npos;
  if (!isWhole || clock.hour > 23 || clock.minute > 59 || clock.second > 59) return std::nullopt;
  return clock;
}

/// 0 is Sunday. Three letters are enough.
std::optional<int> weekdayOf(const std::string& word) {
  for (std::size_t day = 0; day < weekdayNames.size(); ++day)
    if (word.size() >= 3 && weekdayNames[day].starts_with(word)) return static_cast<int>(day);
  return std::nullopt;
}

/// By this machine's clock, so many days from today on; what a change to summer time leaves out is an hour later.
std::int64_t at(const std::tm& today, int daysFromNow, const Clock& clock) {
  std::tm time = today;
  time.tm_mday += daysFromNow;
  time.tm_hour = clock.hour;
  time.tm_min = clock.minute;
  time.tm_sec = clock.second;
  time.tm_isdst = -1;
  return std::int64_t{std::mktime(&time)} * microsPerSecond;
}

std::optional<std::int64_t> spoken(const std::string& text, std::int64_t now) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  std::istringstream stream(lower);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.empty() || words.size() > 2) return std::nullopt;
  const std::time_t seconds = now / microsPerSecond;
  std::tm today{};
  ::localtime_r(&seconds, &today);
  std::optional<Clock> clock = clockOf(words.back());
  if (clock && words.size() == 1) {
    const std::int64_t time = at(today, 0, *clock);
    return time > now ? time : at(today, 1, *clock);
  }
  if (!clock && words.size() == 2) return std::nullopt;
  if (words.front() == "today" && clock) return at(today, 0, *clock);
  if (!clock) clock = Clock{};
  if (words.front() == "tomorrow") return at(today, 1, *clock);
  const auto weekday = weekdayOf(words.front());
  if (!weekday) return std::nullopt;
  const int days = (*weekday - today.tm_wday + 7) % 7;
  const std::int64_t time = at(today, days, *clock);
  return time > now ? time : at(today, days + 7, *clock);
}

}  // namespace

std::int64_t timeOf(std::string_view option, const std::string& text, std::int64_t nowMicros) {
  if (const auto time = spoken(text, nowMicros)) return *time;
  return utcOf(option, text);
}

std::int64_t timeOrDelayOf(std::string_view option, const std::string& text, std::int64_t nowMicros) {
  if (const auto time = spoken(text, nowMicros)) return *time;
  return nowMicros + durationOf(option, text).count();
}

}  // namespace v1
}  // namespace callsheet
