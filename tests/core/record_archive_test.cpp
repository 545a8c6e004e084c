#include "core/record_archive.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <map>
#include <random>
#include <set>

#include "callsheet/errors.h"
#include "callsheet/job_key.h"
#include "callsheet/retry_policy.h"

using namespace callsheet;
using Catch::Matchers::Contains;

namespace {

enum class Kind : std::uint8_t { a, b = 200 };

struct Inner {
  std::string name;
  std::optional<std::int32_t> number;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, number);
  }
  bool operator==(const Inner&) const = default;
};

struct Record {
  std::uint8_t tiny = 0;
  std::int64_t large = 0;
  float share = 0;
  bool flag = false;
  Kind kind = Kind::a;
  JobID job;
  Uuid holder;
  std::string text;
  std::map<std::string, std::string> labels;
  std::vector<Inner> inner;
  std::vector<std::uint16_t> numbers;
  std::vector<bool> bits;
  std::set<std::string> words;
  std::array<std::uint8_t, 4> four{};
  std::chrono::microseconds wait{0};
  RetryPolicy retry;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(tiny, large, share, flag, kind, job, holder, text, labels, inner, numbers, bits, words, four, wait, retry);
  }
  bool operator==(const Record&) const = default;
};

struct Versioned {
  std::uint8_t value = 1;
  std::uint32_t seen = 0;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(value);
    seen = version;
  }
};

struct Deep {
  std::vector<Deep> children;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(children);
  }
};

/// A large class with a single byte of record.
struct Bloated {
  std::uint8_t value = 0;
  std::array<char, 4096> unsaved{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

Record sample() {
  Record record;
  record.tiny = 1;
  record.large = -2;
  record.share = 0.5f;
  record.flag = true;
  record.kind = Kind::b;
  record.job = *JobID::parse("00112233-4455-6677-8899-aabbccddeeff");
  record.holder = record.job.value;
  record.text = "hello";
  record.labels = {{"k", "v"}, {"l", ""}};
  record.inner = {{"one", 1}, {"none", std::nullopt}};
  record.numbers = {1, 65535};
  record.bits = {true, false, true};
  record.words = {"x", "y"};
  record.four = {1, 2, 3, 4};
  record.wait = std::chrono::seconds{1};
  return record;
}

template <class T>
std::string damageOf(std::string_view bytes) {
  try {
    T value;
    fromRecord(bytes, value);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::corrupt);
    return error.what();
  }
  return "accepted";
}

std::string hex(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char letter : bytes) {
    text += digits[static_cast<unsigned char>(letter) >> 4];
    text += digits[static_cast<unsigned char>(letter) & 15];
  }
  return text;
}

}  // namespace

CEREAL_CLASS_VERSION(Versioned, 7)

TEST_CASE("A record's bytes are short, counted and the same everywhere", "[core][record]") {
  REQUIRE(hex(toRecord(sample())) ==
          "01"                                  // tiny
          "03"                                  // large: -2
          "0000003f"                            // share
          "01"                                  // flag
          "c8"                                  // kind
          "0100112233445566778899aabbccddeeff"  // job
          "02"                                  // holder, which is the first id once more
          "0568656c6c6f"                        // text
          "02"
          "016b"
          "0176"
          "016c"
          "00"  // labels
          "02"
          "036f6e65"
          "0102"
          "046e6f6e65"
          "00"  // inner
          "02"
          "01ffff03"  // numbers
          "03"
          "010001"  // bits
          "02"
          "0178"
          "0179"      // words
          "01020304"  // four
          "80897a"    // wait
          "03"
          "80dac409"
          "0000000000000040"
          "80909de91a"
          "9a9999999999b93f");  // retry
}

TEST_CASE("A record reads back equal and must end exactly", "[core][record]") {
  const std::string bytes = toRecord(sample());
  Record back;
  back.labels = {{"old", "gone"}};
  fromRecord(bytes, back);
  REQUIRE(back == sample());
  REQUIRE_THAT(damageOf<Record>(bytes + "x"),
               Contains("at byte " + std::to_string(bytes.size()) + ": bytes are left over"));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CAPTURE(length);
    REQUIRE_THAT(damageOf<Record>(std::string_view(bytes).substr(0, length)), Contains("damaged at byte"));
  }
}

TEST_CASE("Sizes larger than what follows are refused before memory is taken", "[core][record]") {
  using namespace std::string_literals;
  REQUIRE_THAT(damageOf<std::string>("\xff\xff\xff\x0f"s), Contains("at byte 0: a size is larger than what follows"));
  REQUIRE_THAT(damageOf<std::string>("\x04"
                                     "abc"s),
               Contains("at byte 0"));
  REQUIRE_THAT(damageOf<std::vector<double>>("\x02"
                                             "abcdefgh"s),
               Contains("a size is larger"));
  REQUIRE_THAT((damageOf<std::map<std::string, std::string>>("\x02\0\0\0\0"s)), Contains("twice"));
  REQUIRE_THAT(damageOf<bool>("\x02"s), Contains("neither 0 nor 1"));
  REQUIRE_THAT(damageOf<std::optional<bool>>("\x02"s), Contains("neither 0 nor 1"));
  const std::string huge(recordStringBytesMax + 1, 'x');
  REQUIRE_THROWS_AS(toRecord(huge), Error);
  std::string most(recordStringBytesMax, 'x');
  std::string back;
  fromRecord(toRecord(most), back);
  REQUIRE(back == most);
}

