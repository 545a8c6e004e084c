#include "api/json_schema.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"

using namespace callsheet;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;

namespace {

std::string refusalOf(const std::string& schema) {
  try {
    (void)JsonSchema::parse(schema);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::invalid);
    REQUIRE(std::string(error.what()).ends_with("."));
    return error.what();
  }
  return "accepted";
}

/// "" for a value that fits.
std::string why(const std::string& schema, const std::string& value) {
  return JsonSchema::parse(schema).whyInvalid(Json::parse(value)).value_or("");
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double secondsMax = 60;
#else
constexpr double secondsMax = 5;
#endif

double secondsOf(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  for (std::size_t time = 0; time < count; ++time) text += piece;
  return text;
}

std::string nested(std::size_t depth, const std::string& open, const std::string& inner, const std::string& close) {
  return repeated(open, depth) + inner + repeated(close, depth);
}

}  // namespace

TEST_CASE("A value that violates a schema is told where and why", "[api][schema]") {
  const std::string schema = R"({"$schema":"http://json-schema.org/draft-07/schema#","title":1,"type":"object",
    "required":["input"],"additionalProperties":false,"properties":{"input":{"type":"string","minLength":1},
    "sizes":{"type":"array","items":{"type":"integer","minimum":1}},"mode":{"enum":["fast","good"]}}})";
  REQUIRE(why(schema, R"({"input":"a","sizes":[1,2],"mode":"fast"})") == "");
  REQUIRE_THAT(why(schema, R"({"sizes":[]})"), StartsWith("At the top: ") && Contains("input"));
  REQUIRE_THAT(why(schema, R"({"input":1})"), StartsWith("At /input: ") && Contains("type"));
  REQUIRE_THAT(why(schema, R"({"input":""})"), Equals("At /input: The text is shorter than 1."));
  REQUIRE_THAT(why(schema, R"({"input":"a","sizes":[1,0]})"), StartsWith("At /sizes/1: ") && Contains("1"));
  REQUIRE_THAT(why(schema, R"({"input":"a","mode":"slow"})"), StartsWith("At /mode: "));
  REQUIRE_THAT(why(schema, R"({"input":"a","other":1})"), Contains("'other'"));
  REQUIRE_THAT(why(schema, "[]"), StartsWith("At the top: "));
}

