#include "callsheet/json_archive.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <deque>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "callsheet/errors.h"
#include "callsheet/retry_policy.h"

using namespace callsheet;
using Catch::Matchers::Contains;

namespace {

enum class Color : std::uint8_t { red, green = 7 };

struct Size {
  int width = 0;
  unsigned height = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(width), CEREAL_NVP(height));
  }
  bool operator==(const Size&) const = default;
};

struct Everything {
  bool flag = false;
  std::int64_t low = 0;
  std::uint64_t high = 0;
  double share = 0;
  float small = 0;
  std::string text;
  Color color = Color::red;
  std::chrono::milliseconds wait{0};
  std::optional<Size> maybe;
  std::unique_ptr<Size> owned;
  std::vector<Size> sizes;
  std::vector<bool> bits;
  std::vector<std::byte> bytes;
  std::array<int, 3> triple{};
  std::map<std::string, int> counts;
  std::map<int, std::string> names;
  std::unordered_map<std::string, int> hashed;
  std::set<std::string> words;
  std::pair<int, std::string> both;
  std::tuple<int, bool, double> three;
  JobID job;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(flag), CEREAL_NVP(low), CEREAL_NVP(high), CEREAL_NVP(share), CEREAL_NVP(small), CEREAL_NVP(text),
            CEREAL_NVP(color), CEREAL_NVP(wait), CEREAL_NVP(maybe), CEREAL_NVP(owned), CEREAL_NVP(sizes),
            CEREAL_NVP(bits), CEREAL_NVP(bytes), CEREAL_NVP(triple), CEREAL_NVP(counts), CEREAL_NVP(names),
            CEREAL_NVP(hashed), CEREAL_NVP(words), CEREAL_NVP(both), CEREAL_NVP(three), CEREAL_NVP(job));
  }
};

struct Versioned {
  int old = 0;
  int added = -1;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(CEREAL_NVP(old));
    if (version >= 2) archive(CEREAL_NVP(added));
  }
};

struct Empty {};

struct Unnamed {
  int a = 1, b = 2;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(a, b);
  }
};

struct Minimal {
  int value = 0;
  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return "#" + std::to_string(value);
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& text) {
    value = std::stoi(text.substr(1));
  }
};

struct Derived : Size {
  std::string name;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Size>(this), CEREAL_NVP(name));
  }
};

/// A container of somebody else's, that says its size in cereal's way.
struct Ring {
  std::deque<int> held;
  template <class Archive>
  void save(Archive& archive) const {
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(held.size())));
    for (int value : held) archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type size = 0;
    archive(cereal::make_size_tag(size));
    held.resize(size);
    for (int& value : held) archive(value);
  }
};

struct Tree {
  std::vector<Tree> children;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(children));
  }
};

template <class T>
struct Holder {
  T x{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(x));
  }
};

template <class T>
std::string refusalOf(std::string_view text) {
  try {
    (void)fromJson<T>(text);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return "accepted";
}

template <class T>
std::string whyNotWritten(const T& value) {
  try {
    (void)toJson(value);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return "accepted";
}

const std::string golden =
    R"({"flag":true,"low":-9223372036854775808,"high":18446744073709551615,"share":0.1,"small":2.5,)"
    R"("text":"a\"b\\c\n\u0001ü","color":7,"wait":1500,"maybe":{"width":-3,"height":4},"owned":null,)"
    R"("sizes":[{"width":1,"height":2},{"width":3,"height":4}],"bits":[true,false],"bytes":[0,255],"triple":[1,2,3],)"
    R"("counts":{"a":1,"b/c":2},"names":[{"key":1,"value":"one"},{"key":2,"value":"two"}],)"
    R"("hashed":{"p":1,"q":2,"z":3},"words":["x","y"],"both":[5,"five"],"three":[1,false,3.0],)"
    R"("job":"018f3a60-1111-7222-8333-444455556666"})";

Everything everything() {
  Everything value;
  value.flag = true;
  value.low = std::numeric_limits<std::int64_t>::min();
  value.high = std::numeric_limits<std::uint64_t>::max();
  value.share = 0.1;
  value.small = 2.5f;
  value.text = "a\"b\\c\n\x01ü";
  value.color = Color::green;
  value.wait = std::chrono::milliseconds{1500};
  value.maybe = Size{-3, 4};
  value.sizes = {{1, 2}, {3, 4}};
  value.bits = {true, false};
  value.bytes = {std::byte{0}, std::byte{255}};
  value.triple = {1, 2, 3};
  value.counts = {{"a", 1}, {"b/c", 2}};
  value.names = {{1, "one"}, {2, "two"}};
  value.hashed = {{"z", 3}, {"p", 1}, {"q", 2}};
  value.words = {"y", "x"};
  value.both = {5, "five"};
  value.three = {1, false, 3.0};
  value.job = *JobID::parse("018f3a60-1111-7222-8333-444455556666");
  return value;
}

}  // namespace

