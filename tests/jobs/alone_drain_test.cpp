#include "jobs/alone_drain.h"

#include <catch2/catch.hpp>

using namespace callsheet;
using namespace std::chrono_literals;

TEST_CASE("Claims pause for a job that must run alone, each time for twice as long, and go on in between") {
  AloneDrain drain;
  AloneDrain::Time now{1h};
  CHECK(drain.mayClaim(3, now));
  drain.heard(true);
  CHECK(drain.mayClaim(0, now));  // it is alone already
  auto pause = 5s;
  for (int round = 0; round < 10; ++round) {
    INFO("pause " << pause.count() << " s");
    CHECK_FALSE(drain.mayClaim(1, now));
    CHECK_FALSE(drain.mayClaim(1, now + pause - 1ms));
    drain.heard(true);
    CHECK(drain.mayClaim(1, now + pause));
    CHECK(drain.mayClaim(1, now + pause + 60s - 1ms));
    now += pause + 60s;
    pause *= 2;
  }
  drain.heard(false);
  CHECK(drain.mayClaim(1, now));
  drain.heard(true);
  CHECK_FALSE(drain.mayClaim(1, now));
  CHECK(drain.mayClaim(1, now + 5s));  // as short as the first
}
