#pragma once
#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "store/keys.h"
#include "tests/store/raw_environment.h"
#include "tests/support/steps.h"
#include "tests/support/store_fixture.h"

namespace callsheet::tests {

/// A store with two directors whose jobs' rows can be damaged behind its back.
struct Damaged {
  StoreFixture fixture;
  IncarnationID principal = makeIncarnationID();
  IncarnationID left = makeIncarnationID();

  Damaged() {
    REQUIRE(fixture->apply(RegisterIncarnation{principal, {}, Role::principal, {}, {"k"}}).verdict == Verdict::ok);
    REQUIRE(fixture->apply(RegisterIncarnation{left, "left", Role::assistant, {}, {"k"}}).verdict == Verdict::ok);
  }
  ~Damaged() { fixture.closeUnchecked(); }

  JobID add(const NewJob& job, IncarnationID sender) {
    REQUIRE(fixture->apply(submitOf({job}, sender)).verdict == Verdict::ok);
    return job.id;
  }
  void damageStep(JobID id, std::uint16_t number) { damage("part", keys::memoKey(id, fingerprint(number))); }
  void damage(const char* tree, const keys::Key& key) {
    fixture.close();
    RawEnvironment(fixture.path()).change(tree, key.view(), [](std::string& bytes) {
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x40);
    });
    fixture.open();
  }
  /// A running job with two steps.
  JobRow addWithSteps() {
    add(newJob(), left);
    const auto claimed = fixture->apply(claimOf(left));
    REQUIRE(claimed.jobs.size() == 1);
    const JobRow row = claimed.jobs[0].row;
    REQUIRE(fixture->apply(SaveResult{attemptOf(row), {stepOf(1, "10"), stepOf(2, "20")}}).verdict == Verdict::ok);
    return row;
  }
  void damage(JobID id, keys::JobPart part) {
    damage(part == keys::JobPart::row ? "job" : "part", keys::jobKey(id, part));
  }
  void checkIsListed(JobID id) {
    const JobPage page = fixture->list({}, {}, 100);
    CHECK(page.unreadable == std::vector{id});
    checkIsNamed(id);
  }
  void checkIsNamed(JobID id) {
    const CheckReport report = fixture->check();
    CHECK_FALSE(report.isClean());
    bool named = false;
    for (const auto& problem : report.problems) named = named || problem.find(id.toString()) != std::string::npos;
    CHECK(named);
    for (const auto& problem : report.problems) {
      INFO(problem);
      CHECK((problem.find(id.toString()) != std::string::npos || problem.find("totals") != std::string::npos));
    }
  }
};

}  // namespace callsheet::tests