TEST_CASE("Each keyword of a schema is checked", "[api][schema]") {
  struct Row {
    const char* schema;
    const char* fits;
    const char* violates;
  };
  const Row rows[] = {
      {"true", "1", nullptr},
      {"false", nullptr, "1"},
      {"{}", "1", nullptr},
      {R"({"type":["null","number"]})", "1.5", R"("1")"},
      {R"({"type":"integer"})", "3", "3.5"},
      {R"({"const":{"a":[1]}})", R"({"a":[1]})", R"({"a":[2]})"},
      {R"({"allOf":[{"minimum":1},{"maximum":3}]})", "2", "4"},
      {R"({"anyOf":[{"type":"null"},{"maximum":3}]})", "null", "4"},
      {R"({"oneOf":[{"minimum":1},{"maximum":3}]})", "4", "2"},
      {R"({"not":{"type":"null"}})", "1", "null"},
      {R"({"if":{"type":"string"},"then":{"maxLength":1},"else":{"minimum":5}})", R"("a")", R"("ab")"},
      {R"({"if":{"type":"string"},"then":{"maxLength":1},"else":{"minimum":5}})", "5", "4"},
      {R"({"exclusiveMinimum":1})", "2", "1"},
      {R"({"exclusiveMaximum":1})", "0", "1"},
      {R"({"multipleOf":3})", "-9", "10"},
      {R"({"multipleOf":3})", "9.0", "10.5"},
      {R"({"multipleOf":0.1})", "0.3", "0.35"},
      {R"({"maxLength":2})", "\"\\u00e4\\u0000\"", "\"a\\u0000b\""},
      {R"({"pattern":"^[a-z]+-[0-9]{2,3}$"})", R"("ab-12")", R"("ab-1")"},
      {R"({"pattern":"b|c"})", R"("abd")", R"("ad")"},
      {R"({"format":"date-time"})", R"("2023-05-04T15:30:43Z")", R"("yesterday")"},
      {R"({"format":"date"})", R"("2023-05-04")", R"("2023-02-29")"},
      {R"({"format":"date"})", "5", nullptr},
      {R"({"format":"anything"})", R"("x")", nullptr},
      {R"({"items":{"type":"null"}})", "[null]", "[null,1]"},
      {R"({"items":[{"type":"null"}],"additionalItems":false})", "[null]", "[null,1]"},
      {R"({"minItems":1})", "[1]", "[]"},
      {R"({"maxItems":1})", "[1]", "[1,2]"},
      {R"({"contains":{"const":1}})", "[2,1]", "[2]"},
      {R"({"uniqueItems":true})", R"([1,"1",[1],{"a":1},true])", R"([{"a":1,"b":2},{"b":2,"a":1}])"},
      {R"({"minProperties":1})", R"({"a":1})", "{}"},
      {R"({"maxProperties":1})", R"({"a":1})", R"({"a":1,"b":1})"},
      {R"({"additionalProperties":{"type":"null"},"properties":{"a":true}})", R"({"a":1,"b":null})", R"({"b":1})"},
      {R"({"propertyNames":{"maxLength":1}})", R"({"a":1})", R"({"ab":1})"},
      {R"({"dependencies":{"a":["b"]}})", R"({"a":1,"b":1})", R"({"a":1})"},
      {R"({"dependencies":{"a":{"required":["b"]}}})", R"({"b":1})", R"({"a":1})"},
      {R"({"$defs":{"n":{"type":"null"}},"items":{"$ref":"#/$defs/n"}})", "[null]", "[1]"},
      {R"({"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"type":"null"}}})", "null", "1"},
      {R"({"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false})",
       R"({"next":{"next":{}}})", R"({"next":{"next":{"x":1}}})"},
      {R"({"$id":"http://x/y","properties":{"a":{"$id":"b","$ref":"#/definitions/n"}},"definitions":{"n":{"type":"null"}}})",
       R"({"a":null})", R"({"a":1})"},
  };
  for (const auto& [schema, fits, violates] : rows) {
    CAPTURE(schema);
    if (fits != nullptr) CHECK(why(schema, fits) == "");
    if (violates != nullptr)
      CHECK_THAT(why(schema, violates), StartsWith("At ") || StartsWith("The value does not fit"));
  }
}

