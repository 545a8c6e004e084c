#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/apply.h"
#include "core/claimable.h"
#include "core/queue_counts.h"
#include "core/rows.h"
#include "core/schedule_views.h"
#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// A job as it is read.
struct JobView {
  JobRow row;
  JobBody body;
  std::optional<ResultRow> result;
};

/// Which jobs a listing shows; empty fields let everything through.
struct JobFilter {
  std::vector<JobState> states;
  std::optional<IncarnationID> owner;
  std::string kind;
  std::string queue;
  std::string labelName;
  std::string labelValue;
  std::optional<WaitReason> waitingFor;
  std::optional<JobOutcome> outcome;
  bool forgottenToo = false;
  bool unclaimable = false;  ///< ready, and nobody alive who claims from its queue knows its kind and version
  /// Who lives, for `unclaimable`; nothing: whoever is open in the store. The store cannot tell who died unadopted.
  std::optional<std::vector<IncarnationID>> living;
  bool newestFirst = false;
};

struct JobPage {
  std::vector<JobView> jobs;      ///< by time of creation; results are not filled in
  std::vector<JobID> unreadable;  ///< met on the way: listed, never dropped
  std::string next;               ///< opaque; empty at the end
};

struct StoreInfo {
  std::string backend;     ///< "lmdb" or "memory"
  std::string durability;  ///< "power": every answer survives a power cut
  int format = 0;
  std::uint64_t bytesUsed = 0;
  std::uint64_t bytesMax = 0;
  std::uint64_t commits = 0;  ///< of all processes, ever
  std::string libraryVersion;
};

/// The seam to a durable store of jobs. Thread-safe. Reads see whole commits; a reader never blocks a writer.
class JobStore {
 public:
  using Answered = std::function<void(std::vector<AnyAnswer>)>;
  using Committed = std::function<void(const Effects&)>;
  static constexpr std::chrono::milliseconds defaultPatience = std::chrono::seconds{30};

  virtual ~JobStore() = default;

  /// Queues verbs that share one commit, each with its own answer. `answered` is called once, on the store's thread,
  /// and must be short. What is still queued after `patience` is answered `notDone`; so is, on the caller's thread
  /// before post() returns, what finds too much queued already.
  virtual void post(std::vector<Verb> verbs, std::chrono::milliseconds patience, Answered answered) = 0;

  /// Posts and waits, or commits at once on this thread (applyOrPost). When a commit that was posted takes longer than
  /// `patience` itself, the answers are `unknown`.
  [[nodiscard]] std::vector<AnyAnswer> applyAll(std::vector<Verb> verbs,
                                                std::chrono::milliseconds patience = defaultPatience);

  template <class OneVerb>
  [[nodiscard]] typename OneVerb::Answer apply(OneVerb verb, std::chrono::milliseconds patience = defaultPatience) {
    std::vector<Verb> verbs;
    verbs.emplace_back(std::move(verb));
    return std::get<typename OneVerb::Answer>(std::move(applyAll(std::move(verbs), patience).front()));
  }

  /// The same, once more with the same ids while the outcome is unknown; three times at most.
  template <class OneVerb>
  [[nodiscard]] typename OneVerb::Answer applySurely(const OneVerb& verb) {
    typename OneVerb::Answer answer;
    for (int tries = 0; tries < 3 && answer.verdict == Verdict::unknown; ++tries) answer = apply(verb);
    return answer;
  }