CEREAL_CLASS_VERSION(Versioned, 2)

TEST_CASE("A struct of every kind of member has one exact JSON text, which reads back", "[core][json]") {
  REQUIRE(toJson(everything()) == golden);
  const auto back = fromJson<Everything>(golden);
  REQUIRE(toJson(back) == golden);
  REQUIRE(back.low == std::numeric_limits<std::int64_t>::min());
  REQUIRE(back.high == std::numeric_limits<std::uint64_t>::max());
  REQUIRE(back.text == "a\"b\\c\n\x01ü");
  REQUIRE(back.maybe == Size{-3, 4});
  REQUIRE(back.owned == nullptr);
}

TEST_CASE("A document may be a plain value, an empty object or an empty array", "[core][json]") {
  REQUIRE(toJson(42) == "42");
  REQUIRE(toJson(std::string("hi")) == "\"hi\"");
  REQUIRE(toJson(std::vector<int>{}) == "[]");
  REQUIRE(toJson(Empty{}) == "{}");
  REQUIRE(toJson(std::optional<int>{}) == "null");
  REQUIRE(fromJson<int>("42") == 42);
  REQUIRE(fromJson<std::string>("\"hi\"") == "hi");
  REQUIRE(fromJson<std::vector<int>>(" [ 1 , 2 ] ") == std::vector<int>{1, 2});
  REQUIRE_FALSE(fromJson<std::optional<int>>("null").has_value());
  (void)fromJson<Empty>("{}");
  REQUIRE_THAT(refusalOf<Empty>("[]"), Contains("expected an object, found an array"));

  JsonOutputArchive archive;
  int a = 1, b = 2;
  archive(CEREAL_NVP(a), CEREAL_NVP(b));
  REQUIRE(archive.take() == R"({"a":1,"b":2})");
}

