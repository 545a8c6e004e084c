#include "core/duration_text.h"

#include <catch2/catch.hpp>
#include <limits>
#include <random>

#include "callsheet/errors.h"

using namespace callsheet;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using std::chrono::microseconds;

namespace {
template <class Parse>
std::string refusalOf(const Parse& parse, std::string_view text) {
  try {
    (void)parse(text);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return "accepted";
}
}  // namespace

TEST_CASE("Durations are read as people type them", "[core][text]") {
  REQUIRE(parseDuration("90") == 90s);
  REQUIRE(parseDuration("0") == 0s);
  REQUIRE(parseDuration("1.5") == 1500ms);
  REQUIRE(parseDuration("1.5s") == 1500ms);
  REQUIRE(parseDuration(".5s") == 500ms);
  REQUIRE(parseDuration("250ms") == 250ms);
  REQUIRE(parseDuration("7us") == 7us);
  REQUIRE(parseDuration("3h") == 3h);
  REQUIRE(parseDuration("1h30m") == 90min);
  REQUIRE(parseDuration("2d") == 48h);
  REQUIRE(parseDuration("1w2d3h4m5s6ms7us") == 7us + 6ms + 5s + 4min + (24 * 9 + 3) * 1h);
  REQUIRE(parseDuration("0.0000019s") == 1us);
  REQUIRE(parseDuration("9223372036854775807us") == microseconds::max());
}

TEST_CASE("Other durations are refused with a sentence", "[core][text]") {
  const auto refusal = [](std::string_view text) { return refusalOf(parseDuration, text); };
  REQUIRE_THAT(refusal("-5"), Contains("'-5' is negative"));
  REQUIRE_THAT(refusal("9223372036854775808us"), Contains("too long"));
  REQUIRE_THAT(refusal("9223372036854775807us1us"), Contains("large to small"));
  REQUIRE_THAT(refusal("9223372036854s775ms808us"), Contains("too long"));
  REQUIRE_THAT(refusal("99999999999999999999"), Contains("too long"));
  REQUIRE_THAT(refusal("15250285w"), Contains("too long"));
  REQUIRE_THAT(refusal("1h30"), Contains("lacks a unit"));
  REQUIRE_THAT(refusal("30m1h"), Contains("large to small"));
  REQUIRE_THAT(refusal("1h1h"), Contains("large to small"));
  for (const char* text : {"", ".", "s", "1y", "1 s", " 1", "1s ", "1..5", "1e3", "five", "1h m", "+1", "0x10"}) {
    CAPTURE(text);
    REQUIRE(refusal(text) != "accepted");
  }
}

TEST_CASE("Durations are shown in at most two units that read back", "[core][text]") {
  const std::pair<microseconds, const char*> rows[] = {
      {0s, "0s"},           {850us, "850us"},    {1500us, "1.5ms"},   {9999us, "9.9ms"}, {250ms, "250ms"},
      {999'999us, "999ms"}, {12'345ms, "12.3s"}, {59'999ms, "59.9s"}, {60s, "1m"},       {90s, "1m30s"},
      {125min, "2h5m"},     {76h, "3d4h"},       {24h, "1d"},         {-90s, "-1m30s"}};
  for (const auto& [duration, text] : rows) REQUIRE(formatDuration(duration) == text);
  REQUIRE(formatDuration(microseconds::min()) == "-106751991d4h");
  const auto start = std::random_device{}();
  CAPTURE(start);
  std::mt19937_64 random(start);
  for (int round = 0; round < 2'000; ++round) {
    const microseconds duration{static_cast<std::int64_t>(random() >> (1 + random() % 62))};
    const auto read = parseDuration(formatDuration(duration));
    CAPTURE(duration.count());
    REQUIRE(read <= duration);
    REQUIRE((duration - read).count() <= duration.count() / 10);
    REQUIRE(formatDuration(read) == formatDuration(duration));
  }
}

TEST_CASE("Times are written in ISO 8601 with Z and milliseconds", "[core][text]") {
  REQUIRE(formatUtc(0) == "1970-01-01T00:00:00.000Z");
  REQUIRE(formatUtc(-1) == "1969-12-31T23:59:59.999Z");
  REQUIRE(formatUtc(1'709'208'000'123'999) == "2024-02-29T12:00:00.123Z");
  REQUIRE(formatUtc(253'402'300'799'999'999) == "9999-12-31T23:59:59.999Z");
  REQUIRE(formatUtc(253'402'300'800'000'000) == "+10000-01-01T00:00:00.000Z");
  REQUIRE(formatUtc(std::numeric_limits<std::int64_t>::max()) == "+294247-01-10T04:00:54.775Z");
  REQUIRE(formatUtc(std::numeric_limits<std::int64_t>::min()) == "-290308-12-21T19:59:05.224Z");
}

TEST_CASE("Times are read with a zone, and only if they exist", "[core][text]") {
  REQUIRE(parseUtc("1970-01-01T00:00:00Z") == 0);
  REQUIRE(parseUtc("2024-02-29T12:00:00.123456Z") == 1'709'208'000'123'456);
  REQUIRE(parseUtc("2024-02-29 12:00:00.1z") == 1'709'208'000'100'000);
  REQUIRE(parseUtc("2024-02-29T14:00:00+02:00") == 1'709'208'000'000'000);
  REQUIRE(parseUtc("2024-02-29T06:30:00-05:30") == 1'709'208'000'000'000);
  REQUIRE(parseUtc("1969-12-31T23:59:59.9999999Z") == -1);
  const auto refusal = [](std::string_view text) { return refusalOf(parseUtc, text); };
  REQUIRE_THAT(refusal("2024-02-29T12:00:00"), Contains("has no zone"));
  REQUIRE_THAT(refusal("2023-02-29T12:00:00Z"), Contains("day that does not exist"));
  REQUIRE_THAT(refusal("1900-02-29T12:00:00Z"), Contains("day that does not exist"));
  REQUIRE_THAT(refusal("2024-13-01T12:00:00Z"), Contains("day that does not exist"));
  REQUIRE_THAT(refusal("2024-01-01T24:00:00Z"), Contains("time of day"));
  REQUIRE_THAT(refusal("2024-01-01T00:00:00+24:00"), Contains("offset"));
  for (const char* text : {"", "now", "2024-01-01", "2024-1-1T00:00:00Z", "2024-01-01T00:00:00.Z",
                           "2024-01-01T00:00:00ZZ", "2024-01-01T00:00:00+0200", "20240101T000000Z"}) {
    CAPTURE(text);
    REQUIRE(refusal(text) != "accepted");
  }
}

TEST_CASE("A written time reads back to the millisecond, through all of four centuries", "[core][text]") {
  const auto start = std::random_device{}();
  CAPTURE(start);
  std::mt19937_64 random(start);
  for (std::int64_t day = -80'000; day < 80'000; ++day) {
    const std::int64_t micros = day * 86'400'000'000 + static_cast<std::int64_t>(random() % 86'400'000) * 1'000;
    if (parseUtc(formatUtc(micros)) != micros) FAIL(micros);
  }
}
