#include "store/lmdb_job_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>

#include "callsheet/limits.h"
#include "core/attended.h"
#include "core/crash_point.h"
#include "core/nearest_deadline.h"
#include "store/combined_commit.h"
#include "store/commit_queue.h"
#include "store/commit_room.h"
#include "store/job_lookup.h"
#include "store/lmdb_environment.h"
#include "store/lmdb_error.h"
#include "store/lmdb_listing.h"
#include "store/lmdb_rows.h"
#include "store/store_backup.h"
#include "store/store_check.h"

namespace callsheet {
inline namespace v1 {

namespace {

class Store final : public LmdbJobStore {
 public:
  Store(const std::string& directory, const LmdbStoreOptions& options)
      : clock_(options.clock ? options.clock : std::make_shared<SystemClock>()),
        witness_(options.makeWitness ? options.makeWitness() : nullptr),
        doorbell_(options.doorbell),
        environment_(directory, {options.create, options.mapBytes, options.guardOpening}, *clock_),
        mapBytes_(options.mapBytes == 0 ? limits::mapBytes : options.mapBytes),
        queue_([this](std::vector<CommitQueue::Group>& groups, bool mayWait) { return commit(groups, mayWait); }) {}

  void post(std::vector<Verb> verbs, std::chrono::milliseconds patience, Answered answered) override {
    environment_.checkProcess();
    queue_.post(std::move(verbs), patience, std::move(answered));
  }

  std::optional<JobView> find(JobID id) override {
    std::optional<JobView> view;
    read([&](LmdbRows& rows) {
      const auto row = rows.job(id);
      auto body = rows.body(id);
      if (row && body) view = JobView{*row, std::move(*body), rows.result(id)};
    });
    return view;
  }

  std::optional<JobRow> peek(JobID id) override {
    return readAs([&](LmdbRows& rows) { return rows.job(id); });
  }

  JobPage list(const JobFilter& filter, const std::string& pageToken, std::size_t limit) override {
    JobPage page;
    environment_.read([&](MDB_txn* txn) { page = listJobs(environment_, txn, filter, pageToken, limit); });
    return page;
  }
  std::vector<JobID> resolve(std::string_view text, std::size_t limit) override {
    std::vector<JobID> found;
    environment_.read([&](MDB_txn* txn) { found = resolveJobs(environment_, txn, text, limit); });
    return found;
  }
  std::optional<JobID> findByKey(std::string_view key) override {
    std::optional<JobID> id;
    read([&](LmdbRows& rows) {
      if (const auto row = rows.businessKey(key)) id = row->job;
    });
    return id;
  }
  std::vector<LogEntry> readLog(JobID id, std::uint32_t from, std::size_t limit) override {
    std::vector<LogEntry> entries;
    environment_.read([&](MDB_txn* txn) { entries = readJobLog(environment_, txn, id, from, limit); });
    return entries;
  }
  std::vector<MemoRow> memos(JobID id, Fingerprint after, std::size_t limit) override {
    return readAs([&](LmdbRows& rows) { return lookup::memosOf(rows, id, after, limit); });
  }
  std::optional<MemoRow> memo(JobID id, Fingerprint memo) override {
    return readAs([&](LmdbRows& rows) { return rows.memo(id, memo); });
  }
  std::vector<IncarnationRow> incarnations() override {
    std::vector<IncarnationRow> all;
    read([&](LmdbRows& rows) {
      rows.scanIncarnations([&](const IncarnationRow& row) {
        all.push_back(row);
        return true;
      });
    });
    return all;
  }
  std::vector<DefinitionRow> definitions() override {
    return readAs([&](LmdbRows& rows) { return lookup::definitionsOf(rows); });
  }
  Claimable claimable(const std::vector<std::string>& kinds, std::size_t limit) override {
    Claimable found;
    const Moment now = clock_->now();
    read([&](LmdbRows& rows) { found = claimableRemotely(rows, now, kinds, limit); });
    return found;
  }
  std::vector<JobRow> commandsOf(IncarnationID attendant) override {
    return readAs([&](LmdbRows& rows) { return commandsAttendedBy(rows, attendant, limits::commandsMax); });
  }
  std::optional<DefinitionRow> definition(std::string_view kind) override {
    return readAs([&](LmdbRows& rows) { return lookup::definitionOf(rows, kind); });
  }
  Totals totals() override {
    return readAs([&](LmdbRows& rows) { return rows.totals(); });
  }
  CountsByOwner countByOwner() override {
    return readAs([&](LmdbRows& rows) { return callsheet::countByOwner(rows); });
  }
  std::vector<QueueState> queues() override {
    return readAs([&](LmdbRows& rows) { return statesOfQueues(rows); });
  }
  std::optional<QueueRow> queue(std::string_view name) override {
    std::optional<QueueRow> found;
    read([&](LmdbRows& rows) {
      if (const QueueRow* const row = rows.queue(name)) found = *row;
    });
    return found;
  }
  std::optional<ScheduleView> schedule(std::string_view name) override {
    return readAs([&](LmdbRows& rows) { return scheduleOf(rows, name); });
  }
  std::vector<ScheduleView> schedules(std::string_view after, std::size_t limit) override {
    return readAs([&](LmdbRows& rows) { return schedulesAfter(rows, after, limit); });
  }
  DueSchedules dueSchedules(std::int64_t until, std::size_t limit) override {
    return readAs([&](LmdbRows& rows) { return schedulesDue(rows, until, limit); });
  }
  std::vector<JobID> occurrences(std::string_view schedule, JobID before, std::size_t limit) override {
    return readAs([&](LmdbRows& rows) { return occurrencesOf(rows, schedule, before, limit); });
  }
  StoreInfo info() override {
    StoreInfo info;
    info.backend = "lmdb";
    info.durability = environment_.record().durability;
    info.format = static_cast<int>(environment_.record().format);
    info.bytesMax = mapBytes_;
    info.commits = environment_.lastCommit();
    info.bytesUsed = environment_.bytesUsed();
    info.libraryVersion = mdb_version(nullptr, nullptr, nullptr);
    return info;
  }
  std::uint64_t sequence() override { return environment_.lastCommit(); }

  std::shared_ptr<void> subscribe(Committed committed) override {
    const std::lock_guard lock(listenersMutex_);
    auto listener = std::make_shared<Committed>(std::move(committed));
    std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
    listeners_.push_back(listener);
    return listener;
  }

  CheckReport check() override { return checkStore(environment_); }
  void backup(const std::string& target) override { backupStore(environment_, target, *clock_); }
  std::vector<StoredRecord> records(JobID id) override {
    return readAs([&](LmdbRows& rows) { return rows.records(id); });
  }
  std::int64_t nextDeadline() override {
    std::int64_t nearest = never;
    const Moment now = clock_->now();
    read([&](LmdbRows& rows) { nearest = nearestDeadline(rows, now); });
    return nearest;
  }
  bool hasPassedDeadline() override { return nextDeadline() < clock_->now().bootNanos; }
  bool hasOpenLaning() override {
    bool isOpen = false;
    read([&](LmdbRows& rows) {
      rows.scanDefinitions([&](const DefinitionRow& row) {
        isOpen = row.laning != DefinitionRow::Laning::done;
        return !isOpen;
      });
    });
    return isOpen;
  }
  int clearDeadReaders() override { return environment_.clearDeadReaders(); }
  std::vector<SnapshotReader> readers() override {
    std::vector<SnapshotReader> all;
    environment_.forEachReader([&](pid_t pid, std::uint64_t snapshot) { all.push_back({pid, snapshot}); });
    return all;
  }
  [[nodiscard]] bool isInherited() const { return environment_.isInherited(); }

 private:
  void read(const std::function<void(LmdbRows&)>& body) {
    environment_.read([&](MDB_txn* txn) {
      LmdbRows rows(environment_, txn);
      body(rows);
    });
  }

  /// What a look at one snapshot finds.
  template <class Look>
  [[nodiscard]] std::invoke_result_t<Look, LmdbRows&> readAs(Look look) {
    std::invoke_result_t<Look, LmdbRows&> found{};
    read([&](LmdbRows& rows) { found = look(rows); });
    return found;
  }

  std::optional<std::vector<AnyAnswer>> applyOrPost(std::vector<Verb> verbs, std::chrono::milliseconds patience,
                                                    Answered answered) override {
    environment_.checkProcess();
    return queue_.applyOrPost(std::move(verbs), patience, std::move(answered));
  }

  /// As CommitQueue::Commit says. A process that shares its commits knows nearly always whether the write lock is free;
  /// only then a caller takes it himself, because he could not give up waiting for it.
  CommitQueue::Outcome commit(std::vector<CommitQueue::Group>& groups, bool mayWait) {
    CommitExchange* const exchange = witness_ ? witness_->exchange() : nullptr;
    if (!mayWait && exchange == nullptr) return CommitQueue::Outcome::untouched;
    Effects effects;
    try {
      crashPoint("commit.before");
      CombinedCommit combined(exchange, groups);
      const auto first = combined.begin(effects);
      if (first == CombinedCommit::First::asked && !mayWait) return CommitQueue::Outcome::underWay;
      if (first != CombinedCommit::First::answered) writeAll(groups, effects, combined);
      crashPoint("commit.after");
    } catch (const std::exception& error) {
      effects = Effects{};
      commitApart(groups, error, effects);
    }
    announce(effects, mayWait);
    return CommitQueue::Outcome::done;
  }

  void writeAll(std::vector<CommitQueue::Group>& groups, Effects& effects, CombinedCommit& combined) {
    combined.lead();
    inTransaction([&](LmdbRows& rows, Moment& now) {
      if (combined.wasDoneByOther(effects)) return false;
      CommitRoom room(environment_, rows);
      std::size_t verbs = 0;
      std::size_t bytes = 0;
      for (std::size_t g = 0; g < groups.size(); ++g) {
        auto& group = groups[g];
        for (std::size_t i = 0; i < group.verbs.size(); ++i)
          if (!group.isSettled[i])
            group.answers[i] = combined.answerOf(g, i, applyOne(group.verbs[i], now, rows, effects, room));
        verbs += group.verbs.size();
        bytes += group.bytes;
      }
      combined.applyOthers(verbs, bytes, [&](const std::vector<Verb>& asked, Effects& theirs) {
        now = clock_->now();  // they may have seen a later one than that at which this commit began
        std::vector<AnyAnswer> answers;
        answers.reserve(asked.size());
        for (const Verb& verb : asked) answers.push_back(applyOne(verb, now, rows, theirs, room));
        return answers;
      });
      crashPoint("commit.applied");
      return true;
    });
    combined.succeeded();
  }

  static AnyAnswer applyOne(const Verb& verb, const Moment& now, LmdbRows& rows, Effects& effects, CommitRoom& room) {
    if (const char* why = room.whyFull(verb)) return answerWith(verb, Verdict::storeFull, why);
    return callsheet::apply(verb, now, rows, effects);
  }

  /// The store refused inside a commit. The transaction is gone; each verb gets one of its own, so that only the guilty
  /// fails.
  void commitApart(std::vector<CommitQueue::Group>& groups, const std::exception& reason, Effects& effects) {
    std::size_t verbs = 0;
    for (const auto& group : groups) verbs += group.verbs.size();
    for (auto& group : groups) {
      for (std::size_t i = 0; i < group.verbs.size(); ++i) {
        if (group.isSettled[i]) continue;
        if (verbs == 1) {
          group.answers[i] = answerFor(group.verbs[i], reason);
          continue;
        }
        try {
          Effects one;
          inTransaction([&](LmdbRows& rows, Moment& now) {
            CommitRoom room(environment_, rows);
            group.answers[i] = applyOne(group.verbs[i], now, rows, one, room);
            return true;
          });
          for (const auto owner : one.owners) effects.touch(owner);
          effects.finished = effects.finished || one.finished;
          effects.closed = effects.closed || one.closed;
          effects.scheduled = effects.scheduled || one.scheduled;
        } catch (const std::exception& error) {
          group.answers[i] = answerFor(group.verbs[i], error);
        }
      }
    }
  }

  /// False from `body`: there is nothing to commit.
  void inTransaction(const std::function<bool(LmdbRows&, Moment&)>& body) {
    // Clears the board whatever happens, so that nobody takes this process for a stopped writer.
    struct Cleared {
      WriterWitness* witness;
      ~Cleared() {
        if (witness != nullptr) witness->cleared();
      }
    } const cleared{witness_.get()};
    if (witness_) witness_->wants();
    environment_.write(
        [this] {
          if (witness_) witness_->began();
        },
        [&](MDB_txn* txn) {
          // Read inside the lock: what an earlier commit decided must not lie in the future of a later one.
          Moment now = clock_->now();
          LmdbRows rows(environment_, txn);
          requireKnownFormat(rows);
          if (!body(rows, now)) return false;
          rows.finish();
          return true;
        });
  }

  /// Another process may have upgraded the store since it was opened.
  void requireKnownFormat(LmdbRows& rows) {
    std::string_view value;
    if (!rows.at(keys::Region::meta).get(keys::storeKey(), value))
      throw Error(ErrorKind::corrupt, "the store lost its own record");
    if (value == formatBytes_) return;
    StoreRecord record;
    decodeRecord(RecordType::meta, keys::storeKey(), value, record);
    environment_.checkFormat(record);
    formatBytes_ = value;
  }

  static AnyAnswer answerFor(const Verb& verb, const std::exception& reason) {
    Verdict verdict = Verdict::unknown;
    if (const auto* error = dynamic_cast<const Error*>(&reason)) {
      if (error->kind() == ErrorKind::storeFull) verdict = Verdict::storeFull;
      if (error->kind() == ErrorKind::corrupt) verdict = Verdict::corrupt;
      if (error->kind() == ErrorKind::unsupported) verdict = Verdict::refused;
    }
    return answerWith(verb, verdict, reason.what());
  }

  void announce(const Effects& effects, bool isOnStoreThread) {
    if (isOnStoreThread)
      tellListeners(effects);
    else if (hasListeners())
      queue_.callLater([this, effects] { tellListeners(effects); });
    if (!doorbell_) return;
    for (const IncarnationID owner : effects.owners) doorbell_->ring(owner);
    if (effects.closed || effects.scheduled) doorbell_->ringPrincipal();
    if (effects.finished) doorbell_->ringObservers();
  }

  bool hasListeners() {
    const std::lock_guard lock(listenersMutex_);
    return std::any_of(listeners_.begin(), listeners_.end(), [](const auto& weak) { return !weak.expired(); });
  }

  void tellListeners(const Effects& effects) {
    std::vector<std::shared_ptr<Committed>> listeners;
    {
      const std::lock_guard lock(listenersMutex_);
      for (auto& weak : listeners_)
        if (auto listener = weak.lock()) listeners.push_back(std::move(listener));
    }
    for (const auto& listener : listeners) {
      try {
        (*listener)(effects);
      } catch (const Error&) {
        // The commit is done, and its answers must go out; who listens looks again by itself.
      }
    }
  }

  const std::shared_ptr<const Clock> clock_;
  const std::shared_ptr<WriterWitness> witness_;
  const std::shared_ptr<Doorbell> doorbell_;
  LmdbEnvironment environment_;
  const std::size_t mapBytes_;
  std::string formatBytes_;  // of who commits only
  std::mutex listenersMutex_;
  std::vector<std::weak_ptr<Committed>> listeners_;  // guarded by listenersMutex_
  CommitQueue queue_;                                // last: its thread uses all of the above
};

/// LMDB must not be opened twice in one process (its locks are the process's), so openings are shared, and one that is
/// being closed is waited for.
struct Registry {
  using Place = std::pair<dev_t, ino_t>;
  struct Opening {
    std::weak_ptr<Store> store;
    bool isOpen = false;  // until the last holder has closed it, which takes longer than `store` lives
    pid_t process = 0;
  };
  std::mutex mutex;
  std::condition_variable closed;
  std::map<Place, Opening> openings;  // guarded by mutex
};

Registry& registry() {
  static Registry& instance = *new Registry;  // never destroyed: a store may be closed by another static's destructor
  return instance;
}

void close(const Registry::Place& place, Store* store) {
  // A forked child has neither the store's thread nor its locks: what it inherited can only be left alone.
  if (store->isInherited()) return;
  delete store;
  const std::lock_guard lock(registry().mutex);
  registry().openings[place].isOpen = false;
  registry().closed.notify_all();
}

}  // namespace

std::shared_ptr<LmdbJobStore> LmdbJobStore::open(const std::string& directory, const LmdbStoreOptions& options) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0)
    throw systemError("the store's directory " + directory + " cannot be opened", errno);
  const Registry::Place place{status.st_dev, status.st_ino};
  std::unique_lock lock(registry().mutex);
  Registry::Opening& opening = registry().openings[place];
  while (opening.isOpen) {
    if (opening.process != ::getpid())
      throw Error(ErrorKind::usage, "the store was opened before fork(); a forked child must exec or open nothing");
    if (auto store = opening.store.lock()) return store;
    registry().closed.wait(lock);
  }
  std::shared_ptr<Store> store(new Store(directory, options), [place](Store* last) { close(place, last); });
  opening = {store, true, ::getpid()};
  return store;
}

}  // namespace v1
}  // namespace callsheet
