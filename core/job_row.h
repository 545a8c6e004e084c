#pragma once
#include <cereal/types/map.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "callsheet/fingerprint.h"
#include "callsheet/job_failure.h"
#include "callsheet/job_state.h"
#include "callsheet/limits.h"
#include "callsheet/prerequisite.h"
#include "callsheet/retry_policy.h"
#include "callsheet/uuid.h"
#include "core/row_values.h"
#include "core/transitions.h"

// The durable rows of a job. To change one: append fields at the end, raise its format in store/record.h, read the
// old format with defaults, and add a golden file of the old bytes to tests/store/golden.
namespace callsheet {
inline namespace v1 {

/// Whoever must live for an attempt to go on: nobody, a director or executor, the shim of a command, or nothing but a
/// time limit.
enum class HolderKind : std::uint8_t { none, incarnation, shim, remote };

/// A waiting job that nothing but an event wakes.
inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

/// The owner of the principal's queue: one constant, so that a new principal moves no rows.
inline constexpr IncarnationID principalOwner{};

/// One transition as it is remembered.
struct LogEntry {
  std::uint32_t index = 0;  ///< counts from 0; follows from where the entry stands, not stored in it
  std::int64_t at = 0;      ///< UTC us
  Move move = Move::submit;
  JobState before = JobState::waiting;
  JobState after = JobState::waiting;
  WaitReason waitingFor = WaitReason::none;
  std::uint32_t attempt = 0;
  Uuid actor;              ///< the incarnation that asked for it, if any
  std::int64_t timer = 0;  ///< UTC us of the timer it set, 0 = none; of a submit, when it was asked to begin
  std::string note;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(at);
    serializeRest(archive);
  }
  template <class Archive>
  void serializeRest(Archive& archive) {
    archive(move, before, after, waitingFor, attempt, actor, timer, note);
  }
  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

/// What changes about a job and has a fixed size: all that the transitions and the orders go by, so that the state
/// before a change is cheap to keep.
struct JobFacts {
  JobID id;  ///< the key; not in the body
  JobState state = JobState::ready;
  WaitReason waitingFor = WaitReason::none;
  JobOutcome outcome = JobOutcome::none;
  Runner runner = Runner::native;
  bool cancelRequested = false;
  bool transferRequested = false;
  bool stalled = false;
  bool alone = false;           ///< the present attempt runs alone in its process
  bool isForgotten = false;     ///< listings leave it out
  bool answersWait = false;     ///< its body says which
  Move lastEnd = Move::submit;  ///< how the attempt named by execID ended, if it ended by itself
  HolderKind holderKind = HolderKind::none;
  IncarnationID owner;         ///< nil: the principal
  Uuid holder;                 ///< an incarnation: the holder itself, who handed out a remote one, a shim's attendant
  ExecID execID;               ///< of the present attempt, or of the last if it ended by itself; nil once voided
  std::uint32_t attempt = 0;   ///< hand-outs
  std::uint32_t started = 0;   ///< starts, counted before user code
  std::uint32_t failures = 0;  ///< fails and deadlines; what the retry policy compares
  std::uint32_t holderDeaths = 0;  ///< consecutive
  std::uint64_t version = 0;       ///< changes of this row
  std::uint32_t logCount = 0;      ///< log entries ever written
  std::uint32_t memoCount = 0;     ///< steps and waits that it remembers (core/memo_row.h)
  std::uint64_t memoBytes = 0;     ///< of the values in those
  std::int32_t priority = 0;
  std::uint64_t lane = 0;          ///< hash of the limited value; 0 = none
  std::uint64_t sequence = 0;      ///< order of becoming ready
  std::int64_t readyAt = 0;        ///< UTC us, what rank counts from
  std::int64_t wakeAt = 0;         ///< UTC us while waiting; `never` = only an event
  std::int64_t deadlineNanos = 0;  ///< boot clock; 0 = no limit. A shim keeps it, everybody else's is kept by the store
  Uuid deadlineBootID;             ///< another boot than the present one = expired. Of a shim always the claim's
  std::int64_t createdAt = 0;      ///< UTC us, as the next three
  std::int64_t startedAt = 0;
  std::int64_t finishedAt = 0;
  std::int64_t keyUntil = 0;  ///< UTC us: so long its key answers though it is done; `never` = until pruned; 0 = no key
  float progress = 0;         ///< 0..1
  friend bool operator==(const JobFacts&, const JobFacts&) = default;
};

/// A job's row, rewritten by every transition: about 80 bytes, and a dozen for each of the latest log entries, which
/// are here so that the few transitions of an ordinary job cost no rows of their own. Times are stored as what they
/// differ from `createdAt`.
struct JobRow : JobFacts {
  std::string kind;  ///< never changes, as the next
  std::string queue;
  std::string progressText;
  std::vector<LogEntry>
      recentLog;  ///< the last entries, at most limits::logEntriesInRow; older ones have rows. Their index is 0

  template <class Archive>
  void serialize(Archive& archive) {
    archive(state, waitingFor, outcome, runner, cancelRequested, transferRequested);
    serializeFlags(archive, stalled, isForgotten, answersWait);
    archive(alone, lastEnd, holderKind, owner, holder, execID, attempt, started, failures, holderDeaths, version,
            logCount, memoCount, priority, kind, queue, lane, sequence, createdAt);
    if (memoCount > 0)
      archive(memoBytes);
    else if constexpr (Archive::is_loading::value)
      memoBytes = 0;
    for (std::int64_t* at : {&readyAt, &wakeAt, &startedAt, &finishedAt, &keyUntil})
      serializeTimeSince(archive, createdAt, *at);
    archive(deadlineNanos, deadlineBootID, progress, progressText);
    auto entries = static_cast<std::uint8_t>(recentLog.size());
    archive(entries);
    if constexpr (Archive::is_loading::value) {
      if (entries > limits::logEntriesInRow) throw Error(ErrorKind::corrupt, "a row holds too many log entries");
      recentLog.clear();
      recentLog.reserve(limits::logEntriesInRow);  // the next transition appends one
      recentLog.resize(entries);
    }
    for (LogEntry& entry : recentLog) {
      serializeTimeSince(archive, createdAt, entry.at);
      entry.serializeRest(archive);
    }
  }
  friend bool operator==(const JobRow&, const JobRow&) = default;

  /// Log entries that were written to rows of their own, the erased ones too.
  [[nodiscard]] std::uint32_t spilledLogCount() const {
    return logCount - static_cast<std::uint32_t>(recentLog.size());
  }
  /// Of the oldest entry that is kept.
  [[nodiscard]] std::uint32_t firstLogIndex() const {
    return logCount > limits::logEntriesMax ? logCount - limits::logEntriesMax : 0;
  }
};

/// What never changes after submit.
struct JobBody {
  std::uint32_t kindVersion = 1;
  std::string parameters;  ///< JSON, or what the type's own archive wrote
  bool binary = false;     ///< parameters are not JSON
  RetryPolicy retry;
  std::int64_t attemptLimitMicros = 0;  ///< 0 = none
  IncarnationID submitter;              ///< nil: no director (the command, a client of the API)
  std::string submitterName;
  std::string key;  ///< canonical bytes of the business key; empty = none
  JobID parent;
  JobID retryOf;
  std::string requester;
  std::string traceparent;
  std::string blob;                     ///< reference to parameters kept elsewhere; reserved
  std::uint32_t definitionVersion = 0;  ///< reserved
  std::map<std::string, std::string> labels;
  std::vector<Prerequisite> after;  ///< it waits for all of these first
  std::int64_t dueAt = 0;           ///< UTC us: with `after`, when it may begin at the earliest; 0 = at once
  std::string schedule;             ///< that made it, or was run by hand; empty = none
  std::int64_t occurrence = 0;      ///< UTC us: of the schedule's firings this one
  Fingerprint answers;              ///< the wait of `parent` that ends with this job; nil: none

  template <class Archive>
  void serialize(Archive& archive) {
    archive(kindVersion, parameters);
    bool isAfter = !after.empty();
    bool isScheduled = !schedule.empty();
    bool isAnswer = !answers.isNil();
    serializeFlags(archive, binary, isAfter, isScheduled, isAnswer);
    serializePolicy(archive, retry);
    archive(attemptLimitMicros, submitter, submitterName, key, parent, retryOf, requester, traceparent, blob,
            definitionVersion, labels);
    if constexpr (Archive::is_loading::value) {
      after.clear();
      dueAt = 0;
      schedule.clear();
      occurrence = 0;
      answers = {};
    }
    if (isAfter) archive(after, dueAt);
    if (isScheduled) archive(schedule, occurrence);
    if (isAnswer) archive(answers);
    if (isAfter == after.empty() || isScheduled == schedule.empty() || isAnswer == answers.isNil())
      throw Error(ErrorKind::corrupt, "a job that runs after none, by no schedule, or for no wait says that it does");
  }
  friend bool operator==(const JobBody&, const JobBody&) = default;
};

/// What a done job left.
struct ResultRow {
  std::string value;   ///< JSON; empty for none
  JobFailure failure;  ///< filled when the outcome is failed

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, failure);
  }
  friend bool operator==(const ResultRow&, const ResultRow&) = default;
};

}  // namespace v1
}  // namespace callsheet
