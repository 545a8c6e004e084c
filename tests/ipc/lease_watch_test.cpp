#include "ipc/lease_watch.h"

#include <catch2/catch.hpp>

using namespace callsheet;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000'000;

BoardEntry beating(IncarnationID incarnation, std::uint64_t sequence) {
  return BoardEntry{.incarnation = incarnation, .sequence = sequence, .beatBootNanos = 1};
}
BoardEntry resting(IncarnationID incarnation, std::uint64_t sequence) {
  return BoardEntry{.incarnation = incarnation, .sequence = sequence, .beatBootNanos = 0};
}

// Ticks once a second with a lease of five.
struct Principal {
  LeaseWatch watch{5s, 1s};
  std::int64_t now = 100 * second;
  std::vector<IncarnationID> tick(const std::vector<BoardEntry>& entries) {
    now += second;
    return watch.tick(now, entries);
  }
};

const IncarnationID a = makeIncarnationID();
const IncarnationID b = makeIncarnationID();

}  // namespace

TEST_CASE("A slot that stands still for a whole lease is told at each tick until it moves") {
  Principal principal;
  for (int i = 0; i < 5; ++i)
    CHECK(principal.tick({beating(a, 7), beating(b, 10 + static_cast<std::uint64_t>(i))}).empty());
  CHECK(principal.tick({beating(a, 7), beating(b, 20)}) == std::vector{a});
  CHECK(principal.tick({beating(a, 7), beating(b, 21)}) == std::vector{a});
  CHECK(principal.tick({beating(a, 8), beating(b, 22)}).empty());
}

TEST_CASE("A slot that was never written or that rests proves nothing") {
  Principal principal;
  for (int i = 0; i < 20; ++i) CHECK(principal.tick({resting(a, 0), resting(b, 9)}).empty());
  // Beating again begins a whole lease, with a sequence that stood for long before.
  for (int i = 0; i < 5; ++i) CHECK(principal.tick({beating(b, 10)}).empty());
  CHECK(principal.tick({beating(b, 10)}) == std::vector{b});
  CHECK(principal.tick({resting(b, 11)}).empty());
}

TEST_CASE("A gap in the principal's own ticks begins every lease anew") {
  Principal principal;
  for (int i = 0; i < 5; ++i) CHECK(principal.tick({beating(a, 7)}).empty());
  principal.now += 3600 * second;  // suspended
  for (int i = 0; i < 5; ++i) CHECK(principal.tick({beating(a, 7)}).empty());
  CHECK(principal.tick({beating(a, 7)}) == std::vector{a});
  // A tick that comes late, but within two periods, is no gap.
  principal.now += second - 1;
  CHECK(principal.tick({beating(a, 7)}) == std::vector{a});
}

TEST_CASE("A slot that vanished and came back begins a new lease") {
  Principal principal;
  for (int i = 0; i < 5; ++i) CHECK(principal.tick({beating(a, 7)}).empty());
  CHECK(principal.tick({}).empty());
  CHECK(principal.tick({beating(a, 7)}).empty());
}
