#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/definition_row.h"
#include "core/incarnation_row.h"
#include "core/job_order.h"
#include "core/job_row.h"
#include "core/memo_row.h"
#include "core/new_job.h"
#include "core/schedule_row.h"

// The only ways to change a store, as values. Everything that a verb needs is in it: ids and random choices are made by
// the caller, the time is the store's own. Every verb is idempotent through those ids: to repeat it is always safe.
namespace callsheet {
inline namespace v1 {

/// What the store says to a verb.
enum class Verdict : std::uint8_t {
  ok,              ///< done, and durable
  alreadyApplied,  ///< the same verb was accepted before; nothing changed now
  duplicate,       ///< a living business key points to another job
  fenced,          ///< the sender or the attempt is no longer valid; nothing changed
  notFound,        ///< no such job or incarnation
  illegal,         ///< the job's state does not allow it; nothing changed
  conflict,        ///< the id or name is taken by something else
  refused,         ///< the validator or a rule refused it; `why` says which
  storeFull,       ///< the map or the disk is full; nothing changed
  notDone,         ///< the deadline passed while it was queued; nothing changed
  unknown,         ///< the outcome of the commit is not known: repeat with the same ids
  corrupt,         ///< a record that it needs cannot be read; nothing changed
};
[[nodiscard]] std::string_view toString(Verdict verdict);
[[nodiscard]] inline bool isAccepted(Verdict verdict) {
  return verdict == Verdict::ok || verdict == Verdict::alreadyApplied;
}

/// Whether the same verb may be answered otherwise a while later: nobody can say what became of it, or there was no
/// room.
[[nodiscard]] inline bool isLost(Verdict verdict) {
  return verdict == Verdict::unknown || verdict == Verdict::notDone || verdict == Verdict::storeFull;
}

struct Answer {
  Verdict verdict = Verdict::unknown;
  std::string why;  ///< one sentence when not accepted
};

// ---- directors and executors ------------------------------------------------------------------------------------

/// Opens an incarnation. `expectedFormer` names the open incarnation of the same name (or of the principal) that the
/// caller knows to be dead; it is closed in the same transaction.
struct RegisterIncarnation {
  using Answer = v1::Answer;
  IncarnationID id;
  std::string name;
  Role role = Role::assistant;
  IncarnationID expectedFormer;
  std::vector<std::string> kinds;
};

/// Ends an incarnation: from this commit on nothing it holds or sends is valid. One small write; the jobs move by
/// Adopt.
struct CloseIncarnation {
  using Answer = v1::Answer;
  IncarnationID id;
  Closing how = Closing::stopped;
  IncarnationID sender;  ///< itself, or the principal
};

/// Moves a slice of a closed incarnation's jobs to the principal: running ones first, then ready, then waiting.
struct Adopt {
  struct Answer : v1::Answer {
    std::uint32_t moved = 0;
    bool more = false;
  };
  IncarnationID closed;
  IncarnationID sender;  ///< the principal
  std::uint32_t limit = 1000;
  std::uint32_t random = 0;  ///< for the jitter of back-offs
};

// ---- submitting ---------------------------------------------------------------------------------------------------

struct SubmittedJob {
  Verdict verdict = Verdict::unknown;
  JobID id;  ///< the job; for `duplicate` the one that the key points to
  std::string why;
  std::shared_ptr<const JobRow> row{};  ///< of one that was made, where the sender wants it
};

/// Makes jobs. Without `allOrNothing` each job has its own verdict. One that runs after others comes behind them: what
/// is no job of the store yet can be waited for by nobody.
struct Submit {
  struct Answer : v1::Answer {
    std::vector<SubmittedJob> jobs;
  };
  IncarnationID sender;   ///< nil: somebody without an incarnation
  std::string ownerName;  ///< an assistant's name; empty: the sender's own queue, or the principal's
  bool allOrNothing = false;
  std::vector<NewJob> jobs;
  bool wantsRows = false;  ///< the answer carries the rows as they were made
};

// ---- attempts -----------------------------------------------------------------------------------------------------

/// Takes up to `max` ready jobs of the claimer's queue. Promotes at most 1,000 due jobs of that queue first.
struct Claim {
  struct Item {
    JobRow row;
    JobBody body;
  };
  struct Answer : v1::Answer {
    std::vector<Item> jobs;
    bool more = false;               ///< ready jobs of these kinds were left
    bool aloneWaiting = false;       ///< a job that must run alone waits until the claimer runs nothing else
    std::int64_t nextDueAt = never;  ///< UTC us of the queue's next waiting job
  };
  ClaimID id;
  IncarnationID claimer;
  std::vector<std::string> kinds;
  std::uint32_t max = 1;
  bool start = true;  ///< straight into in-progress; false: requested
  bool idle = true;   ///< the claimer runs nothing now, so a job that must run alone may be handed to it
  std::int64_t startLimitMicros = 0;  ///< for requested: how long until start; 0: what the definition says
  /// For somebody who takes jobs over the API: nothing holds what is handed out but its time limit, and only kinds
  /// whose definition names the runner `remote` are.
  bool remote = false;
};

/// What names an attempt in a verb.
struct AttemptRef {
  JobID job;
  ExecID exec;
  IncarnationID sender;   ///< nil for a remote
  bool wantsRow = false;  ///< the answer carries the row as the verb left it
};

struct AttemptAnswer : Answer {
  bool cancelRequested = false;
  bool transferRequested = false;
  JobState state = JobState::done;    ///< where the job stands now
  std::shared_ptr<const JobRow> row;  ///< of a verb that changed it and wants it
};

struct Start {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
};

struct Unclaim {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
  std::string why;
};

/// A sign of life with progress, or that there are none any more. A time limit that is the definition's begins anew,
/// but not that of a command, which its shim keeps.
struct Notify {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
  float progress = 0;
  std::string text;
  bool logged = false;
  std::string note{};    ///< of the log's entry; empty: the text
  bool stalled = false;  ///< whoever holds the attempt gives no signs of life
};

struct Succeed {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
  std::string value;  ///< JSON, or empty
  /// Made in the same transaction. A key that stands for another job already is as good; anything else that keeps one
  /// from being made refuses the success.
  std::vector<NewJob> then;
};

struct Fail {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
  JobFailure failure;
  bool retryable = true;     ///< false: final whatever the policy says
  std::uint32_t random = 0;  ///< for the back-off's jitter
  std::string value;         ///< what it left all the same, such as a command's output
  /// As for Succeed, if this failure is the job's last.
  std::vector<NewJob> then;
  std::int64_t leastDelayMicros = 0;  ///< the next attempt begins no sooner, however short the back-off is
};

struct RequestTransfer {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
};

/// Ends an attempt by moving the job to the principal's queue.
struct Transfer {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
};

// ---- steps of a job (core/memo_row.h) -----------------------------------------------------------------------------

/// Remembers finished nodes, named waits that begin, and what other nodes are about. The first result of a node stands,
/// and the first time of a wait.
struct SaveResult {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
  std::vector<MemoRow> memos;
};

/// Ends an attempt until the earliest of the named waits is over. A wait that is known already keeps the time it was
/// first given; when one is over by now, the job is ready at once. `pending` nodes among them are only remembered.
/// Counts as nothing. Like every verb of steps it may be answered `storeFull` when jobs still end: the attempt is not
/// over then, and asks again or ends in another way.
struct Suspend {
  using Answer = AttemptAnswer;
  AttemptRef attempt;
  std::vector<MemoRow> waits;
};

/// Ends a named wait from outside, before or after anybody waits. The first completion stands. Wakes the job if it is
/// suspended for this wait.
struct CompleteExternal {
  using Answer = AttemptAnswer;
  JobID job;
  Fingerprint wait;
  std::string value;   ///< JSON, or empty
  JobFailure failure;  ///< its type is empty for a success
};

// ---- anybody ------------------------------------------------------------------------------------------------------

struct Cancel {
  using Answer = AttemptAnswer;
  JobID job;
  std::string why;
  bool wantsRow = false;  ///< as in AttemptRef
};

/// Takes a job out of sight: listings leave it out from now on, and whatever of it takes room outside the store goes
/// when it is done. It runs, ends and is kept as any other.
struct Forget {
  using Answer = AttemptAnswer;
  JobID job;
};

/// Removes a job that cannot be read, with all that is stored of it; a done one also for a result or log that cannot.
/// Nothing but a person's word for that one job does so.
struct Discard {
  using Answer = v1::Answer;
  JobID job;
};

// ---- sweeps: bounded slices that say "more" -------------------------------------------------------------------------

struct SweepAnswer : Answer {
  std::uint32_t moved = 0;
  bool more = false;
  DoneKey next = DoneKey::first();  ///< of Prune, when there is more: where it goes on
};

/// Makes due jobs of one owner ready.
struct Promote {
  using Answer = SweepAnswer;
  IncarnationID owner;
  std::uint32_t limit = 1000;
};

/// Ends attempts whose deadline has passed.
struct Expire {
  using Answer = SweepAnswer;
  std::uint32_t limit = 1000;
  std::uint32_t random = 0;
};

/// Removes done jobs by age and count, and closed incarnations that were emptied. Jobs whose key's window is open are
/// stepped over, so the next slice begins where this one says, and not at the oldest job again.
struct Prune {
  using Answer = SweepAnswer;
  std::int64_t maxAgeMicros = 0;  ///< 0 = no limit by age
  std::uint64_t maxCount = 0;     ///< 0 = no limit by count
  std::uint32_t limit = 1000;
  DoneKey from = DoneKey::first();
};

// ---- definitions (core/definition_row.h) ---------------------------------------------------------------------------

/// Stores kinds' settings in place of what they were, all or, when one is refused, none; and puts the first of their
/// jobs into the lanes that their limits ask for. When there is more, Relane goes on. Each kind at most once.
struct PutDefinitions {
  using Answer = SweepAnswer;
  std::vector<Definition> definitions;
};

/// The same with no settings. What was handed out goes on under the defaults. A repeat may be answered `notFound`, and
/// is as good.
struct DeleteDefinition {
  using Answer = SweepAnswer;
  std::string kind;
};

/// Goes on putting jobs into lanes, of whichever kind is not through with it.
struct Relane {
  using Answer = SweepAnswer;
  std::uint32_t limit = 1000;
};

// ---- queues (core/queue_row.h) -------------------------------------------------------------------------------------

/// Sets what is given of a queue's settings; the rest stays, or is as for a queue that has none.
struct SetQueue {
  using Answer = v1::Answer;
  std::string name;
  std::optional<std::uint32_t> parallel;
  std::optional<bool> isPaused;
  bool mustBeNew = false;  ///< `conflict` when it has other settings already
};

/// Forgets a queue's settings. Its jobs stay where they are, and nothing limits them.
struct DeleteQueue {
  using Answer = v1::Answer;
  std::string name;
};

// ---- schedules (core/schedule_row.h) -------------------------------------------------------------------------------

/// Stores a schedule, new or in place of what it was; core/schedule_changes.h makes them.
struct PutSchedule {
  using Answer = v1::Answer;
  std::shared_ptr<const Schedule> schedule;  ///< never null
  Uuid change;                               ///< made by the sender, once for each change
  std::uint64_t revision = 0;  ///< that the sender saw, 0: there is none; `conflict` when it is another by now
  Uuid generation;             ///< a new one begins a new generation
  bool isPaused = false;
  std::int64_t cursor = 0;        ///< never earlier than it was, within a generation
  std::int64_t next = never;      ///< the first firing behind it
  bool cancelsUnstarted = false;  ///< jobs that it has made and that have not begun are canceled
};

/// Removes a schedule; the jobs that it made stay. A repeat may be answered `notFound`, and is as good.
struct DeleteSchedule {
  using Answer = v1::Answer;
  std::string name;
  std::uint64_t revision = 0;  ///< as for PutSchedule; 0: whatever it is
  bool cancelsUnstarted = false;
};

/// Makes the jobs of a schedule's firings and moves its cursor. None is fired twice, however often this is repeated:
/// each job's id follows from the schedule, its generation and the instant.
struct Fire {
  using Answer = v1::Answer;
  IncarnationID sender;  ///< the principal
  std::string schedule;
  Uuid generation;
  std::uint64_t revision = 0;          ///< that the plan was made for; `conflict` when it is another by now
  std::vector<std::int64_t> instants;  ///< nominal, in order
  std::uint64_t passedOver = 0;        ///< missed, and not to be run
  std::int64_t passedOverAt = 0;       ///< up to when
  std::int64_t cursor = 0;             ///< all up to this instant are dealt with
  std::int64_t next = never;           ///< the first firing behind it
};

using Verb = std::variant<RegisterIncarnation, CloseIncarnation, Adopt, Submit, Claim, Start, Unclaim, Notify, Succeed,
                          Fail, RequestTransfer, Transfer, Cancel, Promote, Expire, Prune, Discard, SaveResult, Suspend,
                          CompleteExternal, PutDefinitions, DeleteDefinition, Relane, Forget, SetQueue, DeleteQueue,
                          PutSchedule, DeleteSchedule, Fire>;
using AnyAnswer = std::variant<Answer, Adopt::Answer, Submit::Answer, Claim::Answer, AttemptAnswer, SweepAnswer>;

/// The part that every answer has.
[[nodiscard]] const Answer& baseOf(const AnyAnswer& answer);
/// An answer of the type that fits the verb, with nothing but a verdict.
[[nodiscard]] AnyAnswer answerWith(const Verb& verb, Verdict verdict, std::string why);
/// "submit", "claim", …: what logs and errors call a verb.
[[nodiscard]] std::string_view nameOf(const Verb& verb);
/// Roughly how many bytes a verb takes; what the commit limits count.
[[nodiscard]] std::size_t sizeOf(const Verb& verb);

}  // namespace v1
}  // namespace callsheet
