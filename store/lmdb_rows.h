#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/rows.h"
#include "store/keys.h"
#include "store/lmdb_cursor.h"
#include "store/lmdb_environment.h"
#include "store/lmdb_job_store.h"
#include "store/pending_writes.h"
#include "store/record.h"

namespace callsheet {
inline namespace v1 {

/// The rows of an LMDB store inside one transaction. Lives on the thread of its transaction.
class LmdbRows final : public Rows {
 public:
  LmdbRows(const LmdbEnvironment& environment, MDB_txn* txn);

  [[nodiscard]] std::optional<JobRow> job(JobID id) override;
  [[nodiscard]] std::optional<JobBody> body(JobID id) override;
  void insertJob(const JobRow& row, const JobBody& body) override;
  void updateJob(const JobFacts& before, const JobRow& after) override;
  void eraseJob(const JobRow& row) override;
  void putResult(JobID id, const ResultRow& result) override;
  [[nodiscard]] std::optional<ResultRow> result(JobID id) override;
  void putLog(JobID id, const LogEntry& entry) override;
  void eraseLog(JobID id, std::uint32_t index) override;
  [[nodiscard]] std::optional<MemoRow> memo(JobID id, Fingerprint memo) override;
  [[nodiscard]] std::vector<Fingerprint> memoIDs(JobID id) override;
  void putMemo(JobID id, const MemoRow& row) override;
  void scanMemos(JobID id, Fingerprint from, const std::function<bool(const MemoRow&)>& visit) override;
  void setAside(const PlaceKey& place, JobID id) override;
  [[nodiscard]] bool isDamaged(JobID id) override;
  void eraseDamaged(JobID id) override;

  void scanReady(const ReadyKey& from, const std::function<bool(const ReadyKey&, JobID)>& visit) override;
  void scanWaiting(const WaitingKey& from, const std::function<bool(const WaitingKey&)>& visit) override;
  void scanAttached(const AttachedKey& from, const std::function<bool(const AttachedKey&)>& visit) override;
  void scanDeadlines(const DeadlineKey& from, const std::function<bool(const DeadlineKey&)>& visit) override;
  void scanDone(const DoneKey& from, const std::function<bool(const DoneKey&)>& visit) override;

  [[nodiscard]] std::optional<IncarnationRow> incarnation(IncarnationID id) override;
  [[nodiscard]] bool isOpen(IncarnationID id) override;
  void putIncarnation(const IncarnationRow& row) override;
  void eraseIncarnation(IncarnationID id) override;
  void scanIncarnations(const std::function<bool(const IncarnationRow&)>& visit) override;

  [[nodiscard]] std::optional<KeyRow> businessKey(std::string_view key) override;
  void putBusinessKey(std::string_view key, const KeyRow& row) override;
  void eraseBusinessKey(std::string_view key) override;

  [[nodiscard]] const DefinitionRow* definition(std::string_view kind) override;
  void putDefinition(const DefinitionRow& row) override;
  void eraseDefinition(std::string_view kind) override;
  void scanDefinitions(const std::function<bool(const DefinitionRow&)>& visit) override;
  [[nodiscard]] LaneRow lane(std::string_view kind, std::uint64_t lane) override;
  void putLane(std::string_view kind, std::uint64_t lane, const LaneRow& row) override;
  void scanLanes(const std::function<bool(const std::string& kind, std::uint64_t lane)>& visit) override;
  void putOpenLane(const OpenLaneKey& key) override;
  void eraseOpenLane(const OpenLaneKey& key) override;
  void scanOpenLanes(const OpenLaneKey& from, const std::function<bool(const OpenLaneKey&)>& visit) override;
  [[nodiscard]] const QueueRow* queue(std::string_view name) override;
  void putQueue(const QueueRow& row) override;
  void eraseQueue(std::string_view name) override;
  void scanQueues(const std::function<bool(const QueueRow&)>& visit) override;
  void putDependency(const DependencyKey& key) override;
  void eraseDependency(const DependencyKey& key) override;
  void scanDependencies(const DependencyKey& from, const std::function<bool(const DependencyKey&)>& visit) override;

  [[nodiscard]] std::optional<ScheduleRow> schedule(std::string_view name) override;
  [[nodiscard]] std::optional<Schedule> settingsOf(std::string_view name) override;
  void putSchedule(const std::optional<ScheduleRow>& before, const ScheduleRow& after) override;
  void putSettings(const Schedule& settings) override;
  void eraseSchedule(std::string_view name) override;
  [[nodiscard]] std::size_t countSchedules() override;
  void scanSchedules(std::string_view from, const std::function<bool(const ScheduleRow&)>& visit) override;
  void scanDue(const std::function<bool(const DueKey&)>& visit) override;
  void putOccurrence(const OccurrenceKey& key) override;
  void eraseOccurrence(const OccurrenceKey& key) override;
  void scanOccurrences(const OccurrenceKey& from, const std::function<bool(const OccurrenceKey&)>& visit) override;

  [[nodiscard]] Totals& totals() override;
  /// Writes the totals if they changed, and whatever else was kept back; call once before the commit.
  void finish();

  // What only listings and checks need.
  [[nodiscard]] std::vector<StoredRecord> records(JobID id);
  [[nodiscard]] std::vector<LogEntry> log(JobID id, std::uint32_t from, std::size_t limit);
  /// The cursor for keys of a region, once what was kept back of that region has been written.
  [[nodiscard]] LmdbCursor& at(keys::Region region);
  [[nodiscard]] LmdbCursor& at(const keys::Key& key) { return at(keys::regionOf(key.view())); }

 private:
  /// What this transaction has looked up of settings by name, of which most stores have few or none.
  template <class Row>
  struct Settings {
    std::optional<bool> areAny;                                    ///< in the store; nothing: not looked yet
    std::map<std::string, std::optional<Row>, std::less<>> known;  ///< nodes stay where they are
    void put(const std::string& name, const Row& row);
    void erase(std::string_view name);
  };
  template <class Row, class KeyOf, class From>
  [[nodiscard]] const Row* lookUp(Settings<Row>& settings, std::string_view name, KeyOf keyOf, From from);
  template <class Body>
  void put(RecordType type, std::string_view key, const Body& body);
  [[nodiscard]] static std::size_t indexOf(keys::Region region);
  /// Writes what was kept back of all regions.
  void carryOut();
  void putRowOf(const JobRow& row);
  void eraseMemos(JobID id);
  /// From the rows, in place of a lane's record that cannot be read.
  [[nodiscard]] std::uint32_t countRunning(std::string_view kind, std::uint64_t lane);
  /// From the rows, in place of totals that cannot be read.
  [[nodiscard]] Totals countTotals();
  void addPlaces(const JobRow& row);
  /// Of the row as it was; its kind and queue are those of today's.
  void removePlaces(const JobFacts& facts, const JobRow& today);
  void addPlace(const keys::Key& key, std::string_view value = {});
  void removePlace(const keys::Key& key);

  // One of each a region.
  std::array<LmdbCursor, 21> cursors_;
  std::array<PendingWrites, 21> pending_;
  JobID lastRead_;  // whose row the cursor of rows stands at; nil: nobody's
  std::string buffer_;
  std::optional<Totals> totals_;
  std::map<IncarnationID, bool>
      isOpen_;  // what this transaction has looked up; nearly every verb asks for the same few
  std::map<std::pair<std::string, std::uint64_t>, LaneRow> recounted_;  // lanes whose records cannot be read
  Settings<DefinitionRow> definitions_;
  Settings<QueueRow> queues_;
  std::optional<std::size_t> scheduleCount_;  // once it was asked for, with what this transaction has changed
  Totals storedTotals_;
};

template <class Body>
void LmdbRows::put(RecordType type, std::string_view key, const Body& body) {
  encodeRecord(type, key, body, buffer_);
  const keys::Region region = keys::regionOf(key);
  if (region == keys::Region::part)
    pending_[indexOf(region)].put(key, buffer_);
  else
    at(region).put(key, buffer_);
}

}  // namespace v1
}  // namespace callsheet