  [[nodiscard]] virtual std::optional<JobView> find(JobID id) = 0;
  /// Only what changes: for who looks often.
  [[nodiscard]] virtual std::optional<JobRow> peek(JobID id) = 0;
  [[nodiscard]] virtual JobPage list(const JobFilter& filter, const std::string& pageToken, std::size_t limit) = 0;
  /// Jobs that a person may mean by a full id, a short id (the last 8 hex digits) or the beginning of either; at most
  /// `limit`.
  [[nodiscard]] virtual std::vector<JobID> resolve(std::string_view text, std::size_t limit) = 0;
  [[nodiscard]] virtual std::optional<JobID> findByKey(std::string_view key) = 0;
  [[nodiscard]] virtual std::vector<LogEntry> readLog(JobID id, std::uint32_t from, std::size_t limit) = 0;
  /// What a job remembers of its steps, in the order of their fingerprints, from behind `after` on; without values.
  [[nodiscard]] virtual std::vector<MemoRow> memos(JobID id, Fingerprint after, std::size_t limit) = 0;
  [[nodiscard]] virtual std::optional<MemoRow> memo(JobID id, Fingerprint memo) = 0;
  [[nodiscard]] virtual std::vector<IncarnationRow> incarnations() = 0;
  /// All kinds' settings, by kind.
  [[nodiscard]] virtual std::vector<DefinitionRow> definitions() = 0;
  [[nodiscard]] virtual std::optional<DefinitionRow> definition(std::string_view kind) = 0;
  /// When Expire will find something (core/nearest_deadline.h).
  [[nodiscard]] virtual std::int64_t nextDeadline() = 0;
  /// What claims over the API could get now (core/claimable.h).
  [[nodiscard]] virtual Claimable claimable(const std::vector<std::string>& kinds, std::size_t limit) = 0;
  /// The commands that an incarnation attends to (core/attended.h).
  [[nodiscard]] virtual std::vector<JobRow> commandsOf(IncarnationID attendant) = 0;
  [[nodiscard]] virtual Totals totals() = 0;
  /// The open jobs of each owner, in one snapshot.
  [[nodiscard]] virtual CountsByOwner countByOwner() = 0;
  /// Named queues with their settings and open jobs, in one snapshot.
  [[nodiscard]] virtual std::vector<QueueState> queues() = 0;
  /// The settings of one; nothing when none were made.
  [[nodiscard]] virtual std::optional<QueueRow> queue(std::string_view name) = 0;
  // Schedules (core/schedule_views.h).
  [[nodiscard]] virtual std::optional<ScheduleView> schedule(std::string_view name) = 0;
  [[nodiscard]] virtual std::vector<ScheduleView> schedules(std::string_view after, std::size_t limit) = 0;
  [[nodiscard]] virtual DueSchedules dueSchedules(std::int64_t until, std::size_t limit) = 0;
  [[nodiscard]] virtual std::vector<JobID> occurrences(std::string_view schedule, JobID before, std::size_t limit) = 0;
  [[nodiscard]] virtual StoreInfo info() = 0;
  /// Grows with every commit of every process.
  [[nodiscard]] virtual std::uint64_t sequence() = 0;

  /// A hint after each commit of this process, on the store's thread: before the answers of what was posted, and about
  /// when an applyAll() returns. One listener is kept for the life of the returned handle.
  [[nodiscard]] virtual std::shared_ptr<void> subscribe(Committed committed) = 0;

 protected:
  /// For who waits: applies at once on the caller's thread where the store can, and returns the answers. Otherwise
  /// nothing, and posts.
  [[nodiscard]] virtual std::optional<std::vector<AnyAnswer>> applyOrPost(std::vector<Verb> verbs,
                                                                          std::chrono::milliseconds patience,
                                                                          Answered answered) {
    post(std::move(verbs), patience, std::move(answered));
    return std::nullopt;
  }
};

/// Whether nobody alive who claims from the job's queue knows its kind and version. `living` as in JobFilter.
[[nodiscard]] bool isUnclaimable(const JobRow& row, const JobBody& body,
                                 const std::vector<IncarnationRow>& incarnations,
                                 const std::optional<std::vector<IncarnationID>>& living = {});
[[nodiscard]] bool matches(const JobFilter& filter, const JobRow& row, const JobBody& body,
                           const std::vector<IncarnationRow>& incarnations);

}  // namespace v1
}  // namespace callsheet
