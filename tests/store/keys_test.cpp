#include "store/keys.h"

#include <catch2/catch.hpp>

#include "callsheet/limits.h"
#include "tests/support/seed.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {

/// Few different values, and the extremes among them, so that pairs often agree in front and differ behind.
class AnyKey {
 public:
  explicit AnyKey(std::uint64_t seed) : dice_(seed) {}
  void make(ReadyKey& key) {
    key = {IncarnationID{uuid()},
           text(limits::kindLengthMax, true),
           text(limits::nameLengthMax, false),
           number(),
           signedNumber(),
           number()};
  }
  void make(WaitingKey& key) { key = {IncarnationID{uuid()}, signedNumber(), JobID{uuid()}}; }
  void make(AttachedKey& key) { key = {IncarnationID{uuid()}, JobID{uuid()}}; }
  void make(DeadlineKey& key) { key = {uuid(), signedNumber(), JobID{uuid()}}; }
  void make(DoneKey& key) { key = {signedNumber(), JobID{uuid()}}; }

 private:
  Uuid uuid() {
    Uuid uuid;
    if (dice_.oneIn(3)) return uuid;
    uuid.bytes[0] = static_cast<std::uint8_t>(dice_.oneIn(2) ? 0x7F : 0x80);
    uuid.bytes[15] = static_cast<std::uint8_t>(dice_.bits());
    return uuid;
  }
  std::uint64_t number() {
    static const std::vector<std::uint64_t> values{0, 1, 127, 128, 255, 256, 1ull << 63, ~0ull};
    return dice_.oneIn(4) ? dice_.bits() : dice_.pick(values);
  }
  std::int64_t signedNumber() { return static_cast<std::int64_t>(number()); }
  std::string text(std::size_t longest, bool slash) {
    static const std::string letters = "-.09AZ_az/";
    if (dice_.oneIn(20)) return std::string(longest, 'z');
    std::string text = "a";
    while (!dice_.oneIn(3)) text += letters[dice_.roll(slash ? 10 : 9)];
    return text;
  }
  Dice dice_;
};

template <class Key, class Decode>
void checkOrder(std::uint64_t seed, Decode decode) {
  AnyKey any(seed);
  int equal = 0;
  for (int i = 0; i < 20'000; ++i) {
    Key a;
    Key b;
    any.make(a);
    any.make(b);
    const keys::Key left = keys::encode(a);
    const keys::Key right = keys::encode(b);
    const auto bytes = left.view() <=> right.view();
    if ((a <=> b) != bytes) {
      FAIL_CHECK("the bytes of a pair are ordered otherwise than its values");
      return;
    }
    if (bytes == 0) ++equal;
    if (left.view().size() > 511 || decode(left.view()) != a) {
      FAIL_CHECK("a key does not come back from its bytes");
      return;
    }
  }
  CHECK(equal < 10'000);
}

}  // namespace

TEST_CASE("Comparing the bytes of keys is comparing their values, in every order") {
  const std::uint64_t seed = randomSeed();
  INFO("CALLSHEET_SEED=" << seed);
  checkOrder<ReadyKey>(seed, keys::decodeReady);
  checkOrder<WaitingKey>(seed, keys::decodeWaiting);
  checkOrder<AttachedKey>(seed, keys::decodeAttached);
  checkOrder<DeadlineKey>(seed, keys::decodeDeadline);
  checkOrder<DoneKey>(seed, keys::decodeDone);
}

TEST_CASE("The bytes of another order or a cut key are no key") {
  const ReadyKey ready{makeIncarnationID(), "kind", "queue", 1, -5, 7};
  const auto bytes = keys::encode(ready);
  CHECK(keys::decodeReady(bytes.view()) == ready);
  CHECK_FALSE(keys::decodeWaiting(bytes.view()));
  CHECK_FALSE(keys::decodeDone(bytes.view()));
  for (std::size_t size = 0; size < bytes.view().size(); ++size)
    CHECK_FALSE(keys::decodeReady(bytes.view().substr(0, size)));
  CHECK_FALSE(keys::decodeReady(std::string(bytes.view()) + "x"));
  const auto done = keys::encode(DoneKey{5, makeJobID()});
  CHECK_FALSE(keys::decodeDeadline(done.view()));
}

TEST_CASE("The parts of a job stand together and behind those of earlier jobs, as its row behind their rows") {
  const JobID first = makeJobID();
  const JobID second = makeJobID();
  const std::string keysInOrder[] = {std::string(keys::jobKey(first, keys::JobPart::row).view()),
                                     std::string(keys::jobKey(second, keys::JobPart::row).view()),
                                     std::string(keys::jobKey(first, keys::JobPart::body).view()),
                                     std::string(keys::jobKey(first, keys::JobPart::result).view()),
                                     std::string(keys::logKey(first, 0).view()),
                                     std::string(keys::logKey(first, 255).view()),
                                     std::string(keys::logKey(first, 256).view()),
                                     std::string(keys::memoKey(first, {}).view()),
                                     std::string(keys::memoKey(first, Fingerprint{first.value}).view()),
                                     std::string(keys::memoKey(first, Fingerprint{second.value}).view()),
                                     std::string(keys::jobKey(second, keys::JobPart::body).view())};
  for (std::size_t i = 1; i < std::size(keysInOrder); ++i) CHECK(keysInOrder[i - 1] < keysInOrder[i]);
  for (const auto& key : keysInOrder) CHECK((keys::jobIDOf(key) == first || keys::jobIDOf(key) == second));
}

TEST_CASE("The key of a short id carries the last four bytes of the id in front") {
  const JobID id = makeJobID();
  const auto key = keys::shortIDKey(id);
  REQUIRE(key.view().size() == 21);
  CHECK(keys::jobIDOf(key.view().substr(4)) == id);
  CHECK(key.view().substr(1, 4) == std::string_view(reinterpret_cast<const char*>(id.value.bytes.data()) + 12, 4));
}
