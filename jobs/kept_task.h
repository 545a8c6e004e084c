#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/names.h"
#include "jobs/task_keeper.h"

namespace callsheet {
inline namespace v1 {

// The keeper's own.
// How often signs of life are looked for, and how many such looks may find none: a shim gives one every five seconds.
inline constexpr std::chrono::seconds beatPeriod{5};
inline constexpr unsigned missedBeatsMax = 3;

/// One attempt. What is not const is guarded by the keeper's mutex, where nothing else is said.
struct TaskKeeper::Task {
  Task(const JobRow& row, IncarnationID attendant, const Uuid& bootID)
      : attempt{row.id, row.execID, attendant},
        ref{row.id, row.execID, row.attempt},
        deadlineNanos(row.deadlineNanos),
        isOfThisBoot(row.deadlineBootID == bootID),
        kind(row.kind),
        isCanceled(row.cancelRequested),
        missedBeats(row.stalled ? missedBeatsMax : 0) {}

  [[nodiscard]] Key key() const { return {ref.exec, attempt.sender}; }
  [[nodiscard]] bool isTransfer() const { return isTransferKind(kind); }

  const AttemptRef attempt;
  const TaskRef ref;
  const std::int64_t deadlineNanos;
  const bool isOfThisBoot;
  const std::string kind;

  bool isCanceled;
  bool isToBeLookedFor = false;
  bool isRunning = false;
  bool wasSeenRunning = false;
  bool isLetGo = false;    ///< somebody else's: it is waited for only because it may be this process's child
  bool isSettled = false;  ///< its end was said; kept until the store does not list it any more
  bool isBeingKilled = false;
  std::chrono::milliseconds grace = std::chrono::seconds{5};
  std::optional<std::chrono::steady_clock::time_point> askedAt;
  RunningTask running;
  FdWatch watch;  ///< only while it runs

  // Of the work under way, of which there is one at a time.
  std::optional<Claim::Item> item;
  bool isNew = false;  ///< nothing was started yet

  // Of the loop's thread.
  std::int64_t lastBeat = 0;
  unsigned missedBeats;
  float share = 0;  ///< as it was last told, with the next
  std::string text;
};

}  // namespace v1
}  // namespace callsheet
