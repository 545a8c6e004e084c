#include "store/memory_job_store.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>

#include "core/attended.h"
#include "core/nearest_deadline.h"
#include "core/validator.h"
#include "store/job_lookup.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// Rows in ordered containers. Keys are the order structs themselves, so it shares no key bytes with the LMDB store.
class MemoryRows final : public Rows {
 public:
  struct Stored {
    JobRow row;
    JobBody body;
    std::optional<ResultRow> result;
    std::map<std::uint32_t, LogEntry> log;
    std::map<Fingerprint, MemoRow> memos;
  };

  std::optional<JobRow> job(JobID id) override {
    const auto found = jobs.find(id);
    return found == jobs.end() ? std::nullopt : std::optional(found->second.row);
  }
  std::optional<JobBody> body(JobID id) override {
    const auto found = jobs.find(id);
    return found == jobs.end() ? std::nullopt : std::optional(found->second.body);
  }
  void insertJob(const JobRow& row, const JobBody& body) override {
    Stored& stored = jobs[row.id];
    stored.row = row;
    stored.body = body;
    place(row, true);
    counted.add(row);
  }
  void updateJob(const JobFacts& before, const JobRow& after) override {
    JobRow& stored = jobs.at(after.id).row;
    place(stored, false);
    counted.remove(before);
    stored = after;
    place(after, true);
    counted.add(after);
  }
  void eraseJob(const JobRow& row) override {
    place(row, false);
    counted.remove(row);
    jobs.erase(row.id);
  }
  void putResult(JobID id, const ResultRow& result) override { jobs.at(id).result = result; }
  std::optional<ResultRow> result(JobID id) override { return jobs.at(id).result; }
  void putLog(JobID id, const LogEntry& entry) override { jobs[id].log[entry.index] = entry; }
  void eraseLog(JobID id, std::uint32_t index) override { jobs.at(id).log.erase(index); }
  std::optional<MemoRow> memo(JobID id, Fingerprint memo) override {
    const auto& memos = jobs[id].memos;
    const auto found = memos.find(memo);
    return found == memos.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<Fingerprint> memoIDs(JobID id) override {
    std::vector<Fingerprint> found;
    for (const auto& [memo, row] : jobs[id].memos) found.push_back(memo);
    return found;
  }
  void putMemo(JobID id, const MemoRow& row) override { jobs[id].memos[row.id] = row; }
  void scanMemos(JobID id, Fingerprint from, const std::function<bool(const MemoRow&)>& visit) override {
    const auto& memos = jobs[id].memos;
    for (auto at = memos.lower_bound(from); at != memos.end() && visit(at->second);) ++at;
  }
  // Nothing in memory is unreadable.
  void setAside(const PlaceKey&, JobID) override {}
  bool isDamaged(JobID) override { return false; }
  void eraseDamaged(JobID) override { std::abort(); }

  void scanReady(const ReadyKey& from, const std::function<bool(const ReadyKey&, JobID)>& visit) override {
    for (auto at = ready.lower_bound(from); at != ready.end() && visit(at->first, at->second);) ++at;
  }
  void scanWaiting(const WaitingKey& from, const std::function<bool(const WaitingKey&)>& visit) override {
    scan(waiting, from, visit);
  }
  void scanAttached(const AttachedKey& from, const std::function<bool(const AttachedKey&)>& visit) override {
    scan(attached, from, visit);
  }
  void scanDeadlines(const DeadlineKey& from, const std::function<bool(const DeadlineKey&)>& visit) override {
    scan(deadlines, from, visit);
  }
  void scanDone(const DoneKey& from, const std::function<bool(const DoneKey&)>& visit) override {
    scan(done, from, visit);
  }

  std::optional<IncarnationRow> incarnation(IncarnationID id) override {
    const auto found = incarnations.find(id);
    return found == incarnations.end() ? std::nullopt : std::optional(found->second);
  }
  bool isOpen(IncarnationID id) override {
    const auto found = incarnations.find(id);
    return found != incarnations.end() && found->second.isOpen();
  }
  void putIncarnation(const IncarnationRow& row) override { incarnations[row.id] = row; }
  void eraseIncarnation(IncarnationID id) override { incarnations.erase(id); }
  void scanIncarnations(const std::function<bool(const IncarnationRow&)>& visit) override {
    for (const auto& [id, row] : incarnations)
      if (!visit(row)) return;
  }
  std::optional<KeyRow> businessKey(std::string_view key) override {
    const auto found = keys.find(key);
    return found == keys.end() ? std::nullopt : std::optional(found->second);
  }
  void putBusinessKey(std::string_view key, const KeyRow& row) override { keys[std::string(key)] = row; }
  void eraseBusinessKey(std::string_view key) override { keys.erase(std::string(key)); }
  const DefinitionRow* definition(std::string_view kind) override {
    const auto found = definitions.find(kind);
    return found == definitions.end() ? nullptr : &found->second;
  }
  void putDefinition(const DefinitionRow& row) override { definitions.insert_or_assign(row.kind, row); }
  void eraseDefinition(std::string_view kind) override { definitions.erase(std::string(kind)); }
  void scanDefinitions(const std::function<bool(const DefinitionRow&)>& visit) override {
    for (const auto& [kind, row] : definitions)
      if (!visit(row)) return;
  }
  LaneRow lane(std::string_view kind, std::uint64_t lane) override {
    const auto found = lanes.find({std::string(kind), lane});
    return found == lanes.end() ? LaneRow{} : found->second;
  }
  void putLane(std::string_view kind, std::uint64_t lane, const LaneRow& row) override {
    if (row == LaneRow{})
      lanes.erase({std::string(kind), lane});
    else
      lanes.insert_or_assign({std::string(kind), lane}, row);
  }
  void scanLanes(const std::function<bool(const std::string& kind, std::uint64_t lane)>& visit) override {
    for (const auto& [key, row] : lanes)
      if (!visit(key.first, key.second)) return;
  }
  void putOpenLane(const OpenLaneKey& key) override { openLanes.insert(key); }
  void eraseOpenLane(const OpenLaneKey& key) override { openLanes.erase(key); }
  void scanOpenLanes(const OpenLaneKey& from, const std::function<bool(const OpenLaneKey&)>& visit) override {
    scan(openLanes, from, visit);
  }
  const QueueRow* queue(std::string_view name) override {
    const auto found = queues.find(name);
    return found == queues.end() ? nullptr : &found->second;
  }
  void putQueue(const QueueRow& row) override { queues.insert_or_assign(row.name, row); }
  void eraseQueue(std::string_view name) override { queues.erase(std::string(name)); }
  void scanQueues(const std::function<bool(const QueueRow&)>& visit) override {
    for (const auto& [name, row] : queues)
      if (!visit(row)) return;
  }
  void putDependency(const DependencyKey& key) override { dependencies.insert(key); }
  void eraseDependency(const DependencyKey& key) override { dependencies.erase(key); }
  void scanDependencies(const DependencyKey& from, const std::function<bool(const DependencyKey&)>& visit) override {
    scan(dependencies, from, visit);
  }
  std::optional<ScheduleRow> schedule(std::string_view name) override {
    const auto found = schedules.find(name);
    return found == schedules.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<Schedule> settingsOf(std::string_view name) override {
    const auto found = settings.find(name);
    return found == settings.end() ? std::nullopt : std::optional(found->second);
  }
  void putSchedule(const std::optional<ScheduleRow>& before, const ScheduleRow& after) override {
    if (before) due.erase({before->dueAt(), before->name});
    if (after.dueAt() != never) due.insert({after.dueAt(), after.name});
    schedules.insert_or_assign(after.name, after);
  }
  void putSettings(const Schedule& one) override { settings.insert_or_assign(one.name, one); }
  void eraseSchedule(std::string_view name) override {
    const auto found = schedules.find(name);
    if (found == schedules.end()) return;
    due.erase({found->second.dueAt(), found->first});
    settings.erase(found->first);
    schedules.erase(found);
  }
  void scanSchedules(std::string_view from, const std::function<bool(const ScheduleRow&)>& visit) override {
    for (auto at = schedules.lower_bound(from); at != schedules.end() && visit(at->second);) ++at;
  }
  std::size_t countSchedules() override { return schedules.size(); }
  void scanDue(const std::function<bool(const DueKey&)>& visit) override { scan(due, {}, visit); }
  void putOccurrence(const OccurrenceKey& key) override { occurrences.insert(key); }
  void eraseOccurrence(const OccurrenceKey& key) override { occurrences.erase(key); }
  void scanOccurrences(const OccurrenceKey& from, const std::function<bool(const OccurrenceKey&)>& visit) override {
    auto at = from.job.isNil() ? occurrences.lower_bound({from.schedule + '\0', {}}) : occurrences.upper_bound(from);
    while (at != occurrences.begin() && (--at)->schedule == from.schedule && visit(*at)) {
    }
  }
  Totals& totals() override { return counted; }

  std::map<JobID, Stored> jobs;
  std::map<ReadyKey, JobID> ready;
  std::set<WaitingKey> waiting;
  std::set<AttachedKey> attached;
  std::set<DeadlineKey> deadlines;
  std::set<DoneKey> done;
  std::map<IncarnationID, IncarnationRow> incarnations;
  std::map<std::string, KeyRow, std::less<>> keys;
  std::map<std::string, DefinitionRow, std::less<>> definitions;
  std::map<std::pair<std::string, std::uint64_t>, LaneRow> lanes;
  std::set<OpenLaneKey> openLanes;
  std::map<std::string, QueueRow, std::less<>> queues;
  std::set<DependencyKey> dependencies;
  std::map<std::string, ScheduleRow, std::less<>> schedules;
  std::map<std::string, Schedule, std::less<>> settings;
  std::set<DueKey> due;
  std::set<OccurrenceKey> occurrences;
  Totals counted;

 private:
  template <class Key>
  static void scan(const std::set<Key>& keys, const Key& from, const std::function<bool(const Key&)>& visit) {
    for (auto at = keys.lower_bound(from); at != keys.end() && visit(*at);) ++at;
  }
  template <class Key>
  static void put(std::set<Key>& keys, const std::optional<Key>& key, bool present) {
    if (!key) return;
    if (present)
      keys.insert(*key);
    else
      keys.erase(*key);
  }
  void place(const JobRow& row, bool present) {
    if (const auto key = readyKeyOf(row)) {
      if (present)
        ready[*key] = row.id;
      else
        ready.erase(*key);
    }
    put(waiting, waitingKeyOf(row), present);
    put(deadlines, deadlineKeyOf(row), present);
    put(done, doneKeyOf(row), present);
    for (const auto& key : attachedKeysOf(row)) put(attached, std::optional(key), present);
  }
};

class MemoryJobStore final : public JobStore {
 public:
  explicit MemoryJobStore(const Clock& clock) : clock_(clock) {}

  void post(std::vector<Verb> verbs, std::chrono::milliseconds, Answered answered) override {
    std::vector<AnyAnswer> answers;
    Effects effects;
    std::vector<std::shared_ptr<Committed>> listeners;
    {
      const std::lock_guard lock(mutex_);
      const Moment now = clock_.now();
      for (const Verb& verb : verbs) {
        if (verbs.size() > limits::commitVerbsMax)
          answers.push_back(
              answerWith(verb, Verdict::refused, "more than 1000 verbs in one commit; post them in parts"));
        else if (auto why = whyRefused(verb))
          answers.push_back(answerWith(verb, Verdict::refused, std::move(*why)));
        else
          answers.push_back(callsheet::apply(verb, now, rows_, effects));
      }
      ++commits_;
      for (auto& weak : listeners_)
        if (auto listener = weak.lock()) listeners.push_back(std::move(listener));
    }
    for (const auto& listener : listeners) (*listener)(effects);
    answered(std::move(answers));
  }

  std::optional<JobView> find(JobID id) override {
    const std::lock_guard lock(mutex_);
    const auto found = rows_.jobs.find(id);
    if (found == rows_.jobs.end()) return std::nullopt;
    return JobView{found->second.row, found->second.body, found->second.result};
  }

  std::optional<JobRow> peek(JobID id) override {
    const std::lock_guard lock(mutex_);
    return rows_.job(id);
  }

  JobPage list(const JobFilter& filter, const std::string& pageToken, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    JobPage page;
    limit = std::clamp<std::size_t>(limit, 1, limits::pageRowsMax);
    const auto from = lookup::positionOf(pageToken);
    const auto incarnations = allIncarnations();
    const auto take = [&](const MemoryRows::Stored& stored) {
      if (!matches(filter, stored.row, stored.body, incarnations)) return true;
      if (page.jobs.size() == limit) {
        page.next = lookup::tokenOf(page.jobs.back().row.id);
        return false;
      }
      page.jobs.push_back({stored.row, stored.body, std::nullopt});
      return true;
    };
    if (filter.newestFirst) {
      auto at = from ? std::make_reverse_iterator(rows_.jobs.lower_bound(*from)) : rows_.jobs.rbegin();
      for (; at != rows_.jobs.rend() && take(at->second); ++at) {
      }
    } else {
      auto at = from ? rows_.jobs.upper_bound(*from) : rows_.jobs.begin();
      for (; at != rows_.jobs.end() && take(at->second); ++at) {
      }
    }
    return page;
  }

  std::vector<JobID> resolve(std::string_view text, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<JobID> found;
    for (const auto& [id, stored] : rows_.jobs)
      if (found.size() < limit && lookup::isStartOf(text, id)) found.push_back(id);
    std::map<std::pair<std::string, JobID>, JobID> byShortID;
    for (const auto& [id, stored] : rows_.jobs)
      if (lookup::means(text, id) && !lookup::isStartOf(text, id)) byShortID[{shortIDOf(id), id}] = id;
    for (const auto& [key, id] : byShortID)
      if (found.size() < limit) found.push_back(id);
    std::sort(found.begin(), found.end());
    return found;
  }

  std::optional<JobID> findByKey(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const auto row = rows_.businessKey(key);
    return row ? std::optional(row->job) : std::nullopt;
  }

  std::vector<LogEntry> readLog(JobID id, std::uint32_t from, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<LogEntry> entries;
    const auto found = rows_.jobs.find(id);
    if (found == rows_.jobs.end()) return entries;
    for (auto at = found->second.log.lower_bound(from); at != found->second.log.end() && entries.size() < limit; ++at)
      entries.push_back(at->second);
    lookup::addRecentLog(found->second.row, from, limit, entries);
    return entries;
  }

  std::vector<MemoRow> memos(JobID id, Fingerprint after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return rows_.jobs.contains(id) ? lookup::memosOf(rows_, id, after, limit) : std::vector<MemoRow>{};
  }
  std::optional<MemoRow> memo(JobID id, Fingerprint memo) override {
    const std::lock_guard lock(mutex_);
    return rows_.jobs.contains(id) ? rows_.memo(id, memo) : std::nullopt;
  }

  std::vector<IncarnationRow> incarnations() override {
    const std::lock_guard lock(mutex_);
    return allIncarnations();
  }
  std::vector<DefinitionRow> definitions() override {
    const std::lock_guard lock(mutex_);
    return lookup::definitionsOf(rows_);
  }
  std::int64_t nextDeadline() override {
    const std::lock_guard lock(mutex_);
    return nearestDeadline(rows_, clock_.now());
  }
  Claimable claimable(const std::vector<std::string>& kinds, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return claimableRemotely(rows_, clock_.now(), kinds, limit);
  }
  std::vector<JobRow> commandsOf(IncarnationID attendant) override {
    const std::lock_guard lock(mutex_);
    return commandsAttendedBy(rows_, attendant, limits::commandsMax);
  }
  std::optional<DefinitionRow> definition(std::string_view kind) override {
    const std::lock_guard lock(mutex_);
    return lookup::definitionOf(rows_, kind);
  }
  Totals totals() override {
    const std::lock_guard lock(mutex_);
    return rows_.counted;
  }
  CountsByOwner countByOwner() override {
    const std::lock_guard lock(mutex_);
    return callsheet::countByOwner(rows_);
  }
  std::vector<QueueState> queues() override {
    const std::lock_guard lock(mutex_);
    return statesOfQueues(rows_);
  }
  std::optional<ScheduleView> schedule(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    return scheduleOf(rows_, name);
  }
  std::vector<ScheduleView> schedules(std::string_view after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return schedulesAfter(rows_, after, limit);
  }
  DueSchedules dueSchedules(std::int64_t until, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return schedulesDue(rows_, until, limit);
  }
  std::vector<JobID> occurrences(std::string_view schedule, JobID before, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    return occurrencesOf(rows_, schedule, before, limit);
  }
  std::optional<QueueRow> queue(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    const QueueRow* const row = rows_.queue(name);
    return row == nullptr ? std::nullopt : std::optional(*row);
  }
  StoreInfo info() override {
    const std::lock_guard lock(mutex_);
    StoreInfo info;
    info.backend = "memory";
    info.durability = "none";
    info.commits = commits_;
    return info;
  }
  std::uint64_t sequence() override {
    const std::lock_guard lock(mutex_);
    return commits_;
  }
  std::shared_ptr<void> subscribe(Committed committed) override {
    const std::lock_guard lock(mutex_);
    auto listener = std::make_shared<Committed>(std::move(committed));
    std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
    listeners_.push_back(listener);
    return listener;
  }

 private:
  std::vector<IncarnationRow> allIncarnations() {
    std::vector<IncarnationRow> all;
    for (const auto& [id, row] : rows_.incarnations) all.push_back(row);
    return all;
  }

  const Clock& clock_;
  std::mutex mutex_;
  // Below: guarded by mutex_.
  MemoryRows rows_;
  std::uint64_t commits_ = 0;
  std::vector<std::weak_ptr<Committed>> listeners_;
};

}  // namespace

std::unique_ptr<JobStore> makeMemoryJobStore(const Clock& clock) {
  return std::make_unique<MemoryJobStore>(clock);
}

}  // namespace v1
}  // namespace callsheet
