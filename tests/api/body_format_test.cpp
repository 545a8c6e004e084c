#include "api/body_format.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "tests/support/seed.h"

using namespace callsheet;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::string refusalOf(BodyFormat format, std::string_view body) {
  try {
    (void)parseBody(format, body);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::invalid);
    REQUIRE(std::string(error.what()).size() < 500);
    REQUIRE(std::string(error.what()).ends_with("."));
    return error.what();
  }
  return "accepted";
}
std::string jsonRefusal(std::string_view body) {
  return refusalOf(BodyFormat::json, body);
}
std::string yamlRefusal(std::string_view body) {
  return refusalOf(BodyFormat::yaml, body);
}
Json yaml(std::string_view body) {
  return parseBody(BodyFormat::yaml, body);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double secondsMax = 30;
#else
constexpr double secondsMax = 4;  // 2 on a machine with nothing else to do
#endif

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += piece;
  return text;
}

std::string randomText(tests::Dice& dice) {
  static const std::vector<std::string> pieces{"a",
                                               "b",
                                               "Z",
                                               "0",
                                               "1",
                                               "-",
                                               "- ",
                                               " ",
                                               "  ",
                                               ":",
                                               ": ",
                                               "#",
                                               " #",
                                               "'",
                                               "\"",
                                               "\\",
                                               "\n",
                                               "\n\n",
                                               "\t",
                                               "\r",
                                               ",",
                                               "[",
                                               "]",
                                               "{",
                                               "}",
                                               "&",
                                               "*",
                                               "!",
                                               "|",
                                               ">",
                                               "%",
                                               "@",
                                               "`",
                                               "?",
                                               "? ",
                                               "~",
                                               "=",
                                               "<<",
                                               "null",
                                               "true",
                                               "no",
                                               ".5",
                                               "1e3",
                                               "0x1F",
                                               ".inf",
                                               "---",
                                               "...",
                                               "\x01",
                                               "\x1b",
                                               "\x7f",
                                               "ä",
                                               "日本",
                                               "\xC2\x85",
                                               "\xE2\x80\xA8",
                                               "\xEF\xBB\xBF",
                                               "😀",
                                               std::string("\0", 1),
                                               "2023-05-04T15:30:43"};
  std::string text;
  for (std::uint32_t count = dice.roll(5); count > 0; --count) text += dice.pick(pieces);
  if (dice.oneIn(50)) text += repeated(text + "x", 1100);
  return text;
}

Json randomValue(tests::Dice& dice, int depth) {
  const auto shape = dice.roll(depth > 0 ? 9 : 7);
  switch (shape) {
    case 0:
      return nullptr;
    case 1:
      return dice.oneIn(2);
    case 2:
      return static_cast<std::int64_t>(dice.bits()) >> dice.roll(64);
    case 3:
      return dice.bits() >> dice.roll(64);
    case 4: {
      const std::uint64_t bits = dice.bits();
      double value = 0;
      static_assert(sizeof value == sizeof bits);
      std::memcpy(&value, &bits, sizeof value);
      return std::isfinite(value) ? value : 0.5;
    }
    case 5:
    case 6:
      return randomText(dice);
    case 7: {
      Json list = Json::array();
      for (std::uint32_t count = dice.roll(5); count > 0; --count) list.push_back(randomValue(dice, depth - 1));
      return list;
    }
    default: {
      Json object = Json::object();
      for (std::uint32_t count = dice.roll(5); count > 0; --count)
        object[randomText(dice)] = randomValue(dice, depth - 1);
      return object;
    }
  }
}

}  // namespace

TEST_CASE("A content type names JSON or YAML or neither", "[api][body]") {
  for (const char* type :
       {"application/json", "text/json", "application/problem+json", "Application/JSON; charset=UTF-8", "",
        "application/x-www-form-urlencoded", "application/json;charset=\"utf-8\""})
    REQUIRE(formatOfContentType(type) == BodyFormat::json);
  for (const char* type : {"text/yaml", "application/yaml", "application/x-yaml", "text/x-yaml", "text/yaml ;v=1"})
    REQUIRE(formatOfContentType(type) == BodyFormat::yaml);
  for (const char* type : {"text/plain", "json", "application/json; charset=latin1", "multipart/form-data", "a/b+json"})
    REQUIRE(formatOfContentType(type) == std::nullopt);
}

