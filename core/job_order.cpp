#include "core/job_order.h"

#include <algorithm>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

bool isRunning(const JobFacts& facts) {
  return facts.state == JobState::requested || facts.state == JobState::inProgress;
}

std::int64_t rankOf(const JobFacts& facts) {
  return facts.readyAt - facts.priority * limits::rankPerPriority.count();
}

std::optional<ReadyKey> readyKeyOf(const JobRow& row) {
  if (row.state != JobState::ready) return std::nullopt;
  return ReadyKey{row.owner, row.kind, row.queue, row.lane, rankOf(row), row.sequence};
}

std::optional<ReadyKeyView> readyKeyOf(const JobFacts& facts, const JobRow& today) {
  if (facts.state != JobState::ready) return std::nullopt;
  return ReadyKeyView{facts.owner, today.kind, today.queue, facts.lane, rankOf(facts), facts.sequence};
}

std::optional<WaitingKey> waitingKeyOf(const JobFacts& facts) {
  if (facts.state != JobState::waiting) return std::nullopt;
  return WaitingKey{facts.owner, facts.wakeAt, facts.id};
}

std::optional<DeadlineKey> deadlineKeyOf(const JobFacts& facts) {
  if (!isRunning(facts) || facts.deadlineNanos == 0 || facts.holderKind == HolderKind::shim) return std::nullopt;
  return DeadlineKey{facts.deadlineBootID, facts.deadlineNanos, facts.id};
}

std::optional<DoneKey> doneKeyOf(const JobFacts& facts) {
  if (facts.state != JobState::done) return std::nullopt;
  return DoneKey{facts.finishedAt, facts.id};
}

bool operator==(const AttachedKeys& a, const AttachedKeys& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

AttachedKeys attachedKeysOf(const JobFacts& facts) {
  AttachedKeys attached;
  if (!isRunning(facts)) return attached;
  // A remote attempt's names who handed it out, so that a claim can be repeated, and a command's who attends to it;
  // neither stands or falls with that one.
  if (facts.holderKind != HolderKind::none && !facts.holder.isNil())
    attached.keys[attached.count++] = {IncarnationID{facts.holder}, facts.id};
  const bool hasHolder = attached.count == 1;
  const bool ownerIsHolder = hasHolder && attached.keys[0].incarnation == facts.owner;
  // The principal's queue is nobody's incarnation, and only the place of what has no other.
  if (!hasHolder || (facts.owner != principalOwner && !ownerIsHolder))
    attached.keys[attached.count++] = {facts.owner, facts.id};
  return attached;
}

bool standsAsBefore(const JobFacts& before, const JobFacts& after) {
  if (before.state != after.state || before.owner != after.owner) return false;
  switch (after.state) {
    case JobState::waiting:
      return before.wakeAt == after.wakeAt;
    case JobState::ready:
      return before.lane == after.lane && rankOf(before) == rankOf(after) && before.sequence == after.sequence;
    case JobState::requested:
    case JobState::inProgress:
      return before.holderKind == after.holderKind && before.holder == after.holder &&
             before.deadlineNanos == after.deadlineNanos && before.deadlineBootID == after.deadlineBootID;
    case JobState::done:
      break;
  }
  return before.finishedAt == after.finishedAt;
}

std::uint64_t& Totals::countOf(const JobFacts& facts) {
  switch (facts.state) {
    case JobState::waiting:
      return waiting[static_cast<std::size_t>(facts.waitingFor)];
    case JobState::ready:
      return ready;
    case JobState::requested:
      return requested;
    case JobState::inProgress:
      return inProgress;
    case JobState::done:
      break;
  }
  return done[static_cast<std::size_t>(facts.outcome)];
}

std::uint64_t Totals::jobs() const {
  std::uint64_t sum = ready + requested + inProgress;
  for (const auto count : waiting) sum += count;
  for (const auto count : done) sum += count;
  return sum;
}

}  // namespace v1
}  // namespace callsheet