TEST_CASE("A schema that cannot be taken is refused with the reason", "[api][schema]") {
  REQUIRE_THAT(refusalOf("{"), StartsWith("The schema is refused: it is not JSON"));
  REQUIRE_THAT(refusalOf(R"({"type":"null","type":"null"})"), Contains("'type' twice"));
  REQUIRE_THAT(refusalOf("[]"), Contains("an object or a boolean"));
  REQUIRE_THAT(refusalOf(R"({"properties":{"a":1}})"), Contains("/properties/a"));
  REQUIRE_THAT(refusalOf(R"({"type":"text"})"), Contains("type"));
  REQUIRE_THAT(refusalOf(R"({"type":[{"$ref":"#"}]})"), Contains("type"));
  REQUIRE_THAT(refusalOf(R"({"enum":1})"), StartsWith("The schema is refused: "));
  REQUIRE_THAT(refusalOf(R"({"required":"a"})"), StartsWith("The schema is refused: "));
  REQUIRE_THAT(refusalOf(R"({"multipleOf":0})"), Contains("multipleOf"));
  REQUIRE_THAT(refusalOf(R"({"maxLength":-1})"), Contains("maxLength"));
  REQUIRE_THAT(refusalOf(R"({"exclusiveMaximum":true,"maximum":1})"), StartsWith("The schema is refused: "));
  REQUIRE_THAT(refusalOf(R"({"patternProperties":{"a":{}}})"), Contains("`patternProperties` is not supported"));
  REQUIRE_THAT(refusalOf(R"({"items":{"prefixItems":[]}})"), Contains("`prefixItems` is not supported"));
  for (const char* reference : {"http://example.com/a", "other.json#/a", "file:///etc/passwd", "#a",
                                "#/definitions/a~1b", "#/definitions/a%20b", "#/definitions/", "#/"})
    REQUIRE_THAT(refusalOf(R"({"$ref":")" + std::string(reference) + "\"}"), Contains("must be local"));
  REQUIRE_THAT(refusalOf(R"({"items":{"$ref":"#/definitions/none"}})"), Contains("names no subschema"));
  REQUIRE_THAT(refusalOf(R"({"items":{"$ref":"#/enum/0"},"enum":[{"type":"null"}]})"), Contains("names no subschema"));
  REQUIRE_THAT(refusalOf(R"({"properties":{"a/properties/b":{},"a":{"properties":{"b":{}}}}})"),
               Contains("two subschemas"));
}

TEST_CASE("References that never end are refused", "[api][schema]") {
  for (const char* schema :
       {R"({"$ref":"#"})", R"({"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/a"}}})",
        R"({"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}})",
        R"({"allOf":[{"$ref":"#"}]})", R"({"not":{"$ref":"#"}})", R"({"if":{"$ref":"#"}})",
        R"({"dependencies":{"a":{"$ref":"#"}}})", R"({"items":{"anyOf":[{"type":"null"},{"$ref":"#/items"}]}})"}) {
    CAPTURE(schema);
    REQUIRE_THAT(refusalOf(schema), Contains("leads to itself"));
  }
  std::string chain = R"({"$ref":"#/definitions/a0","definitions":{)";
  for (int link = 0; link < 1000; ++link)
    chain += "\"a" + std::to_string(link) + R"(":{"$ref":"#/definitions/a)" + std::to_string(link + 1) + "\"},";
  REQUIRE_THAT(refusalOf(chain + R"("a1000":{}}})"), Contains("nested too deeply"));
  REQUIRE_THAT(refusalOf(nested(16, R"({"allOf":[)", "{}", "]}")), Contains("more than 16 subschemas"));
  chain = R"({"$ref":"#/definitions/a0","definitions":{)";
  for (int link = 0; link < 1000; ++link)
    chain +=
        "\"a" + std::to_string(link) + R"(":{"items":{"$ref":"#/definitions/a)" + std::to_string(link + 1) + "\"}},";
  REQUIRE_THAT(refusalOf(chain + R"("a1000":{}}})"), Contains("nested too deeply"));
}

TEST_CASE("The largest nesting of schema and value is checked", "[api][schema]") {
  std::string chain = R"({"$ref":"#/definitions/a0","definitions":{)";
  for (int link = 0; link < 130; ++link)
    chain +=
        "\"a" + std::to_string(link) + R"(":{"items":{"$ref":"#/definitions/a)" + std::to_string(link + 1) + "\"}},";
  REQUIRE(why(chain + R"("a130":{}}})", nested(64, "[", "", "]")) == "");
  const std::string deep = nested(15, R"({"allOf":[)", R"({"items":{"$ref":"#"}})", "]}");
  REQUIRE(why(deep, nested(64, "[", "", "]")) == "");
  REQUIRE_THAT(why("{}", nested(65, "[", "", "]")), Contains("deeper than 64"));
}

TEST_CASE("A check that would take for ever ends with a reason", "[api][schema]") {
  // Twice as many subschemas look at each level.
  std::string doubling = R"({"$ref":"#/definitions/a0","definitions":{)";
  for (int level = 0; level < 7; ++level) {
    const std::string next = R"({"$ref":"#/definitions/a)" + std::to_string(level + 1) + "\"}";
    doubling += "\"a" + std::to_string(level) + "\":{\"allOf\":[" + next + "," + next + "]},";
  }
  doubling += R"("a7":{"items":{"$ref":"#"}}}})";
  const std::string small = R"({"allOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]})";
  const std::string alternatives =
      R"({"anyOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}},{"not":{}}],"maxItems":0})";
  const std::string value = nested(64, "[", "", "]");
  std::string numbers = "[0";
  std::string words = "{\"enum\":[0";
  for (int number = 1; number < 150'000; ++number) numbers += "," + std::to_string(number);
  for (int number = 1; number < 10'000; ++number) words += ",\"" + std::to_string(number) + "\"";
  const std::vector<std::pair<std::string, std::string>> rows{
      {doubling, value}, {small, value}, {alternatives, value}, {"{\"items\":" + words + "]}}", numbers + "]"}};
  for (const auto& [schema, checked] : rows) {
    CAPTURE(schema.substr(0, 60));
    std::string reason;
    const double took = secondsOf([&, &schema = schema, &checked = checked] { reason = why(schema, checked); });
    CAPTURE(took, reason);
    CHECK(took < secondsMax);
    CHECK(reason != "");
  }
  CHECK_THAT(why(small, value), Contains("takes too long"));
  CHECK(why(R"({"type":"array","uniqueItems":true,"items":{"type":"integer"}})", numbers + "]") == "");
  const std::string many = nested(1, "[", "0" + repeated(",0", 150'000), "]");
  CHECK_THAT(why(R"({"items":{"type":"null"}})", many), StartsWith("At /0: "));
  CHECK(secondsOf([&] { CHECK(why(R"({"anyOf":[{"items":{"type":"null"}},{"type":"null"}]})", many) != ""); }) <
        secondsMax);
}

TEST_CASE("A pattern takes time in proportion to the text, or is refused", "[api][schema]") {
  const auto withPattern = [](const std::string& pattern) { return Json{{"pattern", pattern}}.dump(); };
  const std::string text = '"' + std::string(1023, 'a') + "!\"";
  std::string tower = "a";
  for (int level = 0; level < 40; ++level) tower = "(" + tower + "?)*";
  for (const std::string& pattern :
       {std::string("(a+)+$"), std::string("^(a|a)*$"), std::string("^(a|aa)+$"), std::string("(a*)*b"),
        std::string("^(([a-z])+.)+[A-Z]([a-z])+$"), std::string("(.*)(.*)(.*)(.*)(.*)b"), std::string("(a?){300}"),
        repeated("a?", 100) + "b", tower, std::string("a{2,30}b")}) {
    CAPTURE(pattern);
    std::string reason = "refused";
    const double took = secondsOf([&] { reason = why(withPattern(pattern), text); });
    CAPTURE(reason, took);
    CHECK(took < secondsMax);
  }
  REQUIRE_THAT(why(withPattern("(a+)+$"), text), Contains("does not match the pattern"));
  REQUIRE(why(withPattern("^[\\s\\S]{1,300}$"), '"' + std::string(300, 'b') + '"') == "");
  REQUIRE_THAT(why(withPattern("a"), '"' + std::string(1025, 'a') + '"'), Contains("too long for a pattern"));
  REQUIRE(why(withPattern("^[[:alpha:]_\\-]+$"), R"("a_-")") == "");
  REQUIRE_THAT(refusalOf(withPattern(std::string(257, 'a'))), Contains("256 bytes"));
  REQUIRE_THAT(refusalOf(withPattern("(a?){100}{100}")), Contains("repeats too much"));
  REQUIRE_THAT(refusalOf(withPattern("((a{40}){40}){40}")), Contains("repeats too much"));
  REQUIRE_THAT(refusalOf(withPattern("(a{50}[(]){50}")), Contains("escape brackets"));
  REQUIRE_THAT(refusalOf(withPattern("(?=a)b")), Contains("looks ahead"));
  for (const char* pattern : {"(a)\\1", "a\\9246744073709551614"})
    REQUIRE_THAT(refusalOf(withPattern(pattern)), Contains("refers back"));
  // Behind a control letter the library reads a back-reference, and in a class another end of it.
  for (const char* pattern : {"\\c\\\\9246744073709551614", "[\\c]]"})
    REQUIRE_THAT(refusalOf(withPattern(pattern)), Contains("names a control letter"));
  REQUIRE_THAT(refusalOf(withPattern("a)(b")), Contains("pattern"));
  REQUIRE_THAT(refusalOf(withPattern("(a")), Contains("pattern"));
  REQUIRE_THAT(refusalOf(withPattern("ä")), Contains("ASCII"));
  std::string many = "[\"x\"";
  for (int item = 0; item < 1000; ++item) many += ",\"" + std::string(1000, 'a') + "\"";
  std::string reason;
  CHECK(secondsOf([&] { reason = why(R"({"items":{"pattern":"x|([ab]?){90}x|a"}})", many + "]"); }) < secondsMax);
}
