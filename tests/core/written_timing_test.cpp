// How schedules are written: lines of cron, calendar events (beside what systemd makes of them), JSON and all the forms
// of a timing's text.
#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <sstream>

#include "callsheet/errors.h"
#include "core/schedule/timing_text.h"
#include "core/schedule/written_timing.h"
#include "tests/core/schedule_times.h"
#include "tests/support/seed.h"

using namespace callsheet;
using namespace callsheet::tests;

TEST_CASE("A line of cron is read as crontab says") {
  CHECK(firings(timingOfCronLine("*/20 8-10/2 * * mon-fri"), "2026-11-27T08:30:00Z", 4) ==
        std::vector<std::string>{"2026-11-27T08:40:00Z", "2026-11-27T10:00:00Z", "2026-11-27T10:20:00Z",
                                 "2026-11-27T10:40:00Z"});
  // Days and weekdays are alternatives when both are given.
  CHECK(firings(timingOfCronLine("0 0 13 * 5"), "2026-11-12T12:00:00Z", 3) ==
        std::vector<std::string>{"2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z"});
  CHECK(firings(timingOfCronLine("0 12 * jan,JUL sun"), "2026-06-30T00:00:00Z", 2) ==
        std::vector<std::string>{"2026-07-05T12:00:00Z", "2026-07-12T12:00:00Z"});
  CHECK(timingOfCronLine("0 0 * * 7") == timingOfCronLine("0 0 * * 0"));
  CHECK(timingOfCronLine("0 0 * * 5-7") == timingOfCronLine("0 0 * * fri,sat,sun"));
  CHECK(timingOfCronLine("@daily") == timingOfCronLine("0 0 * * *"));
  CHECK(timingOfCronLine("@weekly") == timingOfCronLine("0 0 * * 0"));
  CHECK(firings(timingOfCronLine("30 9 * * * Europe/Madrid"), "2026-11-30T00:00:00Z", 1) ==
        std::vector<std::string>{"2026-11-30T08:30:00Z"});
  CHECK(timingOfCronLine("@hourly America/New_York").zone == "America/New_York");
}

TEST_CASE("A line of cron that is none is refused with what is wrong") {
  const auto whyNot = [](const char* line) -> std::string {
    try {
      (void)timingOfCronLine(line);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid);
      return error.what();
    }
    return "";
  };
  for (const auto& [line, word] :
       std::vector<std::pair<const char*, const char*>>{{"", "five fields"},
                                                        {"* * * *", "five fields"},
                                                        {"60 * * * *", "minute '60'"},
                                                        {"* 24 * * *", "hour '24'"},
                                                        {"* * 0 * *", "day '0'"},
                                                        {"* * 32 * *", "day '32'"},
                                                        {"* * * 13 *", "month '13'"},
                                                        {"* * * * 8", "weekday '8'"},
                                                        {"* * * * funday", "weekday 'funday'"},
                                                        {"5-1 * * * *", "minute '5-1'"},
                                                        {"*/0 * * * *", "minute '*/0'"},
                                                        {"1,,2 * * * *", "minute ''"},
                                                        {"-1 * * * *", "minute '-1'"},
                                                        {"1e1 * * * *", "minute '1e1'"},
                                                        {"@never", "@never"},
                                                        {"* * * * * Mars/Olympus", "Mars/Olympus"},
                                                        {"* * * * * UTC x", "five fields"}}) {
    INFO(line);
    CHECK(whyNot(line).find(word) != std::string::npos);
  }
}