TEST_CASE("An accept header chooses by quality and then by order", "[api][body]") {
  const auto json = BodyFormat::json;
  const auto yamlFormat = BodyFormat::yaml;
  REQUIRE(formatOfAccept("", yamlFormat) == yamlFormat);
  REQUIRE(formatOfAccept("*/*", yamlFormat) == yamlFormat);
  REQUIRE(formatOfAccept("*/*", json) == json);
  REQUIRE(formatOfAccept("text/yaml", json) == yamlFormat);
  REQUIRE(formatOfAccept("text/html, application/json", yamlFormat) == json);
  REQUIRE(formatOfAccept("text/yaml, application/json", json) == yamlFormat);
  REQUIRE(formatOfAccept("application/json, text/yaml", yamlFormat) == json);
  REQUIRE(formatOfAccept("text/yaml;q=0.5, application/json;q=0.9", yamlFormat) == json);
  REQUIRE(formatOfAccept("application/json;q=0.1, */*", json) == yamlFormat);
  REQUIRE(formatOfAccept("application/json;q=0, */*;q=0.1", json) == yamlFormat);
  REQUIRE(formatOfAccept("text/*", json) == yamlFormat);
  REQUIRE(formatOfAccept("text/html", json) == std::nullopt);
  REQUIRE(formatOfAccept("text/yaml;q=0", yamlFormat) == std::nullopt);
  REQUIRE(formatOfAccept("*/*;q=0", yamlFormat) == std::nullopt);
  REQUIRE(contentTypeOf(json) == "application/json");
  REQUIRE(contentTypeOf(yamlFormat) == "text/yaml");
}

TEST_CASE("JSON is read with its order kept, and refused with the reason and the place", "[api][body]") {
  const Json value =
      parseBody(BodyFormat::json, R"( {"b":[1,-2,3.5,18446744073709551615],"a":{"":null,"t":"\u00e4\n"}} )");
  REQUIRE(value.dump() == R"({"b":[1,-2,3.5,18446744073709551615],"a":{"":null,"t":"ä\n"}})");
  REQUIRE(parseBody(BodyFormat::json, repeated("[", 64) + repeated("]", 64)).is_array());
  REQUIRE(jsonRefusal("").find("empty") != std::string::npos);
  REQUIRE_THAT(jsonRefusal("{\"a\":1"), Contains("not JSON") && Contains("byte 7"));
  REQUIRE_THAT(jsonRefusal("[1] 2"), Contains("byte 5"));
  REQUIRE_THAT(jsonRefusal(R"({"x":[0,{"a":1,"a":2}]})"), Contains("'a' twice at /x/1"));
  REQUIRE_THAT(jsonRefusal(R"({"x":[0,18446744073709551616]})"), Contains("64 bits") && Contains("/x/1"));
  REQUIRE_THAT(jsonRefusal("-9223372036854775809"), Contains("64 bits"));
  REQUIRE_THAT(jsonRefusal("[1e400]"), Contains("number overflow"));
  REQUIRE_THAT(jsonRefusal("\"\xff\""), Contains("UTF-8") && Contains("byte 1"));
  REQUIRE_THAT(jsonRefusal("\"\\ud800\""), Contains("not JSON"));
  REQUIRE_THAT(jsonRefusal("\xEF\xBB\xBF{}"), Contains("byte order mark"));
  REQUIRE_THAT(jsonRefusal(std::string_view("{}\0{", 4)), Contains("zero byte"));
  REQUIRE_THAT(jsonRefusal(repeated("[", 65) + repeated("]", 65)), Contains("nested deeper than 64"));
  REQUIRE(jsonRefusal("NaN") != "accepted");
}

