#include "callsheet/external_job_key.h"

#include <catch2/catch.hpp>
#include <string>

#include "callsheet/job_context.h"

using namespace callsheet;

TEST_CASE("A key of an external wait comes back from its text, of a step's wait too") {
  const JobID job = makeJobID();
  const Fingerprint step = detail::waitIDOf({}, "a step");
  for (const Fingerprint wait : {detail::waitIDOf({}, "answer"), detail::waitIDOf(step, "answer")}) {
    const ExternalJobKey key{"main", job, wait};
    const auto parsed = ExternalJobKey::parse(key.toString());
    REQUIRE(parsed);
    CHECK(*parsed == key);
  }
  CHECK(detail::waitIDOf({}, "answer") != detail::waitIDOf(step, "answer"));
}

TEST_CASE("What is no key of an external wait is refused") {
  const std::string good = ExternalJobKey{"main", makeJobID(), detail::waitIDOf({}, "answer")}.toString();
  REQUIRE(ExternalJobKey::parse(good));
  const auto slash = good.find('/');
  for (const std::string& bad :
       {std::string(), std::string("callsheet:"), good.substr(1), good.substr(0, good.size() - 1), good + "0",
        good.substr(0, good.rfind('/')), "callsheet:../x" + good.substr(slash), "callsheet:" + good.substr(slash),
        good.substr(0, slash) + "/nobody" + good.substr(good.rfind('/'))}) {
    INFO(bad);
    CHECK_FALSE(ExternalJobKey::parse(bad));
  }
}