TEST_CASE("Calendar events are what systemd makes of them") {
  if (!isInstalled("systemd-analyze")) return;
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  Dice dice(seed);
  const std::vector<std::string> weekdays{"",         "",          "Mon ",          "Mon..Fri ",
                                          "sat,sun ", "Fri..Sun ", "Tue,Thu..Sat ", "wednesday "};
  const std::vector<std::string> dates{
      "",          "*-*-* ", "2027-*-* ",     "*-02-* ",          "*-1..3-01 ",   "*-*-1,15 ", "*-*~1 ",   "*-*~03 ",
      "*-5~07/1 ", "12-25 ", "*-*-10..20/3 ", "2026..2028-06-* ", "2026/2-*-30 ", "*-02-29 ",  "*-*~1..3 "};
  const std::vector<std::string> times{"",           "09:00",     "*:00",     "*:0/20",  "8..10:30:15",
                                       "00:00:0/30", "1,13:0/25", "23:59:59", "*:*:0/15"};
  const std::vector<std::string> zones{"", " UTC", " Europe/Madrid", " America/New_York"};
  std::vector<std::string> events{"minutely", "hourly",    "daily",        "weekly",
                                  "monthly",  "quarterly", "semiannually", "yearly"};
  for (int i = 0; i < 60; ++i) {
    std::string event = dice.pick(weekdays) + dice.pick(dates) + dice.pick(times);
    while (!event.empty() && event.back() == ' ') event.pop_back();
    if (event.empty()) continue;
    events.push_back(event + dice.pick(zones));
  }
  int compared = 0;
  for (const std::string& event : events) {
    const std::string start = dice.oneIn(2) ? "2026-03-28 20:17:05" : "2026-10-24 23:59:59";
    // It skips what summer time leaves out, and takes the second of what comes twice, so those days are left out.
    std::istringstream lines(
        outputOf("TZ=UTC systemd-analyze calendar --base-time='" + start + "' --iterations=12 '" + event + "'"));
    std::vector<std::string> expected;
    for (std::string line; std::getline(lines, line);) {
      const std::size_t at = line.find(": ");
      const bool isTime = line.find("Next elapse:") != std::string::npos || line.find("Iter. #") != std::string::npos;
      const bool isInUtc = line.find("(in UTC)") != std::string::npos;
      if (isInUtc && !expected.empty()) expected.pop_back();
      if (!isTime && !isInUtc) continue;
      std::tm time{};
      if (at == std::string::npos || ::strptime(line.c_str() + at + 2, "%a %Y-%m-%d %H:%M:%S", &time) == nullptr)
        continue;
      expected.push_back(textOf(::timegm(&time) * second));
    }
    INFO(event << " from " << start);
    const auto found = firings(timingOfCalendarEvent(event), start.substr(0, 10) + "T" + start.substr(11) + "Z", 12);
    const auto isDayOfChange = [](const std::string& time) {
      // Behind 2037 the library has no changes any more.
      if (time >= "2037") return true;
      for (const char* day : {"2026-03-29", "2026-10-25", "2026-11-01", "2027-03-14", "2027-03-28"})
        if (time.starts_with(day)) return true;
      return false;
    };
    if (std::any_of(expected.begin(), expected.end(), isDayOfChange) ||
        std::any_of(found.begin(), found.end(), isDayOfChange))
      continue;
    CHECK(found == expected);
    ++compared;
  }
  CHECK(compared > 15);
}

TEST_CASE("A calendar event that is none is refused with what is wrong") {
  for (const char* event : {"", "someday", "Mon..", "*-13-01", "*-*-32", "25:00", "12:60", "12:00:61", "12:00:00:00",
                            "1969-01-01", "*-*-* 12:00 Mars/Olympus", "12:00 UTC UTC", "*-*~0", "Mon,Foo *-*-*",
                            "2026..2020-*-*", "2026/0-*-*", "*-*-1/0", "12:00.5"}) {
    INFO(event);
    CHECK_THROWS_AS(timingOfCalendarEvent(event), Error);
  }
}

TEST_CASE("A step of days begins anew in each month") {
  // Where systemd 252 leaves out the first of January.
  CHECK(firings(timingOfCalendarEvent("*-*-1/7 09:00"), "2026-12-20T00:00:00Z", 4) ==
        std::vector<std::string>{"2026-12-22T09:00:00Z", "2026-12-29T09:00:00Z", "2027-01-01T09:00:00Z",
                                 "2027-01-08T09:00:00Z"});
}

TEST_CASE("Weekdays of a calendar event may run over the end of the week") {
  CHECK(timingOfCalendarEvent("Sat..Mon 09:00") == timingOfCalendarEvent("Sat,Sun,Mon 09:00"));
  CHECK(timingOfCalendarEvent("Mon..Sun 09:00") == timingOfCalendarEvent("sun,mon,tue,wed,thu,fri,sat 09:00"));
}