TEST_CASE("YAML's plain scalars have the types of the core schema, quoted ones are texts", "[api][body]") {
  const std::pair<const char*, Json> rows[] = {{"null", nullptr},
                                               {"~", nullptr},
                                               {"true", true},
                                               {"False", false},
                                               {"yes", "yes"},
                                               {"12", 12},
                                               {"-12", -12},
                                               {"+12", 12},
                                               {"012", 12},
                                               {"0x1F", 31},
                                               {"0o17", 15},
                                               {"18446744073709551615", 18446744073709551615u},
                                               {"-9223372036854775808", INT64_MIN},
                                               {"1.5", 1.5},
                                               {"-.5e1", -5.0},
                                               {"1.", 1.0},
                                               {"1e-400", 0.0},
                                               {"1_000", "1_000"},
                                               {"12:30", "12:30"},
                                               {"0x", "0x"},
                                               {"2023-05-04T15:30:43", "2023-05-04T15:30:43"},
                                               {"'12'", "12"},
                                               {"\"null\"", "null"},
                                               {R"("a\N\_\L\P\_")", "a\u0085\u00A0\u2028\u2029\u00A0"},
                                               {"!!str 12", "12"},
                                               {"!!str null", "null"},
                                               {"!!float 1", 1.0},
                                               {"!!int 1", 1},
                                               {">-\n  a\n  b\n\n  c\n", "a b\nc"},
                                               {"|\n  a\n  b\n", "a\nb\n"}};
  for (const auto& [text, value] : rows) {
    CAPTURE(text);
    const Json read = yaml(std::string("v: ") + text)["v"];
    REQUIRE(read == value);
    REQUIRE(read.is_number_float() == value.is_number_float());
  }
  REQUIRE(yaml("a:\nb: 1").dump() == R"({"a":null,"b":1})");
  REQUIRE(yaml("{a, b: [], c}\n").dump() == R"({"a":null,"b":[],"c":null})");
  REQUIRE(yaml("? a\n? b\n: c\nd:\n").dump() == R"({"a":null,"b":"c","d":null})");
  REQUIRE(yaml("1: a\ntrue: b\n~: c\n'<<': d").dump() == R"({"1":"a","true":"b","~":"c","<<":"d"})");
  REQUIRE(yaml(R"("\_": a)").dump() == "{\"\u00A0\":\"a\"}");
  REQUIRE(yaml("# note\n---\n- [a, {b: c}]\n- x\n...\n").dump() == R"([["a",{"b":"c"}],"x"])");
}