TEST_CASE("A number or an id in another form than its own is refused", "[core][record]") {
  using namespace std::string_literals;
  REQUIRE_THAT(damageOf<std::uint32_t>("\x80\x00"s), Contains("another form"));
  REQUIRE_THAT(damageOf<std::uint16_t>("\x80\x80\x04"s), Contains("too large"));
  REQUIRE_THAT(damageOf<std::int16_t>("\x80\x80\x04"s), Contains("too large"));
  REQUIRE_THAT(damageOf<std::uint64_t>("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"s), Contains("another form"));
  REQUIRE_THAT(damageOf<std::uint64_t>("\x80\x80"s), Contains("ends early"));
  REQUIRE_THAT(damageOf<Uuid>("\x01"s + std::string(16, '\0')), Contains("another form"));
  REQUIRE_THAT(damageOf<Uuid>("\x02"s), Contains("not there"));
  REQUIRE_THAT((damageOf<std::pair<Uuid, Uuid>>("\x01"s + std::string(16, 'x') + "\x01" + std::string(16, 'x'))),
               Contains("another form"));
}

TEST_CASE("Numbers of every size and sign come back, and more ids than a record remembers", "[core][record]") {
  std::vector<std::int64_t> numbers{0, -1, 1, std::numeric_limits<std::int64_t>::min(),
                                    std::numeric_limits<std::int64_t>::max()};
  for (int bit = 0; bit < 63; ++bit)
    for (const std::int64_t near : {-1, 0, 1}) numbers.push_back((std::int64_t{1} << bit) + near);
  std::vector<std::int64_t> back;
  fromRecord(toRecord(numbers), back);
  REQUIRE(back == numbers);
  const auto largest = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t wide = 0;
  fromRecord(toRecord(largest), wide);
  REQUIRE(wide == largest);
  std::vector<Uuid> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(i % 3 == 0 ? Uuid{} : Uuid::makeV4());
  ids.insert(ids.end(), ids.begin(), ids.begin() + 20);
  std::vector<Uuid> idsBack;
  fromRecord(toRecord(ids), idsBack);
  REQUIRE(idsBack == ids);
}

TEST_CASE("Depth is limited in both directions", "[core][record]") {
  Deep deep;
  for (std::size_t level = 0; level < recordDepthMax / 2 - 1; ++level) {
    Deep parent;
    parent.children.push_back(std::move(deep));
    deep = std::move(parent);
  }
  const std::string bytes = toRecord(deep);
  Deep back;
  fromRecord(bytes, back);
  REQUIRE(toRecord(back) == bytes);
  Deep parent;
  parent.children.push_back(std::move(deep));
  REQUIRE_THROWS_AS(toRecord(parent), Error);
  REQUIRE_THAT(damageOf<Deep>("\x01" + bytes), Contains("nested too deep"));
}

TEST_CASE("A versioned class brings its version, and a key is stored as its text", "[core][record]") {
  REQUIRE(hex(toRecord(Versioned{})) == "0701");
  Versioned back;
  fromRecord(std::string("\x03\x09", 2), back);
  REQUIRE(back.seen == 3);
  REQUIRE(back.value == 9);
  JobKey key;
  fromRecord(toRecord(JobKey::of("a", 1)), key);
  REQUIRE(key == JobKey::of("a", 1));
}

TEST_CASE("Random and damaged bytes end in Error(corrupt) and take little memory", "[core][record][fuzz]") {
  const auto start = std::random_device{}();
  CAPTURE(start);
  std::mt19937 random(start);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string good = toRecord(sample());
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes;
    if (round % 2 == 0) {
      bytes = good;
      for (std::size_t flips = 1 + below(3); flips > 0; --flips)
        bytes[below(bytes.size())] ^= static_cast<char>(1u << below(8));
    } else {
      bytes.resize(below(200));
      for (char& byte : bytes) byte = static_cast<char>(below(4) == 0 ? random() : below(3));
    }
    try {
      Record record;
      fromRecord(bytes, record);
      ++accepted;
      REQUIRE(toRecord(record) == bytes);
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::corrupt);
      ++refused;
    }
  }
  REQUIRE(accepted > 0);
  REQUIRE(refused > 0);

  // A million claimed elements of 4 KiB, of which three are there.
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  REQUIRE_THAT(damageOf<std::vector<Bloated>>(std::string("\xc0\x84\x3d"
                                                          "abc",
                                                          6)),
               Contains("larger than what follows"));
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  REQUIRE(after.ru_maxrss - before.ru_maxrss < 16 << 10);
}
