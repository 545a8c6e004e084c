// What is to be run of a schedule when somebody looks again: on time, late, after years.
#include "core/schedule/firing_plan.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "core/schedule/timing_text.h"
#include "tests/support/seed.h"
#include "tests/support/verbs.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
// 2026-11-30T00:00:00Z.
constexpr std::int64_t midnight = 1'795'996'800 * second;

Timing hourly() {
  return timingOfText("hourly", 0);
}
FiringPolicy policyOf(MissedRuns missed) {
  FiringPolicy policy;
  policy.missed = missed;
  return policy;
}
}  // namespace

TEST_CASE("Before its time nothing fires, at its time once, and the next look goes on behind it") {
  const FiringPlan early = planFirings(hourly(), {}, midnight, midnight + hour - 1);
  CHECK(early.fire.empty());
  CHECK(early.cursor == midnight);
  CHECK(early.next == midnight + hour);
  const FiringPlan due = planFirings(hourly(), {}, midnight, midnight + hour + 5);
  CHECK(due.fire == std::vector{midnight + hour});
  CHECK(due.cursor == midnight + hour);
  CHECK(due.next == midnight + 2 * hour);
  CHECK(planFirings(hourly(), {}, due.cursor, midnight + hour + 5).fire.empty());
}

TEST_CASE("A clock that was set back fires nothing a second time") {
  const FiringPlan plan = planFirings(hourly(), {}, midnight + 5 * hour, midnight);
  CHECK(plan.fire.empty());
  CHECK(plan.cursor == midnight + 5 * hour);
  CHECK(plan.next == midnight + 6 * hour);
}

TEST_CASE("What was missed is skipped, made up for once, or all run, as the policy says") {
  // Ten o'clock and a half: one to ten were missed.
  const std::int64_t now = midnight + 10 * hour + 30 * minute;
  const FiringPlan skipped = planFirings(hourly(), policyOf(MissedRuns::skip), midnight, now);
  CHECK(skipped.fire.empty());
  CHECK(skipped.passedOver == 10);
  CHECK(skipped.next == midnight + 11 * hour);
  const FiringPlan once = planFirings(hourly(), policyOf(MissedRuns::once), midnight, now);
  CHECK(once.fire == std::vector{midnight + 10 * hour});
  CHECK(once.passedOver == 9);
  FiringPolicy all = policyOf(MissedRuns::all);
  CHECK(planFirings(hourly(), all, midnight, now).fire.size() == 10);
  all.missedMax = 3;
  const FiringPlan newest = planFirings(hourly(), all, midnight, now);
  CHECK(newest.fire == std::vector{midnight + 8 * hour, midnight + 9 * hour, midnight + 10 * hour});
  CHECK(newest.passedOver == 7);
  for (const FiringPlan& plan : {skipped, once, newest}) {
    CHECK(planFirings(hourly(), {}, plan.cursor, now).fire.empty());
    CHECK(planFirings(hourly(), {}, plan.cursor, now).passedOver == 0);
  }
}

TEST_CASE("One that is punctual makes up for those that were missed") {
  const std::int64_t now = midnight + 10 * hour + 30 * second;
  const FiringPlan once = planFirings(hourly(), policyOf(MissedRuns::once), midnight, now);
  CHECK(once.fire == std::vector{midnight + 10 * hour});
  CHECK(once.passedOver == 9);
  CHECK(planFirings(hourly(), policyOf(MissedRuns::skip), midnight, now).fire == once.fire);
  CHECK(planFirings(hourly(), policyOf(MissedRuns::all), midnight, now).fire.size() == 10);
}

TEST_CASE("Years without a principal cost a look no more than an hour does") {
  const Timing seconds = timingOfText("*:*:*", 0);
  const std::int64_t now = midnight + 3650 * day;
  const FiringPlan plan = planFirings(seconds, policyOf(MissedRuns::once), midnight, now);
  CHECK(plan.fire.size() == 61);  // what is punctual: the last minute
  CHECK(plan.isAtLeast);
  CHECK(plan.passedOver > 9'000);
  const FiringPlan fine = planFirings(IntervalTiming{midnight, 1000, never}, {}, midnight - 1, now);
  CHECK(fine.fire.size() == 1000);
  CHECK_FALSE(fine.isAtLeast);
  CHECK(fine.passedOver == static_cast<std::uint64_t>((now - 60 * second - midnight) / 1000));
  CHECK(*fine.next <= now);
}

TEST_CASE("A schedule that has ended fires no more, and what it missed before its end is missed") {
  const IntervalTiming timing{midnight, minute, midnight + 10 * minute};
  const FiringPlan plan = planFirings(timing, policyOf(MissedRuns::all), midnight - 1, midnight + day);
  CHECK(plan.fire.size() == 10);
  CHECK(plan.passedOver == 0);
  CHECK_FALSE(plan.next);
  CHECK_FALSE(planFirings(timing, {}, plan.cursor, midnight + 2 * day).next);
}

TEST_CASE("Looked at however often and whenever, each instant is run or passed over once") {
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  Dice dice(seed);
  const std::vector<std::string> texts{"hourly",          "*:0/7",    "every 90s", "*/5 8-18 * * mon-fri",
                                       "Mon *-*-* 09:00", "every 13m"};
  for (int round = 0; round < 200; ++round) {
    const Timing timing = timingOfText(dice.pick(texts), midnight);
    FiringPolicy policy = policyOf(static_cast<MissedRuns>(dice.roll(3)));
    policy.missedMax = 1 + dice.roll(5);
    policy.startDeadlineMicros = (1 + dice.roll(600)) * second;
    std::int64_t now = midnight;
    std::int64_t cursor = midnight;
    std::int64_t latest = midnight;
    std::vector<std::int64_t> fired;
    std::uint64_t passedOver = 0;
    for (int look = 0; look < 30; ++look) {
      const std::int64_t step = dice.oneIn(4) ? dice.roll(86'400) * second : dice.roll(300) * second;
      now += dice.oneIn(8) ? -step : step;  // somebody sets the clock
      const FiringPlan plan = planFirings(timing, policy, cursor, now, 1 + dice.roll(20));
      for (const std::int64_t at : plan.fire) {
        CHECK(at > cursor);
        CHECK(at <= now);
      }
      CHECK(std::is_sorted(plan.fire.begin(), plan.fire.end()));
      CHECK(plan.cursor >= cursor);
      CHECK(plan.next == nextFiring(timing, plan.cursor));
      fired.insert(fired.end(), plan.fire.begin(), plan.fire.end());
      passedOver += plan.passedOver;
      cursor = plan.cursor;
      latest = std::max(latest, now);
    }
    while (true) {
      const FiringPlan plan = planFirings(timing, policy, cursor, latest, 50);
      fired.insert(fired.end(), plan.fire.begin(), plan.fire.end());
      passedOver += plan.passedOver;
      cursor = plan.cursor;
      if (!plan.next || *plan.next > latest) break;
    }
    CHECK(std::adjacent_find(fired.begin(), fired.end(), std::greater_equal<>()) == fired.end());
    std::uint64_t instants = 0;
    for (auto at = nextFiring(timing, midnight); at && *at <= latest; at = nextFiring(timing, *at)) ++instants;
    CHECK(fired.size() + passedOver == instants);
  }
}
