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
  CommandSpec full{{"cat"}, {}, "/"};
  full.input = "text";
  full.nice = -5;
  full.ionice = "best-effort:7";
  full.separateStderr = true;
  const std::string text = toJson(full);
  REQUIRE(
      text ==
      R"({"argv":["cat"],"env":{},"cwd":"/","input":"text","nice":-5,"ionice":"best-effort:7","separateStderr":true})");
  REQUIRE(toJson(fromJson<CommandSpec>(text)) == text);
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
  const auto refuses = [](const std::string& option) {
    return whyRefused(fromJson<CommandSpec>(R"({"argv":["true"],)" + option + "}")).has_value();
  };
  for (const char* good : {R"("umask":"0077")", R"("nice":19)", R"("ionice":"realtime:0")", R"("ionice":"idle")",
                           R"("graceMs":0)", R"("stdinFile":"/etc/passwd")", R"("input":"")"})
    CHECK_FALSE(refuses(good));
  for (const char* bad : {R"("umask":"088")", R"("umask":"")", R"("nice":20)", R"("ionice":"idle:1")",
                          R"("ionice":"best-effort:8")", R"("graceMs":-1)", R"("memoryBytes":0)", R"("cpuSeconds":0)",
                          R"("stdinFile":"")", R"("stdinFile":"a","input":"b")"})
    CHECK(refuses(bad));
}
