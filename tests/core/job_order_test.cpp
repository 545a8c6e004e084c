#include "core/job_order.h"

#include <catch2/catch.hpp>

#include "callsheet/limits.h"

using namespace callsheet;

namespace {
JobRow rowIn(JobState state) {
  JobRow row;
  row.id = makeJobID();
  row.kind = "kind";
  row.queue = "queue";
  row.owner = makeIncarnationID();
  row.state = state;
  row.sequence = 7;
  row.readyAt = 1'000'000'000;
  row.wakeAt = 55;
  row.finishedAt = 66;
  return row;
}
JobRow runningRow(JobState state = JobState::inProgress) {
  JobRow row = rowIn(state);
  row.holderKind = HolderKind::incarnation;
  row.holder = row.owner.value;
  row.execID = execIDOf(makeClaimID(), 0);
  return row;
}
int placesOf(const JobRow& row) {
  return readyKeyOf(row).has_value() + waitingKeyOf(row).has_value() + doneKeyOf(row).has_value() +
         (attachedKeysOf(row).count > 0);
}
}  // namespace

TEST_CASE("A job stands in exactly one of ready, waiting, attached and done") {
  CHECK(readyKeyOf(rowIn(JobState::ready)));
  CHECK(waitingKeyOf(rowIn(JobState::waiting)));
  CHECK(doneKeyOf(rowIn(JobState::done)));
  CHECK(attachedKeysOf(runningRow()).count == 1);
  CHECK(attachedKeysOf(runningRow(JobState::requested)).count == 1);
  for (const JobState state : {JobState::ready, JobState::waiting, JobState::done}) CHECK(placesOf(rowIn(state)) == 1);
  for (const JobState state : {JobState::requested, JobState::inProgress}) CHECK(placesOf(runningRow(state)) == 1);
}

TEST_CASE("An attempt is attached to its holder and its owner, each once") {
  JobRow row = runningRow();
  CHECK(attachedKeysOf(row).keys[0] == AttachedKey{row.owner, row.id});
  // An executor's attempt at an assistant's job falls with either.
  row.holder = makeIncarnationID().value;
  auto keys = attachedKeysOf(row);
  REQUIRE(keys.count == 2);
  CHECK(keys.keys[0].incarnation == IncarnationID{row.holder});
  CHECK(keys.keys[1].incarnation == row.owner);
  // The principal's queue is nobody's incarnation.
  row.owner = principalOwner;
  keys = attachedKeysOf(row);
  REQUIRE(keys.count == 1);
  CHECK(keys.keys[0].incarnation == IncarnationID{row.holder});
  // A remote attempt names who handed it out, so that a claim can be repeated; when that one is gone it stands with
  // nobody, and yet has a place.
  row.holderKind = HolderKind::remote;
  keys = attachedKeysOf(row);
  REQUIRE(keys.count == 1);
  CHECK(keys.keys[0].incarnation == IncarnationID{row.holder});
  row.holder = Uuid{};
  keys = attachedKeysOf(row);
  REQUIRE(keys.count == 1);
  CHECK(keys.keys[0].incarnation == principalOwner);
}

TEST_CASE("A deadline has a place only while the attempt runs") {
  JobRow row = runningRow();
  CHECK_FALSE(deadlineKeyOf(row));
  row.deadlineNanos = 5;
  row.deadlineBootID = Uuid::makeV4();
  CHECK(deadlineKeyOf(row) == DeadlineKey{row.deadlineBootID, 5, row.id});
  row.state = JobState::ready;
  CHECK_FALSE(deadlineKeyOf(row));
}

TEST_CASE("A point of priority is worth a minute of waiting") {
  JobRow old = rowIn(JobState::ready);
  JobRow urgent = old;
  urgent.priority = 1;
  urgent.readyAt += limits::rankPerPriority.count();
  CHECK(rankOf(urgent) == rankOf(old));
  urgent.readyAt -= 1;
  CHECK(rankOf(urgent) < rankOf(old));
  JobRow least = old;
  least.priority = limits::priorityMin;
  JobRow most = old;
  most.priority = limits::priorityMax;
  CHECK(rankOf(most) < rankOf(old));
  CHECK(rankOf(old) < rankOf(least));
}

TEST_CASE("Totals count each state, reason and outcome, and come back to nothing") {
  Totals totals;
  std::vector<JobRow> rows;
  for (const JobState state : {JobState::ready, JobState::requested, JobState::inProgress})
    rows.push_back(rowIn(state));
  for (int reason = 1; reason < 7; ++reason) {
    rows.push_back(rowIn(JobState::waiting));
    rows.back().waitingFor = static_cast<WaitReason>(reason);
  }
  for (int outcome = 1; outcome < 4; ++outcome) {
    rows.push_back(rowIn(JobState::done));
    rows.back().outcome = static_cast<JobOutcome>(outcome);
  }
  for (const auto& row : rows) totals.add(row);
  CHECK(totals.jobs() == rows.size());
  CHECK(totals.ready == 1);
  CHECK(totals.requested == 1);
  CHECK(totals.inProgress == 1);
  for (int reason = 1; reason < 7; ++reason) CHECK(totals.waiting[reason] == 1);
  for (int outcome = 1; outcome < 4; ++outcome) CHECK(totals.done[outcome] == 1);
  for (const auto& row : rows) totals.remove(row);
  CHECK(totals == Totals{});
}
