#include "ipc/stopped_writer.h"

#include <algorithm>
#include <utility>

#include "ipc/pidfd.h"

namespace callsheet {
inline namespace v1 {

using Action = StoppedWriterVerdict::Action;

void StoppedWriter::forget() {
  awakeNanos_ = 0;
  lastLook_.reset();
  seen_.clear();
}

StoppedWriterVerdict StoppedWriter::look(std::int64_t nowNanos, bool isWaiting, std::span<const BoardEntry> entries,
                                         const StateOf& stateOf) {
  if (!isWaiting) {
    forget();
    return {};
  }
  if (lastLook_) awakeNanos_ += std::clamp<std::int64_t>(nowNanos - *lastLook_, 0, 2 * rule_.period.count());
  lastLook_ = nowNanos;

  std::map<IncarnationID, Seen> stillSeen;
  bool lockMoved = false;
  for (const BoardEntry& entry : entries) {
    const auto known = seen_.find(entry.incarnation);
    const bool stoodStill = known != seen_.end() && known->second.sequence == entry.writerSequence;
    if (known != seen_.end() && !stoodStill && !isNewWaiter(known->second, entry)) lockMoved = true;
    stillSeen.emplace(
        entry.incarnation,
        stoodStill ? known->second : Seen{entry.writerState, entry.writerSequence, awakeNanos_, false, awakeNanos_});
  }
  seen_ = std::move(stillSeen);
  if (lockMoved)
    for (auto& [incarnation, seen] : seen_) seen.sinceAwake = seen.runsSinceAwake = awakeNanos_;
  if (awakeNanos_ < rule_.lookAfter.count()) return {};

  const auto unmarked = holderAmongWaiters(entries, stateOf);
  // Who shows that it writes comes first.
  for (const WriterState state : {WriterState::writing, WriterState::wants})
    for (const BoardEntry& entry : entries) {
      if (entry.writerState != state) continue;
      const bool isHolder = state == WriterState::writing || entry.incarnation == unmarked;
      const auto verdict = judge(entry, seen_.at(entry.incarnation), isHolder, stateOf);
      if (verdict.action != Action::nothing) return verdict;
    }
  return {};
}

// The kernel gives a lock that comes free to somebody who waits for it and runs. It may also have woken one that is
// stopped, who then keeps the others asleep although the lock is free; his end wakes the next, so it is all the same.
std::optional<IncarnationID> StoppedWriter::holderAmongWaiters(std::span<const BoardEntry> entries,
                                                               const StateOf& stateOf) {
  std::optional<IncarnationID> stopped;
  std::size_t stoppedCount = 0;
  bool isMarked = false;
  bool hasRunningWaiter = false;
  for (const BoardEntry& entry : entries) {
    if (entry.writerState == WriterState::writing) isMarked = true;
    if (entry.writerState != WriterState::wants) continue;
    const auto process = stateOf(entry.pid);
    if (!process || process->startTime != entry.startTime || process->isEnded()) continue;
    Seen& seen = seen_.at(entry.incarnation);
    if (process->isStoppedOrTraced()) {
      seen.runsSinceAwake = awakeNanos_;
      stopped = entry.incarnation;
      ++stoppedCount;
    }
    hasRunningWaiter = hasRunningWaiter || awakeNanos_ - seen.runsSinceAwake >= rule_.actAfter.count();
  }
  return !isMarked && stoppedCount == 1 && hasRunningWaiter ? stopped : std::nullopt;
}

// A writer's sequence also grows when it merely joins the queue; every other change needs the write lock.
bool StoppedWriter::isNewWaiter(const Seen& before, const BoardEntry& now) {
  return before.state == WriterState::idle && now.writerState == WriterState::wants &&
         now.writerSequence == before.sequence + 1;
}

StoppedWriterVerdict StoppedWriter::judge(const BoardEntry& entry, Seen& seen, bool isHolder,
                                          const StateOf& stateOf) const {
  if (awakeNanos_ - seen.sinceAwake < rule_.actAfter.count()) return {};
  const auto process = stateOf(entry.pid);
  // Gone, or a later process with its pid: the kernel has freed the lock already.
  if (!process || process->startTime != entry.startTime || process->isEnded()) return {};
  if (!process->isStoppedOrTraced() && !process->isDiskSleep()) return {};
  const bool mayKill = process->isStoppedOrTraced() && isHolder && entry.mayBeKilled && rule_.mayKill;
  if (!mayKill && std::exchange(seen.reported, true)) return {};
  return StoppedWriterVerdict{mayKill ? Action::kill : Action::report, entry.incarnation, entry.pid, entry.startTime,
                              process->letter};
}

bool carryOut(const StoppedWriterVerdict& verdict) {
  return verdict.action == Action::kill && killThroughPidfd(verdict.pid, verdict.startTime);
}

}  // namespace v1
}  // namespace callsheet
