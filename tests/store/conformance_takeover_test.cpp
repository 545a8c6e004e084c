// What every job store must do when directors come, stop, die and hang: fencing, adoption, poison.
#include <catch2/catch.hpp>

#include "tests/support/store_fixture.h"

using namespace callsheet;
using namespace callsheet::tests;

namespace {
RegisterIncarnation registering(Role role, const std::string& name, IncarnationID expectedFormer = {}) {
  RegisterIncarnation verb;
  verb.id = makeIncarnationID();
  verb.role = role;
  verb.name = name;
  verb.expectedFormer = expectedFormer;
  verb.kinds = {"k"};
  return verb;
}
std::optional<IncarnationRow> rowOf(StoreUnderTest& store, IncarnationID id) {
  for (const auto& row : store->incarnations())
    if (row.id == id) return row;
  return std::nullopt;
}
}  // namespace

TEST_CASE("An incarnation is opened once and is listed with its name, role and kinds") {
  ON_EVERY_STORE(store);
  const auto verb = registering(Role::assistant, "left");
  CHECK(store.apply(verb).verdict == Verdict::ok);
  CHECK(store.isRepeat(store.apply(verb).verdict));
  const auto row = rowOf(store, verb.id);
  REQUIRE(row);
  CHECK(row->isOpen());
  CHECK(row->name == "left");
  CHECK(row->role == Role::assistant);
  CHECK(row->kinds == std::vector<std::string>{"k"});
  CHECK(row->openedAt == store.clock().now().utcMicros);
  CHECK(row->bootID == store.clock().now().bootID);
  RegisterIncarnation other = verb;
  other.name = "right";
  CHECK(store.apply(other).verdict == Verdict::conflict);
}

TEST_CASE("There is one principal and one living assistant of a name while executors may share names") {
  ON_EVERY_STORE(store);
  store.openPrincipal();
  store.openAssistant("left");
  auto answer = store.apply(registering(Role::principal, {}));
  CHECK(answer.verdict == Verdict::conflict);
  CHECK_THAT(answer.why, Catch::Contains("principal"));
  answer = store.apply(registering(Role::assistant, "left"));
  CHECK(answer.verdict == Verdict::conflict);
  CHECK_THAT(answer.why, Catch::Contains("left"));
  // Somebody else's incarnation is no excuse.
  CHECK(store.apply(registering(Role::assistant, "left", makeIncarnationID())).verdict == Verdict::conflict);
  CHECK(store.apply(registering(Role::assistant, "right")).verdict == Verdict::ok);
  CHECK(store.apply(registering(Role::executor, "left")).verdict == Verdict::ok);
  CHECK(store.apply(registering(Role::executor, "left")).verdict == Verdict::ok);
}

TEST_CASE("Registering closes the expected former incarnation of the name in the same transaction") {
  ON_EVERY_STORE(store);
  const auto former = store.openAssistant("left");
  const JobRow row = store.addRunning(former);
  const auto verb = registering(Role::assistant, "left", former);
  CHECK(store.apply(verb).verdict == Verdict::ok);
  CHECK(rowOf(store, former)->closing == Closing::died);
  CHECK(rowOf(store, former)->closedAt == store.clock().now().utcMicros);
  CHECK(store.verdictOfSucceed(row) == Verdict::fenced);
  CHECK(store.apply(claimOf(former)).verdict == Verdict::fenced);
  // What the former left is not the new one's.
  CHECK(store.apply(claimOf(verb.id)).jobs.empty());
  // A former that is closed already is no obstacle, and neither is one that never was.
  CHECK(store.apply(registering(Role::assistant, "left", verb.id)).verdict == Verdict::ok);
  CHECK(store.apply(registering(Role::assistant, "new", makeIncarnationID())).verdict == Verdict::ok);
}

TEST_CASE("A closed incarnation cannot be opened again") {
  ON_EVERY_STORE(store);
  const auto verb = registering(Role::assistant, "left");
  store.apply(verb);
  store.close(verb.id, Closing::stopped, verb.id);
  CHECK(store.apply(verb).verdict == Verdict::fenced);
}

TEST_CASE("Names that are paths are refused") {
  ON_EVERY_STORE(store);
  const auto role = GENERATE(Role::assistant, Role::executor);
  for (const std::string name : {"../up", "a/b", ".hidden", "with space"}) {
    const auto answer = store.apply(registering(role, name));
    CHECK(answer.verdict == Verdict::refused);
    CHECK_THAT(answer.why, Catch::Contains(name));
  }
  CHECK(store.apply(registering(role, std::string(limits::nameLengthMax + 1, 'x'))).verdict == Verdict::refused);
  CHECK(store.apply(registering(Role::assistant, {})).verdict == Verdict::refused);
}

