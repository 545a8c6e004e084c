#include "core/schedule/timing_text.h"

#include <algorithm>

#include "callsheet/errors.h"
#include "core/duration_text.h"
#include "core/schedule/field_text.h"
#include "core/schedule/written_timing.h"

namespace callsheet {
inline namespace v1 {

namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid, why);
}

/// Behind `every`.
Timing intervalOf(const std::vector<std::string_view>& words, std::int64_t now) {
  IntervalTiming timing{now, 0, never};
  if (words.size() % 2 != 0 || words.size() > 6)
    refuse("an interval is written 'every DURATION', and perhaps 'from TIME' and 'until TIME'");
  timing.intervalMicros = parseDuration(words[1]).count();
  for (std::size_t i = 2; i < words.size(); i += 2) {
    if (words[i] == "from")
      timing.init = parseUtc(words[i + 1]);
    else if (words[i] == "until")
      timing.end = parseUtc(words[i + 1]);
    else
      refuse("behind an interval stands 'from TIME' or 'until TIME', not '" + std::string(words[i].substr(0, 64)) +
             "'");
  }
  return timing;
}

bool isTime(std::string_view text) {
  return text.size() > 10 && text.find('T') == 10 && text.find(' ') == std::string_view::npos;
}

/// Its first field has a number, a star, or an at sign; a calendar event's has that only in a date or a time.
bool isCronLine(const std::vector<std::string_view>& words) {
  if (words.front().starts_with('@')) return true;
  return words.front().find_first_not_of("0123456789*,-/") == std::string_view::npos && words.size() >= 5;
}

}  // namespace

Timing timingOfText(std::string_view text, std::int64_t now) {
  const auto words = wordsOf(text);
  if (words.empty()) refuse("a schedule needs a timing: 'every 90s', '0 9 * * mon-fri', 'Mon..Fri 09:00', or a time");
  const auto checked = [](Timing timing) {
    if (const auto why = whyRefused(timing)) refuse(*why);
    return timing;
  };
  if (words.front().front() == '{') return timingOfJson(text, now);
  if (words.front() == "every") return checked(intervalOf(words, now));
  if (words.size() == 1 && isTime(words.front())) return OnceTiming{parseUtc(words.front())};
  if (isCronLine(words)) return checked(timingOfCronLine(text));
  return checked(timingOfCalendarEvent(text));
}

}  // namespace v1
}  // namespace callsheet