TEST_CASE("YAML is refused with the reason and the place", "[api][body]") {
  REQUIRE_THAT(yamlRefusal("# nothing\n"), Contains("no value"));
  REQUIRE_THAT(yamlRefusal("a: 1\nb: [\n"), Contains("not YAML") && Contains("line"));
  REQUIRE_THAT(yamlRefusal("a: 1\nb:\n  c: 1\n  c: 2"), Contains("'c' twice at /b (line 4, column 3)"));
  REQUIRE_THAT(yamlRefusal("1: a\n'1': b"), Contains("'1' twice"));
  REQUIRE_THAT(yamlRefusal("a: &x 1"), Contains("anchors are not taken"));
  REQUIRE_THAT(yamlRefusal("&x [a]"), Contains("anchors are not taken"));
  REQUIRE_THAT(yamlRefusal("a: &x 1\nb: *x"), Contains("anchors"));
  REQUIRE_THAT(yamlRefusal("b: *x"), Contains("not YAML") || Contains("aliases"));
  REQUIRE_THAT(yamlRefusal("<<: {a: 1}"), Contains("merge keys"));
  REQUIRE_THAT(yamlRefusal("[a]: 1"), Contains("is a key"));
  REQUIRE_THAT(yamlRefusal(": 1"), Contains("a key is missing"));
  REQUIRE_THAT(yamlRefusal("a: [1, 2"), Contains("not YAML"));
  REQUIRE_THAT(yamlRefusal("[" + repeated("1, ", 2000)), Contains("not closed"));
  REQUIRE_THAT(yamlRefusal("a: 1\nb"), Contains("a key has no colon (line 2, column 1)"));
  REQUIRE_THAT(yamlRefusal("a:\n  b: 1\n  c"), Contains("a key has no colon (line 3, column 3)"));
  REQUIRE_THAT(yamlRefusal("a: !foo 1"), Contains("the tag '!foo'"));
  REQUIRE_THAT(yamlRefusal("a: !!binary aGk="), Contains("the tag"));
  REQUIRE_THAT(yamlRefusal("a: !!int x"), Contains("the tag"));
  REQUIRE_THAT(yamlRefusal("a: !!set {b}"), Contains("the tag"));
  REQUIRE_THAT(yamlRefusal("a: 1\n---\nb: 2"), Contains("more than one document"));
  REQUIRE(yamlRefusal("[1] x") != "accepted");
  REQUIRE_THAT(yamlRefusal("a: 18446744073709551616"), Contains("64 bits") && Contains("line 1"));
  REQUIRE_THAT(yamlRefusal("a: -9223372036854775809"), Contains("64 bits"));
  REQUIRE_THAT(yamlRefusal("a: 1e400"), Contains("too large"));
  REQUIRE_THAT(yamlRefusal("a: .nan"), Contains("none that JSON has"));
  REQUIRE_THAT(yamlRefusal("a: -.inf"), Contains("none that JSON has"));
  REQUIRE_THAT(yamlRefusal("a: \xff"), Contains("UTF-8"));
  REQUIRE_THAT(yamlRefusal("a: 1\x04\nb: 2"), Contains("control character at byte 4"));
  REQUIRE_THAT(yamlRefusal(repeated("[", 65) + repeated("]", 65)), Contains("nested deeper than 64"));
  REQUIRE(yaml(repeated("[", 64) + repeated("]", 64)).is_array());
  REQUIRE_THAT(yamlRefusal(repeated("- 1\n", 4 * 100'001)), Contains("more than 100000 values"));
  REQUIRE(yaml(repeated("- 1\n", 4 * 99'999)).size() == 99'999);
}

TEST_CASE("Hostile bodies of a MiB are done with soon", "[api][body]") {
  constexpr std::size_t size = 1u << 20;
  std::vector<std::string> bodies;
  for (const char* piece : {"[",
                            "{",
                            "- ",
                            "? ",
                            "!!",
                            "!",
                            "&a ",
                            "*a ",
                            "\"",
                            "'",
                            "\t",
                            "[[",
                            "[{",
                            "{[",
                            "{a: ",
                            "[a: ",
                            "- - ",
                            "-\t",
                            "? - ",
                            "- ? ",
                            "!!a ",
                            "!<",
                            "!a!",
                            "&",
                            "*",
                            "a: ",
                            ": ",
                            ":",
                            ",",
                            "[,",
                            "{,",
                            "{?",
                            "[?",
                            "]",
                            "}",
                            "|",
                            ">",
                            "|\n",
                            "%",
                            "%a\n",
                            "%YAML 1.2\n",
                            "%TAG ! !\n",
                            "#",
                            "@",
                            "`",
                            "\\",
                            "---\n",
                            "--- ",
                            "...\n",
                            "\n",
                            " ",
                            "\r",
                            "- [",
                            "-\n",
                            "? a\n: ",
                            "\"\\",
                            "'' ",
                            "\"\" ",
                            "a\n\n",
                            "[a, ",
                            "{a, ",
                            "[\n",
                            "{\n",
                            "- \n ",
                            "? \n",
                            "!!str ",
                            "- &a ",
                            "- *a\n",
                            "? &a\n",
                            "{a: {",
                            "a:\n",
                            "\xC2\x85",
                            "\xE2\x80\xA8",
                            "[\"a\",",
                            "'a':",
                            "{'a':",
                            "<<: "})
    bodies.push_back(repeated(piece, size));
  for (const char* piece : {"[", "{", "- ", "? ", "- - ", "{a: ", "[a: ", "!!", "&a ", "*a ", "\""})
    for (const auto format : {BodyFormat::json, BodyFormat::yaml})
      REQUIRE(refusalOf(format, repeated(piece, 100'000)) != "accepted");
  std::string stairs;
  for (std::size_t depth = 0; stairs.size() < size; ++depth) stairs += std::string(depth, ' ') + "a:\n";
  bodies.push_back(stairs);
  bodies.push_back("a: \"" + repeated("\n ", size));
  bodies.push_back("- |\n" + repeated(" x\n\n", size));
  bodies.push_back("[" + repeated("a ", size));
  bodies.push_back("{\"" + repeated("a", size) + "\": 1}");
  bodies.push_back("[" + repeated("1,", size));
  for (const std::string& body : bodies)
    for (const auto format : {BodyFormat::json, BodyFormat::yaml}) {
      CAPTURE(body.substr(0, 20), static_cast<int>(format));
      const auto start = std::chrono::steady_clock::now();
      (void)refusalOf(format, body);  // a few are long, but well-formed
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      CHECK(took.count() < secondsMax);
    }
}

TEST_CASE("YAML is printed in blocks, and texts that read as something else are quoted", "[api][body]") {
  const Json value = Json::parse(R"({"id":"a1","at":"2023-05-04T15:30:43.123456Z","i":12,"f":1.0,"t":true,"x":null,
    "list":["a",["b",[]],{"c":"d","e":{}}],"o":{"p":{"q":"r"}}})");
  REQUIRE(printBody(BodyFormat::yaml, value) ==
          "id: a1\nat: '2023-05-04T15:30:43.123456Z'\ni: 12\nf: 1.0\nt: true\nx: null\n"
          "list:\n  - a\n  - - b\n    - []\n  - c: d\n    e: {}\no:\n  p:\n    q: r\n");
  for (const char* text :
       {"",   " ",  "1",   "-1", "1.5", "0x1",  ".5",   "1e3", "true", "True",     "null",  "~",    "=",   "<<", "yes",
        "No", "on", "OFF", "y",  "- x", "a: b", "a #b", "a:",  " a",   "a ",       "#",     "&a",   "*a",  "!a", "|",
        ">",  "%",  "@",   "`",  "'",   "?",    "[a]",  "{a}", "---",  "12:30:45", "1_000", ".inf", ".nan"}) {
    CAPTURE(text);
    const std::string printed = printBody(BodyFormat::yaml, text);
    REQUIRE_THAT(printed, StartsWith("'"));
    REQUIRE(yaml(printed) == text);
  }
  for (const char* text : {"a", "hello world", "a, b", "com/example", "x=1", "a:b", "a#b", "Zürich", "it's"})
    REQUIRE(printBody(BodyFormat::yaml, text) == std::string(text) + "\n");
  REQUIRE(printBody(BodyFormat::yaml, "a\nb\t\x01") == "\"a\\nb\\t\\u0001\"\n");
  REQUIRE(printBody(BodyFormat::yaml, "\xC2\x85") == "\"\\u0085\"\n");
  REQUIRE(printBody(BodyFormat::yaml, "\xff") == "\xEF\xBF\xBD\n");
  REQUIRE(printBody(BodyFormat::json, "\xff") == "\"\xEF\xBF\xBD\"");
  REQUIRE(printBody(BodyFormat::json, value).find('\n') == std::string::npos);
}

TEST_CASE("What is printed reads back as the same value", "[api][body]") {
  const auto seed = tests::randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  tests::Dice dice(seed);
  for (int round = 0; round < 3'000; ++round) {
    const Json value = randomValue(dice, 5);
    for (const auto format : {BodyFormat::json, BodyFormat::yaml}) {
      const std::string printed = printBody(format, value);
      CAPTURE(printed, value.dump());
      const Json read = parseBody(format, printed);
      REQUIRE(read == value);
      REQUIRE(read.dump() == value.dump());  // with the types and the order
    }
  }
}
