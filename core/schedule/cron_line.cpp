#include <array>
#include <utility>

#include "callsheet/errors.h"
#include "core/schedule/field_text.h"
#include "core/schedule/written_timing.h"
#include "core/schedule/zone.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> words{{{"@hourly", "0 * * * *"},
                                                                              {"@daily", "0 0 * * *"},
                                                                              {"@midnight", "0 0 * * *"},
                                                                              {"@weekly", "0 0 * * 0"},
                                                                              {"@monthly", "0 0 1 * *"},
                                                                              {"@yearly", "0 0 1 1 *"},
                                                                              {"@annually", "0 0 1 1 *"},
                                                                              {"@minutely", "* * * * *"}}};

/// Sunday may be 7, so that a range can end with it.
std::uint64_t weekdaysOf(std::string_view text) {
  const FieldForm form{"weekday", 0, 7, "-", weekdayNames, 0};
  const std::uint64_t set = setOf(form, text);
  constexpr std::uint64_t sundayAs7 = std::uint64_t{1} << 7;
  return (set & ~sundayAs7) | ((set & sundayAs7) != 0 ? 1 : 0);
}

/// A star says nothing, with a step too: crontab(5) goes by the first letter.
bool isSet(std::string_view field) {
  return !field.starts_with('*');
}

}  // namespace

CalendarTiming timingOfCronLine(std::string_view line) {
  std::vector<std::string_view> fields = wordsOf(line);
  if (!fields.empty() && fields.front().starts_with('@')) {
    std::string_view meaning;
    for (const auto& [word, fieldsOfWord] : words)
      if (word == fields.front()) meaning = fieldsOfWord;
    if (meaning.empty())
      throw Error(ErrorKind::invalid, "there is no time '" + std::string(fields.front().substr(0, 64)) +
                                          "': @hourly, @daily, @weekly, @monthly and @yearly are");
    const std::vector<std::string_view> zone(fields.begin() + 1, fields.end());
    fields = wordsOf(meaning);
    fields.insert(fields.end(), zone.begin(), zone.end());
  }
  if (fields.size() < 5 || fields.size() > 6)
    throw Error(ErrorKind::invalid,
                "a line of cron has five fields, MINUTE HOUR DAY MONTH WEEKDAY, and perhaps a time zone behind them");
  CalendarTiming timing;
  timing.minutes = setOf({"minute", 0, 59}, fields[0]);
  timing.hours = setOf({"hour", 0, 23}, fields[1]);
  const std::uint64_t days = setOf({"day", 1, 31}, fields[2]);
  timing.months = setOf({"month", 1, 12, "-", monthNames, 1}, fields[3]);
  const std::uint64_t weekdays = weekdaysOf(fields[4]);
  timing.eitherDay = isSet(fields[2]) && isSet(fields[4]);
  if (fields[2] != "*") timing.days = days;
  if (fields[4] != "*") timing.weekdays = weekdays;
  if (fields.size() == 6) timing.zone = fields[5];
  const Zone known(timing.zone);
  return timing;
}

}  // namespace v1
}  // namespace callsheet
