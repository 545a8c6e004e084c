#include "core/json_payload.h"

#include <catch2/catch.hpp>

#include "callsheet/errors.h"

using namespace callsheet;
using Catch::Matchers::Contains;

namespace {
std::string refusalOf(std::string_view text, std::size_t maxBytes = 1000) {
  try {
    validateJson(text, maxBytes);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::invalid);
    REQUIRE(findInvalidUtf8(error.what()) == std::string_view::npos);
    return error.what();
  }
  return "accepted";
}
}  // namespace

TEST_CASE("Any one JSON value is accepted as a payload", "[core][payload]") {
  for (const char* text :
       {"null", "1", "\"x\"", "[]", R"({"a":[1,2.5e3,true,"\u00fc"],"b":{}})", " \n 1 ", "\"\xF0\x9F\x98\x80\""}) {
    CAPTURE(text);
    REQUIRE(refusalOf(text) == "accepted");
  }
}

TEST_CASE("A payload that is broken, too deep, too large or not UTF-8 is refused with the reason", "[core][payload]") {
  REQUIRE_THAT(refusalOf("[1,]"), Contains("syntax error") && Contains("byte 4"));
  REQUIRE_THAT(refusalOf(""), Contains("unexpected end of input"));
  REQUIRE_THAT(refusalOf("[1] 2"), Contains("byte 5"));
  REQUIRE_THAT(refusalOf("NaN"), Contains("syntax error"));
  REQUIRE_THAT(refusalOf("{'a':1}"), Contains("syntax error"));
  REQUIRE_THAT(refusalOf("1e999"), Contains("1e999"));
  REQUIRE_THAT(refusalOf("\"\\ud800\""), Contains("surrogate"));
  REQUIRE_THAT(refusalOf("\"\xC3\x28\""), Contains("not valid UTF-8 (byte 1)"));
  REQUIRE_THAT(refusalOf(std::string("1\0", 2)), Contains("zero byte at 1"));
  REQUIRE_THAT(refusalOf("\xEF\xBB\xBF{}"), Contains("byte order mark"));
  REQUIRE_THAT(refusalOf("[1,2]", 4), Contains("5 bytes and 4 are allowed"));
  REQUIRE(refusalOf("[1,2]", 5) == "accepted");
  REQUIRE(refusalOf(std::string(64, '[') + std::string(64, ']')) == "accepted");
  REQUIRE_THAT(refusalOf(std::string(65, '[') + std::string(65, ']')), Contains("deeper than 64"));
  REQUIRE_THAT(refusalOf(std::string(2'000'000, '['), 4'000'000), Contains("deeper than 64"));
}

TEST_CASE("Bytes that are not UTF-8 are found and replaced, and nothing else", "[core][payload]") {
  const std::string_view valid =
      "a\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";
  REQUIRE(findInvalidUtf8(valid) == valid.npos);
  REQUIRE(replaceInvalidUtf8(valid) == valid);
  for (const char* text : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xFF"}) {
    CAPTURE(text);
    REQUIRE(findInvalidUtf8(text) == 0);
    REQUIRE(findInvalidUtf8(replaceInvalidUtf8(text)) == std::string::npos);
  }
  REQUIRE(replaceInvalidUtf8("a\xFFü\xC3") == "a\xEF\xBF\xBDü\xEF\xBF\xBD");
  REQUIRE(findInvalidUtf8("abc\xFF") == 3);
}
