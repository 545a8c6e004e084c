#include "core/duration_text.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t micros;
};
constexpr Unit units[] = {{"w", 604'800'000'000},
                          {"d", 86'400'000'000},
                          {"h", 3'600'000'000},
                          {"m", 60'000'000},
                          {"s", 1'000'000},
                          {"ms", 1'000},
                          {"us", 1}};
constexpr std::int64_t microsPerDay = 86'400'000'000;

bool isDigit(char letter) {
  return letter >= '0' && letter <= '9';
}

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::string_view why) {
  throw Error(ErrorKind::invalid, std::string(what) + " '" + std::string(text) + "' " + std::string(why));
}

std::string_view takeWhile(std::string_view& rest, bool (*belongs)(char)) {
  std::size_t length = 0;
  while (length < rest.size() && belongs(rest[length])) ++length;
  const auto taken = rest.substr(0, length);
  rest.remove_prefix(length);
  return taken;
}

/// whole.fraction times unit; nothing when it overflows. At most six digits of the fraction count.
std::optional<std::int64_t> scaled(std::string_view whole, std::string_view fraction, std::int64_t unit) {
  std::int64_t value = 0;
  if (!whole.empty() && std::from_chars(whole.data(), whole.data() + whole.size(), value).ec != std::errc{})
    return std::nullopt;
  if (__builtin_mul_overflow(value, unit, &value)) return std::nullopt;
  fraction = fraction.substr(0, 6);
  std::int64_t share = 0;
  for (const char digit : fraction) share = share * 10 + (digit - '0');
  share *= unit;  // < 10^6 * 6.1 * 10^11, which fits
  for (std::size_t digit = 0; digit < fraction.size(); ++digit) share /= 10;
  if (__builtin_add_overflow(value, share, &value)) return std::nullopt;
  return value;
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, and back; for any year. The year is counted from March,
/// so that the leap day is its last.
std::int64_t daysFromCivil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto yearOfEra = static_cast<unsigned>(year - era * 400);
  const unsigned dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const unsigned dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return era * 146'097 + static_cast<std::int64_t>(dayOfEra) - 719'468;
}

struct Civil {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

Civil civilFromDays(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto dayOfEra = static_cast<unsigned>(days - era * 146'097);
  const unsigned yearOfEra = (dayOfEra - dayOfEra / 1'460 + dayOfEra / 36'524 - dayOfEra / 146'096) / 365;
  const unsigned dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const unsigned shifted = (5 * dayOfYear + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {static_cast<std::int64_t>(yearOfEra) + era * 400 + (month <= 2), month,
          dayOfYear - (153 * shifted + 2) / 5 + 1};
}

unsigned daysInMonth(std::int64_t year, unsigned month) {
  constexpr std::array<unsigned, 12> lengths{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return lengths[month - 1] + (month == 2 && isLeap);
}

std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return digits;
}

}  // namespace

std::chrono::microseconds parseDuration(std::string_view text) {
  constexpr std::string_view hint = "is not a duration: write something like 90 (seconds), 1.5s, 250ms, 1h30m or 2d.";
  const auto fail = [&](std::string_view why) { refuse("The duration", text, why); };
  if (text.starts_with('-')) fail("is negative, which has no meaning here.");
  if (text.empty()) refuse("The duration", text, hint);

  std::int64_t total = 0;
  const Unit* last = nullptr;
  for (auto rest = text; !rest.empty();) {
    const auto whole = takeWhile(rest, isDigit);
    std::string_view fraction;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      fraction = takeWhile(rest, isDigit);
    }
    if (whole.empty() && fraction.empty()) fail(hint);
    const auto name = takeWhile(rest, [](char letter) { return !isDigit(letter) && letter != '.'; });

    const Unit* unit = nullptr;
    for (const Unit& candidate : units)
      if (candidate.name == (name.empty() && last == nullptr && rest.empty() ? "s" : name)) unit = &candidate;
    if (unit == nullptr) fail(name.empty() ? "lacks a unit after a number: us, ms, s, m, h, d or w." : hint);
    if (last != nullptr && unit <= last) fail("must name its units from large to small, each once.");
    last = unit;
    const auto part = scaled(whole, fraction, unit->micros);
    if (!part || __builtin_add_overflow(total, *part, &total)) fail("is too long.");
  }
  return std::chrono::microseconds{total};
}

std::string formatDuration(std::chrono::microseconds duration) {
  const std::int64_t count = duration.count();
  if (count < 0) {
    // The smallest number has no positive counterpart; a microsecond less does not show.
    const std::int64_t positive = count == std::numeric_limits<std::int64_t>::min() ? -(count + 1) : -count;
    return "-" + formatDuration(std::chrono::microseconds{positive});
  }
  const auto withTenth = [](std::int64_t tenths, const char* unit) {
    const std::int64_t tenth = tenths % 10;
    return std::to_string(tenths / 10) + (tenth != 0 ? "." + std::to_string(tenth) : "") + unit;
  };
  const auto twoUnits = [count](std::int64_t large, const char* largeName, std::int64_t small, const char* smallName) {
    const std::int64_t rest = count % large / small;
    return std::to_string(count / large) + largeName + (rest != 0 ? std::to_string(rest) + smallName : "");
  };
  if (count == 0) return "0s";
  if (count < 1'000) return std::to_string(count) + "us";
  if (count < 10'000) return withTenth(count / 100, "ms");
  if (count < 1'000'000) return std::to_string(count / 1'000) + "ms";
  if (count < 60'000'000) return withTenth(count / 100'000, "s");
  if (count < 3'600'000'000) return twoUnits(60'000'000, "m", 1'000'000, "s");
  if (count < microsPerDay) return twoUnits(3'600'000'000, "h", 60'000'000, "m");
  return twoUnits(microsPerDay, "d", 3'600'000'000, "h");
}

std::string formatUtc(std::int64_t utcMicros) {
  std::int64_t days = utcMicros / microsPerDay;
  std::int64_t rest = utcMicros % microsPerDay;
  if (rest < 0) {
    rest += microsPerDay;
    --days;
  }
  const Civil date = civilFromDays(days);
  const std::int64_t millis = rest / 1'000;
  std::string year;
  if (date.year > 9999) year = "+";
  if (date.year < 0) year = "-";
  year += padded(date.year < 0 ? -date.year : date.year, 4);
  return year + "-" + padded(date.month, 2) + "-" + padded(date.day, 2) + "T" + padded(millis / 3'600'000, 2) + ":" +
         padded(millis / 60'000 % 60, 2) + ":" + padded(millis / 1'000 % 60, 2) + "." + padded(millis % 1'000, 3) + "Z";
}

std::int64_t parseUtc(std::string_view text) {
  const auto fail = [&](std::string_view why) { refuse("The time", text, why); };
  constexpr std::string_view hint = "is not a time: write something like 2026-01-31T23:59:59Z.";
  auto rest = text;
  const auto number = [&](std::size_t digits) {
    unsigned value = 0;
    if (rest.size() < digits) fail(hint);
    for (const char letter : rest.substr(0, digits)) {
      if (!isDigit(letter)) fail(hint);
      value = value * 10 + static_cast<unsigned>(letter - '0');
    }
    rest.remove_prefix(digits);
    return value;
  };
  const auto expect = [&](std::string_view letters) {
    if (rest.empty() || letters.find(rest[0]) == letters.npos) fail(hint);
    const char found = rest[0];
    rest.remove_prefix(1);
    return found;
  };

  const unsigned year = number(4);
  expect("-");
  const unsigned month = number(2);
  expect("-");
  const unsigned day = number(2);
  expect("Tt ");
  const unsigned hour = number(2);
  expect(":");
  const unsigned minute = number(2);
  expect(":");
  const unsigned second = number(2);
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = takeWhile(rest, isDigit);
    if (fraction.empty()) fail(hint);
  }
  if (rest.empty()) fail("has no zone: end it with Z, or with an offset such as +02:00.");
  std::int64_t offsetMinutes = 0;
  if (const char zone = expect("Zz+-"); zone == '+' || zone == '-') {
    const unsigned hours = number(2);
    expect(":");
    const unsigned minutes = number(2);
    if (hours > 23 || minutes > 59) fail("has an offset that does not exist.");
    offsetMinutes = static_cast<std::int64_t>(hours * 60 + minutes) * (zone == '+' ? 1 : -1);
  }
  if (!rest.empty()) fail(hint);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) fail("is a day that does not exist.");
  if (hour > 23 || minute > 59 || second > 59) fail("is a time of day that does not exist.");

  const std::int64_t minutes = daysFromCivil(year, month, day) * 1'440 + hour * 60 + minute - offsetMinutes;
  return (minutes * 60 + second) * 1'000'000 + *scaled("", fraction, 1'000'000);
}

}  // namespace v1
}  // namespace callsheet