TEST_CASE("A timing is read in each of its written forms") {
  const std::int64_t now = utc("2026-11-30T10:00:07Z");
  CHECK(timingOfText("every 90s", now) == Timing(IntervalTiming{now, 90 * second, never}));
  CHECK(timingOfText("every 1h30m from 2026-01-01T00:00:00Z until 2027-01-01T00:00:00Z", now) ==
        Timing(IntervalTiming{utc("2026-01-01T00:00:00Z"), 90 * minute, utc("2027-01-01T00:00:00Z")}));
  CHECK(timingOfText("2030-01-31T06:20:00+02:00", now) == Timing(OnceTiming{utc("2030-01-31T04:20:00Z")}));
  CHECK(timingOfText(" 0 9 * * mon-fri ", now) == Timing(timingOfCronLine("0 9 * * mon-fri")));
  CHECK(timingOfText("@daily Europe/Madrid", now) == Timing(timingOfCronLine("@daily Europe/Madrid")));
  CHECK(timingOfText("daily", now) == Timing(timingOfCalendarEvent("daily")));
  CHECK(timingOfText("*-*-01 09:00", now) == Timing(timingOfCalendarEvent("*-*-01 09:00")));
  CalendarTiming calendar;
  calendar.times = {9 * 3600, 17 * 3600 + 1800};
  calendar.weekdays = bits({0, 1});
  calendar.days = bits({1, 31});
  calendar.months = bits({12});
  calendar.years = {{2027, 2027, 1}};
  calendar.zone = "Europe/Madrid";
  CHECK(timingOfText(R"({"time":["17:30","9:00","09:00"],"weekday":[1,7],"day":[31,1],"month":[12],"year":[2027],
                         "timezone":"Europe/Madrid"})",
                     now) == Timing(calendar));
  CHECK(timingOfText(R"({"time":[],"weekday":null})", now) == Timing(CalendarTiming{}));
  CHECK(timingOfText(R"({"interval":2500.5,"end":"2027-01-01T00:00:00Z"})", now) ==
        Timing(IntervalTiming{now, 2'500'500, utc("2027-01-01T00:00:00Z")}));
  CHECK(timingOfText(R"({"weekday":[0]})", now) == timingOfText(R"({"weekday":[7]})", now));
}

TEST_CASE("A timing that cannot be read is refused with what is wrong") {
  const auto whyNot = [](const std::string& text) -> std::string {
    try {
      (void)timingOfText(text, 0);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid);
      return error.what();
    }
    return "";
  };
  for (const auto& [text, word] : std::vector<std::pair<std::string, std::string>>{
           {"", "needs a timing"},
           {"every", "every DURATION"},
           {"every 0", "longer than nothing"},
           {"every soon", "soon"},
           {"every 5s at 2026-01-01T00:00:00Z", "'at'"},
           {"every 5s from 2026-01-01T00:00:00Z until 2026-01-01T00:00:00Z", "ends before"},
           {"whenever", "calendar event"},
           {"2030-02-31T00:00:00Z", "2030-02-31"},
           {"{", "JSON"},
           {"{\"time\":\"09:00\"}", "time must be a list"},
           {"{\"time\":[\"25:00\"]}", "25:00"},
           {"{\"time\":[\"0900\"]}", "0900"},
           {"{\"time\":[\"9:0\"]}", "9:0"},
           {"{\"time\":[900]}", "900"},
           {"{\"month\":[0]}", "month"},
           {"{\"month\":[13]}", "13"},
           {"{\"day\":[0]}", "day"},
           {"{\"day\":[32]}", "32"},
           {"{\"day\":[1.5]}", "1.5"},
           {"{\"weekday\":[8]}", "8"},
           {"{\"weekday\":[-1]}", "-1"},
           {"{\"weekday\":[\"Sun\"]}", "Sun"},
           {"{\"year\":[1]}", "year"},
           {"{\"timezone\":7}", "timezone"},
           {"{\"timezone\":\"Mars/Olympus\"}", "Mars/Olympus"},
           {"{\"times\":[]}", "'times'"},
           {"{\"interval\":0}", "interval"},
           {"{\"interval\":-5}", "interval"},
           {"{\"interval\":\"abc\"}", "abc"},
           {"{\"interval\":5,\"init\":\"24/06/2022\"}", "24/06/2022"},
           {"{\"interval\":5,\"time\":[]}", "'time'"}}) {
    INFO(text);
    CHECK(whyNot(text).find(word) != std::string::npos);
  }
}
