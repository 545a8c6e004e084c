#include "api/request_target.h"

#include <catch2/catch.hpp>

using namespace callsheet;
using Query = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("A target is taken apart before it is decoded") {
  const auto target = parseTarget("/jobs/a%2Fb%3fc+d?x=1%262&y=a+b%2b&x=&flag&&=v&e=a=b");
  REQUIRE(target);
  CHECK(target->path == "/jobs/a/b?c+d");
  CHECK(target->query == Query{{"x", "1&2"}, {"y", "a b+"}, {"x", ""}, {"flag", ""}, {"", "v"}, {"e", "a=b"}});
  CHECK(parseTarget("/")->path == "/");
  CHECK(parseTarget("/?")->query.empty());
  CHECK(parseTarget("/%41")->path == "/A");
}

TEST_CASE("A target that is not understood is refused") {
  for (const char* target : {"", "*", "jobs", "http://localhost/", "/%", "/%4", "/%4g", "/%g4", "/%00", "/a%00b", "/?%",
                             "/?a=%4", "/?a%00=b", "/?a=b&c=%zz"}) {
    INFO(target);
    CHECK_FALSE(parseTarget(target));
  }
}

TEST_CASE("A logged path has no query, no control characters and a length") {
  CHECK(loggablePath("/jobs/a%0a?token=secret") == "/jobs/a%0a");
  CHECK(loggablePath("/a\nb\x1b[1m\xff") == "/a?b?[1m?");
  CHECK(loggablePath("/" + std::string(9000, 'a')).size() == 203);
}