TEST_CASE("Cereal's other ways of writing a type work and stay natural", "[core][json]") {
  Derived derived;
  derived.width = 1;
  derived.height = 2;
  derived.name = "n";
  REQUIRE(toJson(derived) == R"({"width":1,"height":2,"name":"n"})");
  REQUIRE(fromJson<Derived>(R"({"width":1,"height":2,"name":"n"})").name == "n");
  REQUIRE(toJson(Minimal{5}) == "\"#5\"");
  REQUIRE(fromJson<std::vector<Minimal>>(R"(["#5","#6"])").at(1).value == 6);
  REQUIRE(toJson(Holder<Ring>{Ring{{1, 2}}}) == R"({"x":[1,2]})");
  REQUIRE(fromJson<Holder<Ring>>(R"({"x":[1,2,3]})").x.held.size() == 3);
  REQUIRE(toJson(RetryPolicy{}) ==
          R"({"maxAttempts":3,"firstDelay":10000000,"factor":2.0,"maxDelay":3600000000,"jitter":0.1})");
  std::variant<int, std::string> either = "s";
  REQUIRE(toJson(either) == R"({"index":1,"data":"s"})");
  REQUIRE(fromJson<std::variant<int, std::string>>(R"({"index":0,"data":3})") == std::variant<int, std::string>(3));
}

TEST_CASE("A class version is written in every object of the type, and an older document reads with version 0",
          "[core][json]") {
  REQUIRE(toJson(std::vector<Versioned>{{1, 2}, {3, 4}}) ==
          R"([{"$version":2,"old":1,"added":2},{"$version":2,"old":3,"added":4}])");
  const auto back = fromJson<std::vector<Versioned>>(R"([{"old":1},{"$version":2,"old":3,"added":4}])");
  REQUIRE(back[0].added == -1);
  REQUIRE(back[1].added == 4);
}

TEST_CASE("A missing field is named, unless it is an optional one, and an unknown one is ignored", "[core][json]") {
  REQUIRE(refusalOf<Size>(R"({"width":1})") == "at the top: field 'height' is missing");
  REQUIRE(refusalOf<Holder<Size>>(R"({"x":{"height":1}})") == "at /x: field 'width' is missing");
  REQUIRE_FALSE(fromJson<Holder<std::optional<int>>>("{}").x.has_value());
  REQUIRE(fromJson<Size>(R"({"depth":[1,{}],"width":1,"height":2})") == Size{1, 2});
}

TEST_CASE("What has the wrong type or range is refused with its path", "[core][json]") {
  REQUIRE(refusalOf<Holder<Size>>(R"({"x":{"width":"1","height":2}})") ==
          "at /x/width: expected an integer, found a string");
  REQUIRE(refusalOf<Holder<std::vector<double>>>(R"({"x":[1,"y"]})") == "at /x/1: expected a number, found a string");
  REQUIRE(refusalOf<std::vector<std::uint8_t>>("[0,256]") == "at /1: 256 does not fit (0 to 255)");
  REQUIRE(refusalOf<std::uint64_t>("-1") == "at the top: -1 does not fit (0 to 18446744073709551615)");
  REQUIRE(refusalOf<std::int8_t>("-129") == "at the top: -129 does not fit (-128 to 127)");
  REQUIRE(refusalOf<std::int64_t>("9223372036854775808") ==
          "at the top: 9223372036854775808 does not fit (-9223372036854775808 to 9223372036854775807)");
  REQUIRE(refusalOf<std::uint64_t>("18446744073709551616") ==
          "at the top: expected an integer, found a number with a fraction or of more than 64 bits");
  REQUIRE_THAT(refusalOf<int>("1.5"), Contains("expected an integer, found a number with a fraction"));
  REQUIRE_THAT(refusalOf<bool>("1"), Contains("expected true or false, found an integer"));
  REQUIRE_THAT(refusalOf<float>("1e300"), Contains("too large"));
  REQUIRE_THAT(refusalOf<double>("1e999"), Contains("refused"));
  REQUIRE_THAT((refusalOf<std::map<std::string, int>>("[]")), Contains("expected an object, found an array"));
  REQUIRE_THAT((refusalOf<std::pair<int, int>>("[1,2,3]")), Contains("expected an array of 2, found one of 3"));
  REQUIRE_THAT(refusalOf<JobID>("\"nobody\""), Contains("expected an id"));
  REQUIRE_THAT(refusalOf<std::string>("null"), Contains("expected a string, found null"));
  REQUIRE(fromJson<double>("3") == 3.0);
}

TEST_CASE("What has no JSON form is refused with its path when it is written", "[core][json]") {
  Holder<std::vector<double>> numbers;
  numbers.x = {1, std::numeric_limits<double>::quiet_NaN()};
  REQUIRE(whyNotWritten(numbers) == "at /x/1: NaN and infinity have no JSON form.");
  REQUIRE_THAT(whyNotWritten(std::numeric_limits<float>::infinity()), Contains("NaN and infinity"));
  Holder<std::map<std::string, std::string>> texts;
  texts.x["k"] = "ab\xFF";
  REQUIRE(whyNotWritten(texts) == "at /x/k: a string is not valid UTF-8 (byte 2).");
  texts.x = {{"\xC0\x80", ""}};
  REQUIRE_THAT(whyNotWritten(texts), Contains("not valid UTF-8"));
  REQUIRE_THAT(whyNotWritten(Unnamed{}), Contains("member 1 of an object has no name"));
  REQUIRE_THAT(refusalOf<Unnamed>(R"({"value0":1,"value1":2})"), Contains("has no name"));
}

TEST_CASE("Numbers read back as exactly the same number", "[core][json]") {
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 1e21, -123456789.125}) {
    const double back = fromJson<double>(toJson(value));
    REQUIRE(std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value));
  }
  REQUIRE(toJson(1e21) == "1e+21");
  REQUIRE(toJson(-0.0) == "-0.0");
  REQUIRE(toJson(0.1f) == "0.1");
}

