#include "core/job_order.h"

#include <algorithm>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

bool isRunning(const JobRow& row) {
  return row.state == JobState::requested || row.state == JobState::inProgress;
}

std::int64_t rankOf(const JobRow& row) {
  return row.readyAt - row.priority * limits::rankPerPriority.count();
}

std::optional<ReadyKey> readyKeyOf(const JobRow& row) {
  if (row.state != JobState::ready) return std::nullopt;
  return ReadyKey{row.owner, row.kind, row.queue, row.lane, rankOf(row), row.sequence};
}

std::optional<WaitingKey> waitingKeyOf(const JobRow& row) {
  if (row.state != JobState::waiting) return std::nullopt;
  return WaitingKey{row.owner, row.wakeAt, row.id};
}

std::optional<DeadlineKey> deadlineKeyOf(const JobRow& row) {
  if (!isRunning(row) || row.deadlineNanos == 0) return std::nullopt;
  return DeadlineKey{row.deadlineBootID, row.deadlineNanos, row.id};
}

std::optional<DoneKey> doneKeyOf(const JobRow& row) {
  if (row.state != JobState::done) return std::nullopt;
  return DoneKey{row.finishedAt, row.id};
}

bool operator==(const AttachedKeys& a, const AttachedKeys& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

AttachedKeys attachedKeysOf(const JobRow& row) {
  AttachedKeys attached;
  if (!isRunning(row)) return attached;
  if (row.holderKind == HolderKind::incarnation) attached.keys[attached.count++] = {IncarnationID{row.holder}, row.id};
  const bool ownerIsHolder = attached.count == 1 && attached.keys[0].incarnation == row.owner;
  if (row.owner != principalOwner && !ownerIsHolder) attached.keys[attached.count++] = {row.owner, row.id};
  return attached;
}

std::uint64_t& Totals::countOf(const JobRow& row) {
  switch (row.state) {
    case JobState::waiting:
      return waiting[static_cast<std::size_t>(row.waitingFor)];
    case JobState::ready:
      return ready;
    case JobState::requested:
      return requested;
    case JobState::inProgress:
      return inProgress;
    case JobState::done:
      break;
  }
  return done[static_cast<std::size_t>(row.outcome)];
}

std::uint64_t Totals::jobs() const {
  std::uint64_t sum = ready + requested + inProgress;
  for (const auto count : waiting) sum += count;
  for (const auto count : done) sum += count;
  return sum;
}

}  // namespace v1
}  // namespace callsheet
