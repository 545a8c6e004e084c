#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/errors.h"
#include "core/definition_row.h"
#include "core/incarnation_row.h"
#include "core/job_order.h"
#include "core/job_row.h"
#include "core/memo_row.h"
#include "core/queue_row.h"
#include "core/schedule_row.h"

namespace callsheet {
inline namespace v1 {

/// Where a business key points.
struct KeyRow {
  JobID job;
  std::int64_t until = 0;  ///< UTC us

  template <class Archive>
  void serialize(Archive& archive) {
    archive(job, until);
  }
  friend bool operator==(const KeyRow&, const KeyRow&) = default;
};

/// A stored row whose bytes do not check or do not parse. Sweeps and claims step over it; whoever asked for it gets
/// `corrupt`.
class UnreadableRow : public Error {
 public:
  UnreadableRow(JobID id, const std::string& sentence) : Error(ErrorKind::corrupt, sentence), id_(id) {}
  [[nodiscard]] JobID id() const { return id_; }

 private:
  JobID id_;
};

/// The rows of a store inside one write transaction: what `apply` works on, for LMDB and memory alike. Orders
/// (core/job_order.h) and totals are kept in step by the implementation from the rows alone. Scans walk in order from
/// `from` until the visitor answers false; the visitor must not change rows. A row that cannot be read throws
/// UnreadableRow.
class Rows {
 public:
  virtual ~Rows() = default;

  [[nodiscard]] virtual std::optional<JobRow> job(JobID id) = 0;
  [[nodiscard]] virtual std::optional<JobBody> body(JobID id) = 0;
  virtual void insertJob(const JobRow& row, const JobBody& body) = 0;
  virtual void updateJob(const JobFacts& before, const JobRow& after) = 0;
  /// With body, result, log and memos.
  virtual void eraseJob(const JobRow& row) = 0;
  virtual void putResult(JobID id, const ResultRow& result) = 0;
  [[nodiscard]] virtual std::optional<ResultRow> result(JobID id) = 0;
  virtual void putLog(JobID id, const LogEntry& entry) = 0;
  virtual void eraseLog(JobID id, std::uint32_t index) = 0;
  [[nodiscard]] virtual std::optional<MemoRow> memo(JobID id, Fingerprint memo) = 0;
  /// The job's row counts them: whoever puts a new one raises its memoCount.
  virtual void putMemo(JobID id, const MemoRow& row) = 0;
  /// All that the job's row counts, those too that cannot be read.
  [[nodiscard]] virtual std::vector<Fingerprint> memoIDs(JobID id) = 0;
  virtual void scanMemos(JobID id, Fingerprint from, const std::function<bool(const MemoRow&)>& visit) = 0;
  /// Takes a job whose row cannot be read out of an order and lists it as unreadable; its bytes stay.
  virtual void setAside(const PlaceKey& place, JobID id) = 0;
  /// Whether some record of a job cannot be read, or its body is missing.
  [[nodiscard]] virtual bool isDamaged(JobID id) = 0;
  /// The same as eraseJob where the row cannot be trusted: walks all places and keys, and counts the totals anew.
  virtual void eraseDamaged(JobID id) = 0;

  virtual void scanReady(const ReadyKey& from, const std::function<bool(const ReadyKey&, JobID)>& visit) = 0;
  virtual void scanWaiting(const WaitingKey& from, const std::function<bool(const WaitingKey&)>& visit) = 0;
  virtual void scanAttached(const AttachedKey& from, const std::function<bool(const AttachedKey&)>& visit) = 0;
  virtual void scanDeadlines(const DeadlineKey& from, const std::function<bool(const DeadlineKey&)>& visit) = 0;
  virtual void scanDone(const DoneKey& from, const std::function<bool(const DoneKey&)>& visit) = 0;

  /// One whose bytes do not check comes as a hung one that is unreadable, here and in scans: it is closed, and what it
  /// owned can be adopted.
  [[nodiscard]] virtual std::optional<IncarnationRow> incarnation(IncarnationID id) = 0;
  /// No row counts as closed.
  [[nodiscard]] virtual bool isOpen(IncarnationID id) = 0;
  virtual void putIncarnation(const IncarnationRow& row) = 0;
  virtual void eraseIncarnation(IncarnationID id) = 0;
  virtual void scanIncarnations(const std::function<bool(const IncarnationRow&)>& visit) = 0;

  [[nodiscard]] virtual std::optional<KeyRow> businessKey(std::string_view key) = 0;
  virtual void putBusinessKey(std::string_view key, const KeyRow& row) = 0;
  virtual void eraseBusinessKey(std::string_view key) = 0;

  /// Null when the kind has none, or its record cannot be read. Valid until the next definition is written.
  [[nodiscard]] virtual const DefinitionRow* definition(std::string_view kind) = 0;
  virtual void putDefinition(const DefinitionRow& row) = 0;
  virtual void eraseDefinition(std::string_view kind) = 0;
  virtual void scanDefinitions(const std::function<bool(const DefinitionRow&)>& visit) = 0;
  /// Where there is none, all zero; and one that is all zero again goes.
  [[nodiscard]] virtual LaneRow lane(std::string_view kind, std::uint64_t lane) = 0;
  virtual void putLane(std::string_view kind, std::uint64_t lane, const LaneRow& row) = 0;
  virtual void scanLanes(const std::function<bool(const std::string& kind, std::uint64_t lane)>& visit) = 0;
  virtual void putOpenLane(const OpenLaneKey& key) = 0;
  virtual void eraseOpenLane(const OpenLaneKey& key) = 0;
  virtual void scanOpenLanes(const OpenLaneKey& from, const std::function<bool(const OpenLaneKey&)>& visit) = 0;

  /// Null when nothing was set for it, or the record cannot be read. Valid until the next row of a queue is written.
  [[nodiscard]] virtual const QueueRow* queue(std::string_view name) = 0;
  virtual void putQueue(const QueueRow& row) = 0;
  virtual void eraseQueue(std::string_view name) = 0;
  virtual void scanQueues(const std::function<bool(const QueueRow&)>& visit) = 0;

  virtual void putDependency(const DependencyKey& key) = 0;
  virtual void eraseDependency(const DependencyKey& key) = 0;
  virtual void scanDependencies(const DependencyKey& from, const std::function<bool(const DependencyKey&)>& visit) = 0;

  /// One whose bytes do not check throws Error(corrupt), here and in both of the next; scans step over it.
  [[nodiscard]] virtual std::optional<ScheduleRow> schedule(std::string_view name) = 0;
  /// What is set for it.
  [[nodiscard]] virtual std::optional<Schedule> settingsOf(std::string_view name) = 0;
  virtual void putSchedule(const std::optional<ScheduleRow>& before, const ScheduleRow& after) = 0;
  virtual void putSettings(const Schedule& settings) = 0;
  /// Also where its rows cannot be read.
  virtual void eraseSchedule(std::string_view name) = 0;
  [[nodiscard]] virtual std::size_t countSchedules() = 0;
  /// From that name on.
  virtual void scanSchedules(std::string_view from, const std::function<bool(const ScheduleRow&)>& visit) = 0;
  virtual void scanDue(const std::function<bool(const DueKey&)>& visit) = 0;
  virtual void putOccurrence(const OccurrenceKey& key) = 0;
  virtual void eraseOccurrence(const OccurrenceKey& key) = 0;
  /// The newest first, from that one on; a nil job: from the schedule's newest on.
  virtual void scanOccurrences(const OccurrenceKey& from, const std::function<bool(const OccurrenceKey&)>& visit) = 0;

  /// Loaded once and written once a transaction.
  [[nodiscard]] virtual Totals& totals() = 0;
};

}  // namespace v1
}  // namespace callsheet
