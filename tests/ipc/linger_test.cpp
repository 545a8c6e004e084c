#include "ipc/linger.h"

#include <catch2/catch.hpp>

using namespace callsheet;

// Nanoseconds: a commit takes 300 us, and a leader found nothing more to take at 1,000 us.
constexpr std::int64_t us = 1000;

TEST_CASE("A leader waits a little longer than those take who usually come back soon") {
  Linger linger(1000 * us, 300 * us);
  CHECK_FALSE(linger.until(1000 * us));
  linger.expect(980 * us, 40 * us);
  CHECK(linger.until(1000 * us) == 1050 * us);
  CHECK(linger.until(1049 * us) == 1050 * us);
  CHECK_FALSE(linger.until(1050 * us));
  linger.expect(990 * us, 80 * us);
  linger.expect(970 * us, 40 * us);
  CHECK(linger.until(1000 * us) == 1110 * us);
}

TEST_CASE("Nobody is waited for who comes later than half a commit from now, or has not come as usual") {
  Linger linger(1000 * us, 300 * us);
  linger.expect(990 * us, 200 * us);
  CHECK_FALSE(linger.until(1000 * us));
  linger.expect(800 * us, 100 * us);
  CHECK_FALSE(linger.until(1000 * us));
  linger.expect(1000 * us, 104 * us);
  CHECK(linger.until(1000 * us) == 1150 * us);
}

TEST_CASE("However long commits take, a leader waits for a fifth of a millisecond at most") {
  Linger linger(1000 * us, 50'000 * us);
  linger.expect(1000 * us, 145 * us);
  CHECK_FALSE(linger.until(1000 * us));
  linger.expect(1000 * us, 144 * us);
  CHECK(linger.until(1000 * us) == 1200 * us);
}