TEST_CASE("Only a director itself or the living principal closes it") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant("left");
  const auto right = store.openAssistant("right");
  CHECK(store.apply(CloseIncarnation{left, Closing::died, right}).verdict == Verdict::fenced);
  CHECK(store.apply(CloseIncarnation{left, Closing::died, {}}).verdict == Verdict::fenced);
  CHECK(store.apply(CloseIncarnation{left, Closing::open, principal}).verdict == Verdict::refused);
  CHECK(store.apply(CloseIncarnation{makeIncarnationID(), Closing::died, principal}).verdict == Verdict::notFound);
  CHECK(rowOf(store, left)->isOpen());
  CHECK(store.apply(CloseIncarnation{left, Closing::hung, principal}).verdict == Verdict::ok);
  CHECK(store.isRepeat(store.apply(CloseIncarnation{left, Closing::died, principal}).verdict));
  CHECK(rowOf(store, left)->closing == Closing::hung);
  CHECK(store.apply(CloseIncarnation{right, Closing::stopped, right}).verdict == Verdict::ok);
  // A closed principal closes nobody.
  const auto last = store.openAssistant("last");
  store.close(principal, Closing::stopped, principal);
  CHECK(store.apply(CloseIncarnation{last, Closing::died, principal}).verdict == Verdict::fenced);
}

TEST_CASE("Closing voids every attempt at once, before any adoption") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  const JobRow row = store.addRunning(left);
  store.close(left, GENERATE(Closing::stopped, Closing::died, Closing::hung), principal);
  CHECK(store.verdictOfSucceed(row) == Verdict::fenced);
  // The same attempt under nobody's name, or a living one's, is as void.
  CHECK(store.apply(Succeed{{row.id, row.execID, {}}, "1", {}}).verdict == Verdict::fenced);
  CHECK(store.apply(Succeed{{row.id, row.execID, principal}, "1", {}}).verdict == Verdict::fenced);
  CHECK(store.apply(Unclaim{attemptOf(row), {}}).verdict == Verdict::fenced);
  CHECK(store.apply(RequestTransfer{attemptOf(row)}).verdict == Verdict::fenced);
  CHECK(store.row(row.id) == row);
}

TEST_CASE("Adoption moves running jobs, then ready ones, then waiting ones, one slice at a time") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant("left");
  const auto right = store.openAssistant("right");
  const JobRow bystander = store.addRunning(right);
  const JobRow done = store.addRunning(left);
  store.verdictOfSucceed(done);
  const JobRow running = store.addRunning(left);
  const JobRow requested = store.addRequested(left);
  const JobID ready = store.add(left);
  NewJob later = newJob();
  later.delayMicros = hour;
  store.add(later, left);
  store.close(left, Closing::died, principal);

  const auto ownersMoved = [&] {
    std::vector<bool> moved;
    for (const JobID id : {running.id, requested.id, ready, later.id})
      moved.push_back(store.row(id).owner == principalOwner);
    return moved;
  };
  if (!store.isLossy()) {
    const Adopt one{left, principal, 1, 0};
    auto answer = store.apply(one);
    CHECK(answer.moved == 1);
    CHECK(answer.more);
    CHECK(store.row(ready).owner == left);
    answer = store.apply(one);
    CHECK(answer.more);
    CHECK(ownersMoved() == std::vector{true, true, false, false});
    answer = store.apply(one);
    CHECK(answer.more);
    CHECK(ownersMoved() == std::vector{true, true, true, false});
    CHECK_FALSE(rowOf(store, left)->emptied);
    answer = store.apply(one);
    CHECK(answer.moved == 1);
    CHECK_FALSE(answer.more);
    CHECK(rowOf(store, left)->emptied);
    CHECK(rowOf(store, left)->adopted == 4);
    answer = store.apply(one);
    CHECK(answer.moved == 0);
    CHECK_FALSE(answer.more);
  } else {
    store.adoptAll(left, principal, 1);
  }
  CHECK(ownersMoved() == std::vector{true, true, true, true});
  CHECK(store.row(running.id).state == JobState::ready);
  CHECK(store.row(running.id).holderDeaths == 1);
  CHECK(store.row(requested.id).state == JobState::ready);
  CHECK(store.row(requested.id).holderDeaths == 0);
  CHECK(store.row(ready).state == JobState::ready);
  CHECK(store.row(later.id).state == JobState::waiting);
  CHECK(store.row(later.id).wakeAt == store.clock().now().utcMicros + hour);
  CHECK(store.row(done.id).state == JobState::done);
  CHECK(store.row(bystander.id) == bystander);
  CHECK(store.moves(running.id).back() == Move::holderEnded);
  CHECK(store.moves(ready).back() == Move::adopt);
  CHECK(store->readLog(ready, 1, 1).at(0).actor == principal.value);
  // All of them run in the principal now, with new execIds.
  const auto claimed = store.apply(claimOf(principal, 10));
  CHECK(claimed.jobs.size() == 3);
  for (const auto& item : claimed.jobs) CHECK(item.row.execID != running.execID);
  CHECK(store.verdictOfSucceed(running) == Verdict::fenced);
  for (const auto& item : claimed.jobs) CHECK(store.verdictOfSucceed(item.row) == Verdict::ok);
}

