#include "callsheet/job_key.h"

#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <unordered_set>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"

using namespace callsheet;

TEST_CASE("A key's bytes say where each part ends", "[core][key]") {
  REQUIRE(JobKey::of("report", 42).bytes() == "6:report2:42");
  REQUIRE(JobKey::of("a", "bc") != JobKey::of("ab", "c"));
  REQUIRE(JobKey::of("a", "") != JobKey::of("a"));
  REQUIRE(JobKey::of("a", "", "b") != JobKey::of("a", "b", ""));
  REQUIRE(JobKey::of("1:a") != JobKey::of("a"));
}

TEST_CASE("A key typed by a person equals the one that a program makes", "[core][key]") {
  REQUIRE(JobKey::parse("report/42") == JobKey::of("report", 42));
  REQUIRE(JobKey::of("report", "42") == JobKey::of("report", 42));
  REQUIRE(JobKey::parse("flag/true/false") == JobKey::of("flag", true, false));
  REQUIRE(
      JobKey::of("n", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::uint64_t>::max()).toString() ==
      "n/-9223372036854775808/18446744073709551615");
  const auto id = makeJobID();
  REQUIRE(JobKey::of("job", id) == JobKey::parse("job/" + id.toString()));
}

TEST_CASE("The text form escapes what would not come back", "[core][key]") {
  const auto key = JobKey::of("a/b", "50%", "line\nend", "ü", "");
  REQUIRE(key.toString() == "a%2Fb/50%25/line%0Aend/ü/");
  REQUIRE(JobKey::parse(key.toString()) == key);
  REQUIRE(JobKey::parse("a%2fb") == JobKey::of("a/b"));
  REQUIRE(key.parts() == std::vector<std::string>{"a/b", "50%", "line\nend", "ü", ""});
  REQUIRE(JobKey{}.toString().empty());
  REQUIRE(JobKey{}.isEmpty());
  REQUIRE(toJson(JobKey::of("a", 1)) == "\"a/1\"");
  REQUIRE(fromJson<JobKey>("\"a/1\"") == JobKey::of("a", 1));
  REQUIRE(fromJson<JobKey>("\"\"").isEmpty());
}

TEST_CASE("A key that is empty, too long, half escaped or not UTF-8 is refused", "[core][key]") {
  REQUIRE_THROWS_AS(JobKey::of(""), Error);
  REQUIRE_THROWS_AS(JobKey::parse(""), Error);
  REQUIRE_THROWS_AS(JobKey::parse("a%2"), Error);
  REQUIRE_THROWS_AS(JobKey::parse("a%"), Error);
  REQUIRE_THROWS_AS(JobKey::parse("a%zz"), Error);
  REQUIRE_THROWS_AS(JobKey::parse("a%ff"), Error);
  REQUIRE_THROWS_AS(JobKey::of("\xff"), Error);
  REQUIRE(JobKey::of(std::string(252, 'x')).bytes().size() == 256);
  REQUIRE_THROWS_AS(JobKey::of(std::string(253, 'x')), Error);
  REQUIRE_NOTHROW(JobKey::parse("/"));
}

TEST_CASE("Canonical bytes are read back, and nothing else is", "[core][key]") {
  for (const auto& key :
       {JobKey{}, JobKey::of("a"), JobKey::of("report", 42), JobKey::of("", ""), JobKey::of("0:", "1:x")})
    REQUIRE(JobKey::fromBytes(key.bytes()) == key);
  for (const char* bytes :
       {"a", "1:", "2:a", "01:a", "1:ab", ":", "-1:a", "1a", "0:", "99999999999999999999:a", "+1:a", "1:\xff"}) {
    CAPTURE(bytes);
    REQUIRE_FALSE(JobKey::fromBytes(bytes).has_value());
  }
}

TEST_CASE("Different parts never make one key", "[core][key]") {
  const auto start = std::random_device{}();
  CAPTURE(start);
  std::mt19937 random(start);
  std::unordered_set<JobKey> seen;
  std::unordered_set<std::string> texts;
  for (int round = 0; round < 5'000; ++round) {
    std::string parts[2];
    for (auto& part : parts)
      for (auto letters = random() % 5; letters > 0; --letters) part += "ab:/%1\n"[random() % 7];
    const auto key = JobKey::of(parts[0], parts[1]);
    REQUIRE(key.parts() == std::vector<std::string>{parts[0], parts[1]});
    REQUIRE(JobKey::parse(key.toString()) == key);
    REQUIRE(JobKey::fromBytes(key.bytes()) == key);
    REQUIRE(seen.insert(key).second == texts.insert(key.toString()).second);
  }
}
