#include "callsheet/uuid.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

using namespace callsheet;

TEST_CASE("A UUID is written and read as text") {
  const std::string text = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
  const auto uuid = Uuid::parse(text);
  REQUIRE(uuid);
  CHECK(uuid->toString() == text);
  CHECK(uuid->bytes[0] == 0x01);
  CHECK(uuid->bytes[15] == 0x5b);
  CHECK(Uuid::parse("0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B") == uuid);
  CHECK(Uuid::parse("0190a1b2c3d47e5f8a9b0c1d2e3f4a5b") == uuid);
  CHECK(Uuid{}.isNil());
  CHECK(Uuid{}.toString() == "00000000-0000-0000-0000-000000000000");
}

TEST_CASE("What is no UUID is not read as one") {
  for (const char* text :
       {"", "0190a1b2", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5bb",
        "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g", "0190a1b2c-3d4-7e5f-8a9b-0c1d2e3f4a5b",
        "0190a1b2c3d47e5f8a9b0c1d2e3f4a5 ", "0190a1b2-c3d47e5f8a9b0c1d2e3f4a5b", "-190a1b2c3d47e5f8a9b0c1d2e3f4a5b"}) {
    INFO("'" << text << "'");
    CHECK_FALSE(Uuid::parse(text));
  }
}

TEST_CASE("UUIDs of version 7 carry the time in front and grow within a process") {
  const auto millisNow = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = millisNow();
  Uuid last = Uuid::makeV7();
  std::int64_t millis = 0;
  for (int i = 0; i < 6; ++i) millis = millis << 8 | last.bytes[static_cast<std::size_t>(i)];
  CHECK(millis >= before);
  CHECK(millis <= millisNow() + 1000);
  CHECK(last.bytes[6] >> 4 == 7);
  CHECK(last.bytes[8] >> 6 == 2);
  bool grows = true;
  for (int i = 0; i < 20'000; ++i) {
    const Uuid next = Uuid::makeV7();
    grows = grows && last < next;
    last = next;
  }
  CHECK(grows);
}

TEST_CASE("Threads never make the same id") {
  std::vector<std::vector<JobID>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made)
    threads.emplace_back([&mine] {
      for (int i = 0; i < 5000; ++i) mine.push_back(makeJobID());
    });
  for (auto& thread : threads) thread.join();
  std::unordered_set<JobID> all;
  std::set<std::string> shortIDs;
  for (const auto& mine : made) {
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    for (const JobID id : mine) {
      all.insert(id);
      shortIDs.insert(shortIDOf(id));
    }
  }
  CHECK(all.size() == 20'000);
  CHECK(shortIDs.size() == 20'000);
}

TEST_CASE("A job's id carries its time, and only an id that does says so") {
  CHECK(carriesItsTime(makeJobID()));
  const JobID made = detail::jobIDAt(1'750'000'000'123'456, 0xFFFFFFFF);
  CHECK(made.toString() == "01977420-dc7b-7723-bfff-ffff" + shortIDOf(made));
  CHECK(carriesItsTime(made));
  CHECK(detail::millisecondOf(made) == 1'750'000'000'123'000);
  CHECK(carriesItsTime(detail::jobIDAt(0, 0)));
  CHECK(carriesItsTime(detail::jobIDAt((std::uint64_t{1} << 32) - 1, 7)));
  // A change is noticed anywhere but in the random bits, and in those that move the time by a multiple of 2^32 us.
  int unnoticed = 0;
  for (std::size_t bit = 0; bit < 128; ++bit) {
    JobID changed = made;
    changed.value.bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> (bit % 8));
    if (carriesItsTime(changed)) ++unnoticed;
  }
  CHECK(unnoticed == 32 + 19);
  CHECK_FALSE(carriesItsTime(JobID{Uuid::makeV4()}));
}

TEST_CASE("A short id is the last eight digits") {
  const auto id = JobID::parse("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
  REQUIRE(id);
  CHECK(shortIDOf(*id) == "2e3f4a5b");
}

TEST_CASE("The execIds of a claim are its own, in order, and never the claim itself") {
  const ClaimID claim = makeClaimID();
  for (std::size_t i = 12; i < 16; ++i) CHECK(claim.value.bytes[i] == 0);
  CHECK(execIDOf(claim, 0).value != claim.value);
  CHECK(execIDOf(claim, 0) < execIDOf(claim, 1));
  CHECK(execIDOf(claim, 255) < execIDOf(claim, 256));
  CHECK(execIDOf(claim, 65'535) < execIDOf(claim, 65'536));
  CHECK(execIDOf(claim, 3) == execIDOf(claim, 3));
  CHECK(execIDOf(makeClaimID(), 3) != execIDOf(claim, 3));
  CHECK(makeClaimID() != makeClaimID());
}