TEST_CASE("Only the living principal adopts, and only what is closed") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant("left");
  const auto right = store.openAssistant("right");
  const JobID id = store.add(left);
  CHECK(store.apply(Adopt{left, principal, 10, 0}).verdict == Verdict::illegal);
  CHECK(store.apply(Adopt{makeIncarnationID(), principal, 10, 0}).verdict == Verdict::notFound);
  store.close(left, Closing::died, principal);
  CHECK(store.apply(Adopt{left, right, 10, 0}).verdict == Verdict::fenced);
  CHECK(store.apply(Adopt{left, {}, 10, 0}).verdict == Verdict::fenced);
  CHECK(store.apply(Adopt{left, principal, 0, 0}).verdict == Verdict::refused);
  CHECK(store.apply(Adopt{left, principal, limits::sliceRowsMax + 1, 0}).verdict == Verdict::refused);
  store.close(principal, Closing::died, principal);
  CHECK(store.apply(Adopt{left, principal, 10, 0}).verdict == Verdict::fenced);
  CHECK(store.row(id).owner == left);
  const auto next = store.openPrincipal();
  store.adoptAll(left, next);
  CHECK(store.row(id).owner == principalOwner);
}

TEST_CASE("A dead principal's running jobs are run again by the next, and its queue has not moved") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const JobRow running = store.addRunning(principal);
  const JobID ready = store.add();
  const auto next = registering(Role::principal, {}, principal);
  REQUIRE(store.apply(next).verdict == Verdict::ok);
  CHECK(store.verdictOfSucceed(running) == Verdict::fenced);
  store.adoptAll(principal, next.id);
  CHECK(store.moves(ready).size() == 1);
  CHECK(store.apply(claimOf(next.id, 10)).jobs.size() == 2);
}

TEST_CASE("An executor's attempts go on when the principal dies") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto executor = store.open(Role::executor, "e");
  const JobRow row = store.addRunning(executor);
  const auto next = registering(Role::principal, {}, principal);
  REQUIRE(store.apply(next).verdict == Verdict::ok);
  store.adoptAll(principal, next.id);
  CHECK(store.row(row.id) == row);
  CHECK(store.verdictOfSucceed(row) == Verdict::ok);
}

TEST_CASE("A death makes the job ready at once, the next ones wait longer, and five in a row end in quarantine") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const JobID id = store.add();
  const JobID other = store.add(newJob("other"));
  const std::int64_t expectedSeconds[] = {0, 0, 1, 2, 4};
  for (std::uint32_t death = 1; death <= limits::deathsBeforeQuarantine; ++death) {
    const auto executor = store.open(Role::executor, "e");
    const JobRow row = store.run(id, executor);
    CHECK(row.alone == (death > limits::deathsBeforeAlone));
    store.close(executor, Closing::died, principal);
    store.adoptAll(executor, principal);
    const JobRow after = store.row(id);
    CHECK(after.holderDeaths == death);
    CHECK(after.failures == 0);
    if (death == 1) {
      CHECK(after.state == JobState::ready);
    } else if (death < limits::deathsBeforeQuarantine) {
      CHECK(after.waitingFor == WaitReason::backoff);
      const std::int64_t longest = expectedSeconds[death] * second;
      const std::int64_t delay = after.wakeAt - store.clock().now().utcMicros;
      CHECK(delay <= longest);
      CHECK(delay >= longest - longest / 10);
      store.clock().advanceMicros(longest);
    }
  }
  const JobRow after = store.row(id);
  CHECK(after.state == JobState::waiting);
  CHECK(after.waitingFor == WaitReason::quarantine);
  CHECK(after.wakeAt == never);
  CHECK(store.moves(id).back() == Move::quarantine);
  store.clock().advanceMicros(1000 * hour);
  CHECK(store.apply(claimOf(principal, 10)).jobs.empty());
  CHECK(store->totals().waiting[static_cast<int>(WaitReason::quarantine)] == 1);
  CHECK(store.row(other).state == JobState::ready);
}

