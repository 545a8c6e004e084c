#include "jobs/command_spec.h"

#include <catch2/catch.hpp>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"

using namespace callsheet;

TEST_CASE("A command's parameters are natural JSON", "[jobs][command]") {
  REQUIRE(toJson(CommandSpec{{"ls", "-l"}, {{"A", "b"}}, "/tmp"}) ==
          R"({"argv":["ls","-l"],"env":{"A":"b"},"cwd":"/tmp"})");
  CommandSpec spec{{}, {{"A", "b"}}, "/tmp"};
  fromJson(R"({"argv":["true"]})", spec);
  REQUIRE(spec.argv == std::vector<std::string>{"true"});
  REQUIRE(spec.env.empty());
  REQUIRE(spec.cwd.empty());
  REQUIRE_THROWS_AS(fromJson("{}", spec), Error);
}

TEST_CASE("A command that could never run is refused with a reason", "[jobs][command]") {
  using namespace std::string_literals;
  CHECK_FALSE(whyRefused({{"true"}, {}, {}}));
  CHECK(whyRefused({{}, {}, {}}));
  CHECK(whyRefused({{""}, {}, {}}));
  CHECK(whyRefused({{"a\0b"s}, {}, {}}));
  CHECK(whyRefused({{"true"}, {{"A=B", "c"}}, {}}));
  CHECK(whyRefused({{"true"}, {{"", "c"}}, {}}));
  CHECK(whyRefused({{"true"}, {{"A", "a\0b"s}}, {}}));
  CHECK(whyRefused({{"true"}, {}, "a\0b"s}));
}