TEST_CASE("Depth and size are limited in both directions", "[core][json]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  using Deep = Tree;
  Deep tree;
  for (int level = 0; level < 31; ++level) {
    Deep parent;
    parent.children.push_back(std::move(tree));
    tree = std::move(parent);
  }
  const std::string text = toJson(tree);  // 32 objects and 32 arrays
  REQUIRE(toJson(fromJson<Deep>(text)) == text);
  Deep parent;
  parent.children.push_back(std::move(tree));
  REQUIRE_THAT(whyNotWritten(parent), Contains("deeper than 64"));
  REQUIRE_THAT(refusalOf<Empty>(nested(65)), Contains("deeper than 64"));
  REQUIRE_THAT(refusalOf<Empty>(nested(64)), Contains("expected an object"));
  REQUIRE_THAT(refusalOf<Empty>(nested(200'000)), Contains("deeper than 64"));
  REQUIRE_THAT(refusalOf<std::string>("\"" + std::string(1u << 20, 'x') + "\""), Contains("are allowed"));
  REQUIRE_THAT(whyNotWritten(std::string(1u << 20, 'x')), Contains("larger than the 1048576 bytes"));
  REQUIRE(toJson(std::string(10, 'x'), 12).size() == 12);
  REQUIRE_THROWS_AS(toJson(std::string(11, 'x'), 12), Error);
}

TEST_CASE("Text that is not one JSON value is refused with its place", "[core][json]") {
  REQUIRE_THAT(refusalOf<int>(""), Contains("syntax error"));
  REQUIRE_THAT(refusalOf<int>("1 2"), Contains("column 3"));
  REQUIRE_THAT(refusalOf<int>(std::string("1\0x", 3)), Contains("zero byte at 1"));
  REQUIRE_THAT(refusalOf<int>("\xEF\xBB\xBF 1"), Contains("byte order mark"));
  REQUIRE_THAT(refusalOf<std::string>("\"\xED\xA0\x80\""), Contains("not valid UTF-8 (byte 1)"));
  REQUIRE_THAT(refusalOf<std::string>("\"\\ud800\""), Contains("refused"));
  REQUIRE(fromJson<Holder<int>>(R"({"x":1,"x":2})").x == 2);  // the last one counts
}

TEST_CASE("Broken and foreign documents end in an Error and nothing else", "[core][json][fuzz]") {
  const auto start = std::random_device{}();
  CAPTURE(start);
  std::mt19937 random(start);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  static constexpr std::string_view parts[] = {"{",
                                               "}",
                                               "[",
                                               "]",
                                               ",",
                                               ":",
                                               "\"x\"",
                                               "\"width\"",
                                               "1",
                                               "-1",
                                               "1e9",
                                               "null",
                                               "true",
                                               "\"\\u00e9\"",
                                               "\"\xFF\"",
                                               "1e999",
                                               "99999999999999999999",
                                               " ",
                                               "\\"};
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    if (round % 2 == 0) {
      text = golden;
      for (std::size_t flips = 1 + below(3); flips > 0; --flips) text[below(text.size())] = static_cast<char>(random());
      if (below(4) == 0) text.resize(below(text.size()));
    } else {
      for (std::size_t pieces = below(12); pieces > 0; --pieces) text += parts[below(std::size(parts))];
    }
    try {
      const auto value = fromJson<Everything>(text);
      ++accepted;
      REQUIRE(toJson(fromJson<Everything>(toJson(value))) == toJson(value));
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::invalid);
    }
    try {
      (void)fromJson<Holder<std::optional<Size>>>(text);
    } catch (const Error&) {
    }
  }
  REQUIRE(accepted > 0);  // a flip inside a string or number changes a value and nothing else
}
