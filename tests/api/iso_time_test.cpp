#include "api/iso_time.h"

#include <catch2/catch.hpp>
#include <limits>

#include "callsheet/errors.h"
#include "tests/support/seed.h"

using namespace callsheet;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {
std::string refusalOf(std::string_view text) {
  try {
    (void)parseTime(text);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return "accepted";
}
}  // namespace

TEST_CASE("A time is written with all its microseconds", "[api][text]") {
  REQUIRE(formatUtcMicros(0) == "1970-01-01T00:00:00.000000Z");
  REQUIRE(formatUtcMicros(1'683'217'994'682'354) == "2023-05-04T16:33:14.682354Z");
  REQUIRE(formatUtcMicros(1'683'217'994'682'004) == "2023-05-04T16:33:14.682004Z");
  REQUIRE(formatUtcMicros(-1) == "1969-12-31T23:59:59.999999Z");
  REQUIRE(formatUtcMicros(std::numeric_limits<std::int64_t>::min()) == "-290308-12-21T19:59:05.224192Z");
}

TEST_CASE("A time without a zone is UTC, and a day is its midnight", "[api][text]") {
  constexpr std::int64_t time = 1'683'214'243'000'000;
  REQUIRE(parseTime("2023-05-04T15:30:43") == time);
  REQUIRE(parseTime("2023-05-04 15:30:43") == time);
  REQUIRE(parseTime("2023-05-04T15:30:43.5") == time + 500'000);
  REQUIRE(parseTime("2023-05-04T15:30:43Z") == time);
  REQUIRE(parseTime("2023-05-04T15:30:43.000001Z") == time + 1);
  REQUIRE(parseTime("2023-05-04T17:30:43+02:00") == time);
  REQUIRE(parseTime("2023-05-04T10:30:43.0-05:00") == time);
  REQUIRE(parseTime("2023-05-04") == 1'683'158'400'000'000);
}

TEST_CASE("What is no time is refused by the text that was given", "[api][text]") {
  REQUIRE_THAT(refusalOf("2023-02-29"), Equals("The time '2023-02-29' is a day that does not exist."));
  REQUIRE_THAT(refusalOf("2023-05-04T25:00:00"),
               Equals("The time '2023-05-04T25:00:00' is a time of day that does not exist."));
  REQUIRE_THAT(refusalOf("2023-05-04T15:30:43+2"), Contains("is not a time"));
  REQUIRE_THAT(refusalOf(std::string(100'000, '1')), Contains("longer"));
  for (const char* text :
       {"", "now", "2023-05", "2023-05-04T", "2023-05-04T15:30", "2023-05-04T15:30:43.", "2023-05-04Z",
        "2023-05-04T15:30:43 Z", "2023-05-04T15:30:43ZZ", "2023/05/04", "1683214243"}) {
    CAPTURE(text);
    REQUIRE(refusalOf(text) != "accepted");
  }
}

TEST_CASE("A written time reads back to the microsecond", "[api][text]") {
  const auto seed = tests::randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  tests::Dice dice(seed);
  for (int round = 0; round < 20'000; ++round) {
    const auto micros = static_cast<std::int64_t>(dice.bits() % 253'402'300'800'000'000);
    const std::string text = formatUtcMicros(micros);
    CAPTURE(text);
    REQUIRE(text.size() == 27);
    REQUIRE(parseTime(text) == micros);
  }
}
