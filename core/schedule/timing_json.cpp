#include <algorithm>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/duration_text.h"
#include "core/json_payload.h"
#include "core/schedule/timing_text.h"

namespace callsheet {
inline namespace v1 {

namespace {
using nlohmann::json;

constexpr std::size_t timesMax = 1440;  // one for each minute of a day

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid, why);
}

std::string shown(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 64);
}

const json& listOf(const json& object, const char* name) {
  static const json empty = json::array();
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return empty;
  if (!found->is_array()) refuse(std::string(name) + " must be a list");
  if (found->size() > timesMax) refuse(std::string(name) + " has more than " + std::to_string(timesMax) + " items");
  return *found;
}

std::uint64_t numbersOf(const json& object, const char* name, unsigned least, unsigned most) {
  std::uint64_t set = 0;
  for (const json& one : listOf(object, name)) {
    if (!one.is_number_integer() || one.get<double>() < least || one.get<double>() > most)
      refuse(std::string(name) + " has numbers from " + std::to_string(least) + " to " + std::to_string(most) +
             ", not " + shown(one));
    set |= std::uint64_t{1} << one.get<unsigned>();
  }
  return set;
}

/// "HH:MM", of which the first zero may be missing.
std::uint32_t secondOf(const json& time) {
  const auto isDigits = [](std::string_view text) {
    return !text.empty() && text.size() <= 2 && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (time.is_string()) {
    const auto& text = time.get_ref<const std::string&>();
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string hour = text.substr(0, colon);
    const std::string minute = text.substr(std::min(colon + 1, text.size()));
    if (isDigits(hour) && isDigits(minute) && minute.size() == 2 && std::stoi(hour) < 24 && std::stoi(minute) < 60)
      return static_cast<std::uint32_t>(std::stoi(hour) * 3600 + std::stoi(minute) * 60);
  }
  refuse("time has times as \"09:00\", not " + shown(time));
}

void allowOnly(const json& object, std::initializer_list<std::string_view> names) {
  for (const auto& [name, value] : object.items())
    if (std::find(names.begin(), names.end(), name) == names.end())
      refuse("a timing has no member '" + name.substr(0, 64) + "'");
}

Timing calendarOf(const json& object) {
  allowOnly(object, {"time", "weekday", "day", "month", "year", "timezone"});
  CalendarTiming timing;
  for (const json& time : listOf(object, "time")) timing.times.push_back(secondOf(time));
  std::sort(timing.times.begin(), timing.times.end());
  timing.times.erase(std::unique(timing.times.begin(), timing.times.end()), timing.times.end());
  timing.weekdays = numbersOf(object, "weekday", 0, 7);
  constexpr std::uint64_t sundayAs7 = std::uint64_t{1} << 7;
  if ((timing.weekdays & sundayAs7) != 0) timing.weekdays = (timing.weekdays & ~sundayAs7) | 1;
  timing.days = numbersOf(object, "day", 1, 31);
  timing.months = numbersOf(object, "month", 1, 12);
  for (const json& year : listOf(object, "year")) {
    if (!year.is_number_integer() || year.get<double>() < 1970 || year.get<double>() > 9999)
      refuse("year has numbers from 1970 to 9999, not " + shown(year));
    timing.years.push_back({year.get<std::int32_t>(), year.get<std::int32_t>(), 1});
  }
  if (const auto zone = object.find("timezone"); zone != object.end() && !zone->is_null()) {
    if (!zone->is_string()) refuse("timezone must be a string");
    timing.zone = zone->get<std::string>();
  }
  return timing;
}

std::int64_t timeOf(const json& object, const char* name, std::int64_t otherwise) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return otherwise;
  if (!found->is_string()) refuse(std::string(name) + " must be a time such as \"2030-01-31T06:20:00Z\"");
  return parseUtc(found->get<std::string>());
}

Timing intervalOf(const json& object, std::int64_t now) {
  allowOnly(object, {"interval", "init", "end"});
  const json& interval = object.at("interval");
  const double millis = interval.is_number() ? interval.get<double>() : 0;
  if (!(millis >= 0.001) || millis > static_cast<double>(limits::delayMax.count()) / 1000)
    refuse("interval is a number of milliseconds above 0 and up to ten years, not " + shown(interval));
  return IntervalTiming{timeOf(object, "init", now), static_cast<std::int64_t>(millis * 1000),
                        timeOf(object, "end", never)};
}

}  // namespace

Timing timingOfJson(std::string_view text, std::int64_t now) {
  validateJson(text, limits::payloadBytesMax);
  const json object = json::parse(text);
  if (!object.is_object()) refuse("a timing in JSON is an object");
  Timing timing = object.contains("interval") ? intervalOf(object, now) : calendarOf(object);
  if (const auto why = whyRefused(timing)) refuse(*why);
  return timing;
}

}  // namespace v1
}  // namespace callsheet
