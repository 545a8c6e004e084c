// When schedules fire: against the plain rules, a walk of every minute under the C library's own clock, and what the
// system's zdump says.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <sstream>

#include "core/schedule/timing.h"
#include "core/schedule/zone.h"
#include "tests/core/schedule_times.h"
#include "tests/support/seed.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

constexpr std::int64_t minuteSeconds = 60;
constexpr std::int64_t daySeconds = 86'400;

/// The C library's zone for as long as it lives.
class LocalTime {
 public:
  explicit LocalTime(const std::string& zone) {
    ::setenv("TZ", (":" + zone).c_str(), 1);
    ::tzset();
  }
  ~LocalTime() {
    ::unsetenv("TZ");
    ::tzset();
  }
  LocalTime(const LocalTime&) = delete;
  LocalTime& operator=(const LocalTime&) = delete;
  /// As Zone counts it.
  [[nodiscard]] static std::int64_t of(std::int64_t utcSeconds) {
    const std::time_t seconds = utcSeconds;
    std::tm time{};
    ::localtime_r(&seconds, &time);
    return utcSeconds + time.tm_gmtoff;
  }
};

}  // namespace

TEST_CASE("An interval fires on its grid, from its beginning on and before its end") {
  const IntervalTiming timing{utc("2026-01-01T00:00:10Z"), 25 * minute, utc("2026-01-01T01:15:10Z")};
  CHECK(firings(timing, "2025-01-01T00:00:00Z", 9) ==
        std::vector<std::string>{"2026-01-01T00:00:10Z", "2026-01-01T00:25:10Z", "2026-01-01T00:50:10Z"});
  CHECK(nextFiring(timing, timing.init) == timing.init + 25 * minute);
  CHECK(nextFiring(timing, timing.init - 1) == timing.init);
  CHECK(nextFiring(timing, timing.init + 25 * minute - 1) == timing.init + 25 * minute);
  // A grid of milliseconds ten thousand years later, and none that does not fit.
  const IntervalTiming fine{0, 1000, never};
  CHECK(nextFiring(fine, 253'402'300'800'000'001) == 253'402'300'800'001'000);
  CHECK_FALSE(nextFiring(fine, never - 5));
  CHECK_FALSE(nextFiring(IntervalTiming{0, 0, never}, 5));
}

TEST_CASE("What can be no timing is refused with a reason") {
  CHECK(whyRefused(IntervalTiming{0, 0, never}));
  CHECK(whyRefused(IntervalTiming{0, -5, never}));
  CHECK(whyRefused(IntervalTiming{10, 5, 10}));
  CHECK_FALSE(whyRefused(IntervalTiming{10, 5, 11}));
  CHECK_FALSE(whyRefused(OnceTiming{5}));
  CalendarTiming timing;
  CHECK_FALSE(whyRefused(timing));
  timing.zone = "Europe/Nowhere";
  CHECK(whyRefused(timing)->find("Europe/Nowhere") != std::string::npos);
  timing.zone = "../../etc/passwd";
  CHECK(whyRefused(timing));
  timing.zone = "Europe/Madrid";
  CHECK_FALSE(whyRefused(timing));
  timing.days = 1;  // there is no day 0
  CHECK(whyRefused(timing));
  timing.days = bits({31});
  timing.months = bits({13});
  CHECK(whyRefused(timing));
  timing.months = 0;
  timing.times = {daySeconds};
  CHECK(whyRefused(timing));
  timing.times = {5, 5};
  CHECK(whyRefused(timing));
  timing.times = {5, 7};
  timing.years = {{2030, 2020, 1}};
  CHECK(whyRefused(timing));
}

TEST_CASE("Once is once") {
  CHECK(nextFiring(OnceTiming{100}, 99) == 100);
  CHECK_FALSE(nextFiring(OnceTiming{100}, 100));
}

TEST_CASE("The dispatcher's example fires at nine on the Sundays of December") {
  CalendarTiming timing;
  timing.times = {9 * 3600};
  timing.weekdays = bits({0});
  timing.months = bits({12});
  CHECK(firings(timing, "2026-11-22T09:00:00Z", 5) ==
        std::vector<std::string>{"2026-12-06T09:00:00Z", "2026-12-13T09:00:00Z", "2026-12-20T09:00:00Z",
                                 "2026-12-27T09:00:00Z", "2027-12-05T09:00:00Z"});
}

TEST_CASE("With nothing set a calendar fires at the beginning of each minute") {
  CHECK(firings(CalendarTiming{}, "2026-12-31T23:58:30Z", 3) ==
        std::vector<std::string>{"2026-12-31T23:59:00Z", "2027-01-01T00:00:00Z", "2027-01-01T00:01:00Z"});
}

TEST_CASE("A calendar that no day fits never fires, and one that seldom does is found") {
  CalendarTiming timing;
  timing.times = {0};
  timing.months = bits({2});
  timing.days = bits({30});
  CHECK_FALSE(nextFiring(timing, utc("2026-01-01T00:00:00Z")));
  timing.days = bits({29});
  timing.weekdays = bits({1});
  CHECK(firings(timing, "2026-01-01T00:00:00Z", 2) ==
        std::vector<std::string>{"2044-02-29T00:00:00Z", "2072-02-29T00:00:00Z"});
  timing.years = {{2027, 2043, 1}};
  CHECK_FALSE(nextFiring(timing, utc("2026-01-01T00:00:00Z")));
}

TEST_CASE("A time that summer time leaves out fires at the gap's end, one that comes twice fires once") {
  CalendarTiming timing;
  timing.zone = "Europe/Madrid";
  timing.times = {2 * 3600 + 1800};
  CHECK(firings(timing, "2026-03-28T12:00:00Z", 2) ==
        std::vector<std::string>{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"});
  CHECK(firings(timing, "2026-10-24T12:00:00Z", 2) ==
        std::vector<std::string>{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"});
  // Several times in the gap are one instant.
  timing.times = {2 * 3600, 2 * 3600 + 60, 3 * 3600};
  CHECK(firings(timing, "2026-03-29T00:00:00Z", 2) ==
        std::vector<std::string>{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"});
  // A whole day that a place left out, and the two before and behind it.
  timing.zone = "Pacific/Apia";
  timing.times = {12 * 3600};
  CHECK(firings(timing, "2011-12-29T00:00:00Z", 3) ==
        std::vector<std::string>{"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"});
}

TEST_CASE("The changes of three zones are where the system's zdump sees them") {
  if (!isInstalled("zdump")) return;
  int changes = 0;
  for (const std::string zone : {"Europe/Madrid", "America/New_York", "Australia/Lord_Howe"}) {
    const Zone ours(zone);
    // "ZONE  Sun Mar 29 00:59:59 2026 UT = Sun Mar 29 01:59:59 2026 CET isdst=0 gmtoff=3600"
    std::istringstream lines(outputOf("zdump -v -c 2020,2031 " + zone));
    for (std::string line; std::getline(lines, line);) {
      const std::size_t offsetAt = line.find("gmtoff=");
      const std::size_t equals = line.find(" UT = ");
      if (offsetAt == std::string::npos || equals == std::string::npos) continue;
      std::tm time{};
      REQUIRE(::strptime(line.substr(zone.size()).c_str(), " %a %b %d %H:%M:%S %Y", &time) != nullptr);
      if (time.tm_year < 120 || time.tm_year > 130) continue;
      const std::int64_t at = ::timegm(&time);
      INFO(line);
      CHECK(ours.localOf(at) - at == std::stol(line.substr(offsetAt + 7)));
      ++changes;
    }
  }
  CHECK(changes >= 3 * 2 * 2 * 10);
}

TEST_CASE("Random calendars fire at just the minutes that a walk of all of them finds") {
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  Dice dice(seed);
  const std::vector<std::string> zones{"UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe",
                                       "Asia/Kolkata"};
  const auto someOf = [&](unsigned least, unsigned most, unsigned oneIn) {
    std::uint64_t set = 0;
    if (!dice.oneIn(2)) return set;
    for (unsigned number = least; number <= most; ++number)
      if (dice.oneIn(oneIn)) set |= std::uint64_t{1} << number;
    return set;
  };
  std::size_t found = 0;
  for (int round = 0; round < 60; ++round) {
    CalendarTiming timing;
    timing.zone = dice.pick(zones);
    timing.hours = someOf(0, 23, 3);
    timing.minutes = dice.oneIn(3) ? 0 : someOf(0, 59, 10) | std::uint64_t{1} << dice.roll(60);
    timing.days = someOf(1, 31, 4);
    timing.daysFromEnd = someOf(1, 31, 12);
    timing.weekdays = someOf(0, 6, 3);
    timing.months = someOf(1, 12, 2);
    timing.eitherDay = dice.oneIn(3);
    if (dice.oneIn(4)) timing.times = {dice.roll(700) * 60, 43'200 + dice.roll(700) * 60};
    const LocalTime local(timing.zone);
    // Ten days around a change of the zone's time, or anywhere.
    static const std::vector<std::string> days{"2026-03-25T00:00:00Z", "2026-10-21T00:00:00Z", "2026-03-04T00:00:00Z",
                                               "2026-10-28T00:00:00Z", "2026-04-01T00:00:00Z", "2028-02-25T00:00:00Z"};
    const std::int64_t from = utc(dice.pick(days)) / second;
    const std::int64_t until = from + 10 * daySeconds;
    const auto matches = [&](std::int64_t localSeconds) {
      const std::time_t seconds = localSeconds;
      std::tm at{};
      ::gmtime_r(&seconds, &at);
      const auto in = [](std::uint64_t set, int number) { return (set >> number & 1) != 0; };
      const auto all = [&](std::uint64_t set, int number) { return set == 0 || in(set, number); };
      if (timing.times.empty()) {
        if (!all(timing.hours, at.tm_hour) || !all(timing.minutes, at.tm_min)) return false;
      } else {
        const auto second = static_cast<std::uint32_t>(at.tm_hour * 3600 + at.tm_min * 60);
        if (second != timing.times[0] && second != timing.times[1]) return false;
      }
      if (!all(timing.months, at.tm_mon + 1)) return false;
      std::tm next{};
      next.tm_year = at.tm_year;
      next.tm_mon = at.tm_mon + 1;
      next.tm_mday = 1;
      const std::int64_t lastDay = (::timegm(&next) - daySeconds) / daySeconds;
      const auto fromEnd = static_cast<int>(lastDay - localSeconds / daySeconds) + 1;
      const bool hasDays = timing.days != 0 || timing.daysFromEnd != 0;
      const bool isDay = !hasDays || in(timing.days, at.tm_mday) || in(timing.daysFromEnd, fromEnd);
      const bool isWeekday = all(timing.weekdays, at.tm_wday);
      return timing.eitherDay && hasDays && timing.weekdays != 0 ? isDay || isWeekday : isDay && isWeekday;
    };
    std::vector<std::int64_t> expected;
    std::int64_t newest = LocalTime::of(from) - 1;  // the latest local time that there has been
    for (std::int64_t at = from; at < until; at += minuteSeconds) {
      const std::int64_t now = LocalTime::of(at);
      bool fires = false;
      // Each local minute since, those of a gap too; in a fold there is none that is new.
      for (std::int64_t passed = newest + 1; passed <= now; ++passed)
        fires = fires || (passed % minuteSeconds == 0 && matches(passed));
      newest = std::max(newest, now);
      if (fires) expected.push_back(at * second);
    }
    std::vector<std::int64_t> fired;
    for (auto at = nextFiring(timing, from * second - 1); at && *at < until * second; at = nextFiring(timing, *at))
      fired.push_back(*at);
    INFO("round " << round << ", zone " << timing.zone << ", from " << textOf(from * second));
    CHECK(fired == expected);
    found += fired.size();
    // From anywhere in between the next one is the same.
    for (int look = 0; look < 20 && !expected.empty(); ++look) {
      const std::int64_t after =
          from * second + static_cast<std::int64_t>(dice.roll(10 * 86'400)) * second + dice.roll(2);
      const auto behind = std::upper_bound(expected.begin(), expected.end(), after);
      if (behind != expected.end()) CHECK(nextFiring(timing, after) == *behind);
    }
  }
  CHECK(found > 100);
}