TEST_CASE("Reboot, stop and lease do not count as deaths, and any other end resets the count") {
  ON_EVERY_STORE(store);
  auto principal = store.openPrincipal();
  auto executor = store.open(Role::executor, "e");
  const JobRow row = store.addRunning(executor);
  const auto how = GENERATE(as<std::string>{}, "reboot", "stop", "hang", "fail");
  INFO(how);
  // One real death first.
  store.close(executor, Closing::died, principal);
  store.adoptAll(executor, principal);
  REQUIRE(store.row(row.id).holderDeaths == 1);
  executor = store.open(Role::executor, "e");
  const JobRow again = store.run(row.id, executor);
  if (how == "reboot") store.clock().reboot(*Uuid::parse("f0000000-0000-4000-8000-000000000000"));
  if (how == "reboot" || how == "stop" || how == "hang") {
    store.close(executor, how == "stop" ? Closing::stopped : how == "hang" ? Closing::hung : Closing::died, principal);
    store.adoptAll(executor, principal);
    CHECK(store.row(row.id).state == JobState::ready);
    CHECK(store.row(row.id).holderDeaths == 1);
    CHECK(store.moves(row.id).back() == Move::holderEnded);
  } else {
    Fail fail;
    fail.attempt = attemptOf(again);
    CHECK(store.apply(fail).verdict == Verdict::ok);
    CHECK(store.row(row.id).holderDeaths == 0);
  }
}

TEST_CASE("A replaced attempt is fenced though its director lives") {
  ON_EVERY_STORE(store);
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.body.attemptLimitMicros = second;
  const JobRow old = store.addRunning(left, job);
  store.clock().advanceMicros(minute);
  store.apply(Expire{});
  store.clock().advanceMicros(minute);
  const JobRow present = store.run(job.id, left);
  CHECK(present.execID != old.execID);
  CHECK(store.verdictOfSucceed(old) == Verdict::fenced);
  CHECK(store.apply(Transfer{attemptOf(old)}).verdict == Verdict::fenced);
  CHECK(store.row(job.id) == present);
  CHECK(store.verdictOfSucceed(present) == Verdict::ok);
  CHECK(store.verdictOfSucceed(old) == Verdict::fenced);
}

TEST_CASE("A zombie's submit, claim and succeed are all fenced after its adoption") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto zombie = store.openAssistant();
  const JobRow row = store.addRunning(zombie);
  store.add(zombie);
  store.close(zombie, Closing::hung, principal);
  store.adoptAll(zombie, principal);
  const auto jobs = store->totals().jobs();
  CHECK(store.apply(submitOf({newJob()}, zombie)).verdict == Verdict::fenced);
  CHECK(store.apply(claimOf(zombie, 10)).verdict == Verdict::fenced);
  CHECK(store.apply(Succeed{attemptOf(row), "1", {newJob()}}).verdict == Verdict::fenced);
  CHECK(store->totals().jobs() == jobs);
  CHECK(store->totals().ready == 2);
  // Also when the job runs elsewhere or is done there.
  const auto claimed = store.apply(claimOf(principal, 10));
  REQUIRE(claimed.jobs.size() == 2);
  CHECK(store.verdictOfSucceed(row) == Verdict::fenced);
  for (const auto& item : claimed.jobs) REQUIRE(store.verdictOfSucceed(item.row) == Verdict::ok);
  CHECK(store.verdictOfSucceed(row) == Verdict::fenced);
}

TEST_CASE("Whoever writes a closed owner's row gives the job to the principal") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto left = store.openAssistant();
  NewJob job = newJob();
  job.delayMicros = second;
  store.add(job, left);
  store.close(left, Closing::died, principal);
  store.clock().advanceMicros(second);
  CHECK(store.apply(Promote{left, 10}).verdict == Verdict::ok);
  CHECK(store.row(job.id).owner == principalOwner);
  CHECK(store.row(job.id).state == JobState::ready);
  store.run(job.id, principal);
}

TEST_CASE("A name that is used again before its dead holder was adopted gets none of its jobs") {
  ON_EVERY_STORE(store);
  const auto principal = store.openPrincipal();
  const auto former = store.openAssistant("left");
  const JobRow running = store.addRunning(former);
  const JobID ready = store.add(former);
  const auto next = registering(Role::assistant, "left", former);
  REQUIRE(store.apply(next).verdict == Verdict::ok);
  CHECK(store.apply(claimOf(next.id, 10)).jobs.empty());
  store.adoptAll(former, principal);
  CHECK(store.apply(claimOf(next.id, 10)).jobs.empty());
  CHECK(store.row(running.id).owner == principalOwner);
  CHECK(store.row(ready).owner == principalOwner);
  CHECK(store.apply(claimOf(principal, 10)).jobs.size() == 2);
}
