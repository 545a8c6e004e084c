#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>

#include "callsheet/uuid.h"
#include "ipc/board.h"
#include "ipc/process_state.h"

namespace callsheet {
inline namespace v1 {

/// What to do about a store whose write lock does not come free.
struct StoppedWriterVerdict {
  enum class Action {
    nothing,
    report,  ///< tell the operator: it may hold everybody up, but must not be killed
    kill,    ///< it holds the write lock and will not go on by itself
  };
  Action action = Action::nothing;
  IncarnationID incarnation;
  pid_t pid = 0;
  std::uint64_t startTime = 0;
  char processLetter = '?';

  friend bool operator==(const StoppedWriterVerdict&, const StoppedWriterVerdict&) = default;
};

/// Decides whether a process that was stopped in the middle of a write must be killed so that the others can write
/// again. Pure: time, board and process states are given to it. Not thread-safe; for the principal's loop, or a
/// waiter's when no principal lives.
class StoppedWriter {
 public:
  struct Rule {
    std::chrono::nanoseconds lookAfter =
        std::chrono::milliseconds{250};                                ///< how long to wait before asking /proc at all
    std::chrono::nanoseconds actAfter = std::chrono::seconds{10};      ///< how long a writer must stand still
    std::chrono::nanoseconds period = std::chrono::milliseconds{250};  ///< how often look() is going to be called
    bool mayKill = true;                                               ///< otherwise it reports
  };
  using StateOf = std::function<std::optional<ProcessState>(pid_t)>;

  explicit StoppedWriter(Rule rule) : rule_(rule) {}

  /// `isWaiting`: somebody for whom the caller answers waits for the write lock at this moment. All durations are the
  /// caller's own awake time: a gap between two looks counts for two periods at most, so neither suspend nor being
  /// stopped itself counts against anybody. A report is given once for each time that a writer stands still; a kill at
  /// each look.
  ///
  /// To be acted on, a process must show the same incarnation and sequence for all that time, with nobody else having
  /// had the write lock meanwhile (then it was free), and must still be the process that took the slot. Somebody who is
  /// stopped just behind the lock, or just before it, only shows that he wants to write: he is the one when nobody
  /// shows that he writes, no other waiter is stopped, and one that runs has waited all that time, because a free lock
  /// would have gone to that one.
  [[nodiscard]] StoppedWriterVerdict look(std::int64_t nowNanos, bool isWaiting, std::span<const BoardEntry> entries,
                                          const StateOf& stateOf = writerProcessState);

 private:
  struct Seen {
    WriterState state = WriterState::idle;
    std::uint64_t sequence = 0;
    std::int64_t sinceAwake = 0;
    bool reported = false;
    std::int64_t runsSinceAwake = 0;  // for who wants to write
  };

  void forget();
  [[nodiscard]] static bool isNewWaiter(const Seen& before, const BoardEntry& now);
  [[nodiscard]] StoppedWriterVerdict judge(const BoardEntry& entry, Seen& seen, bool isHolder,
                                           const StateOf& stateOf) const;
  [[nodiscard]] std::optional<IncarnationID> holderAmongWaiters(std::span<const BoardEntry> entries,
                                                                const StateOf& stateOf);

  Rule rule_;
  std::int64_t awakeNanos_ = 0;  // since the present waiting began
  std::optional<std::int64_t> lastLook_;
  std::map<IncarnationID, Seen> seen_;
};

/// Carries out a kill, and nothing else. Whether the process was there to be killed.
bool carryOut(const StoppedWriterVerdict& verdict);

}  // namespace v1
}  // namespace callsheet
