#include "store/store_check.h"

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "callsheet/limits.h"
#include "store/lmdb_rows.h"
#include "store/schedule_check.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Region = keys::Region;

/// Walks the trees once. Every place that the rows ask for must be there, and there must be no more places than that.
class Check {
 public:
  Check(const LmdbEnvironment& environment, MDB_txn* txn)
      : environment_(environment), txn_(txn), rows_(environment, txn) {}

  CheckReport run() {
    readIncarnations();
    for (const Region region : {Region::job, Region::part, Region::meta}) {
      LmdbCursor(txn_, environment_.tree(region)).scan({}, [&](std::string_view key, std::string_view value) {
        ++report_.records;
        guarded(key, [&] { checkRecord(key, value); });
        return true;
      });
    }
    checkLanes();
    checkQueues();
    checkEnds();
    places_ += checkSchedules(
        rows_,
        [&](const std::string& sentence) {
          ++unreadable_;
          problem(sentence);
        },
        [&](const std::string& sentence) { problem(sentence); });
    if (placesFound_ != places_ && unreadable_ == 0)
      problem("the orders hold " + std::to_string(placesFound_) + " places instead of " + std::to_string(places_));
    if (unreadable_ == 0 && report_.problemCount == 0) checkTotals();
    return std::move(report_);
  }

 private:
  void problem(const std::string& sentence) {
    if (report_.problems.size() < 100) report_.problems.push_back(sentence);
    ++report_.problemCount;
  }
  template <class Body>
  void guarded(std::string_view key, Body body) {
    try {
      body();
    } catch (const Error& error) {
      ++unreadable_;
      const auto region = keys::regionOf(key);
      const bool isJob = region == Region::job || region == Region::part;
      problem((isJob ? "job " + keys::jobIDOf(key).toString() : std::string("a row")) + ": " + error.what());
    }
  }

  /// What the rows of jobs are held against.
  void readIncarnations() {
    guarded({}, [&] {
      rows_.scanIncarnations([&](const IncarnationRow& row) {
        ++report_.incarnations;
        if (row.isUnreadable) problem("incarnation " + row.id.toString() + ": its record does not check");
        incarnations_[row.id] = row;
        return true;
      });
    });
  }

  void checkRecord(std::string_view key, std::string_view value) {
    switch (keys::regionOf(key)) {
      case Region::job:
        if (key.size() != 17) return problem("the key of a job's row has " + std::to_string(key.size()) + " bytes");
        return checkRow(keys::jobIDOf(key));
      case Region::part:
        return checkPart(key, value);
      case Region::businessKey:
        return checkBusinessKey(key, value);
      case Region::unreadable:
        return problem("job " + keys::jobIDOf(key).toString() + " was set aside because it could not be read");
      case Region::attached:
      case Region::ready:
      case Region::deadline:
      case Region::waiting:
      case Region::done:
      case Region::shortID:
      case Region::openLane:
      case Region::dependency:
      case Region::due:
      case Region::occurrence:
        ++placesFound_;
        return;
      case Region::schedule:
      case Region::scheduleSettings:
        return;  // by checkSchedules
      case Region::definition:
        return;  // by checkLanes
      case Region::queue: {
        QueueRow queue;
        decodeRecord(RecordType::queue, key, value, queue);
        queues_[std::string(keys::queueOf(key))] = queue.running;
        return;
      }
      case Region::lane: {
        LaneRow lane;  // the rows heal it silently
        return decodeRecord(RecordType::lane, key, value, lane);
      }
      case Region::incarnation:
        return;  // read before
      case Region::meta:
        return checkMeta(key, value);
    }
    problem("a row of an unknown region");
  }

  void checkMeta(std::string_view key, std::string_view value) {
    if (key == keys::totalsKey()) {
      Totals totals;
      decodeRecord(RecordType::totals, key, value, totals);
    } else if (key != keys::storeKey()) {
      problem("a row of the store's own that is not known");
    }
  }

  void checkPart(std::string_view key, std::string_view value) {
    const JobID id = keys::jobIDOf(key);
    std::string_view row;
    if (!rows_.at(Region::job).get(keys::jobKey(id, keys::JobPart::row).view(), row))
      problem("job " + id.toString() + ": a body, result or log entry without a row");
    switch (keys::partOf(key)) {
      case keys::JobPart::body:
        return checkBody(id);
      case keys::JobPart::result:
        return (void)rows_.result(id);
      case keys::JobPart::log: {
        LogEntry entry;
        return decodeRecord(RecordType::logEntry, key, value, entry);
      }
      case keys::JobPart::memo: {
        MemoRow memo;
        return decodeRecord(RecordType::memo, key, value, memo);
      }
      case keys::JobPart::row:
        break;
    }
    problem("job " + id.toString() + ": a row of an unknown part");
  }

  void checkRow(JobID id) {
    const JobRow row = *rows_.job(id);
    ++report_.jobs;
    totals_.add(row);
    if (isRunning(row) && row.lane != 0) ++running_[{row.kind, row.lane}];
    if (isRunning(row)) ++runningIn_[row.queue];
    const std::string name = "job " + row.id.toString();
    std::string_view body;  // it is read when its own row comes
    const auto bodyKey = keys::jobKey(row.id, keys::JobPart::body);
    if (!rows_.at(bodyKey).get(bodyKey.view(), body)) problem(name + ": a row without a body");
    if (!carriesItsTime(row.id)) expect(name, keys::shortIDKey(row.id));
    if (const auto key = readyKeyOf(row)) expect(name, keys::encode(*key));
    if (const auto key = waitingKeyOf(row)) expect(name, keys::encode(*key));
    if (const auto key = deadlineKeyOf(row)) expect(name, keys::encode(*key));
    if (const auto key = doneKeyOf(row)) expect(name, keys::encode(*key));
    for (const auto& key : attachedKeysOf(row)) expect(name, keys::encode(key));
    if (row.waitingFor == WaitReason::dependency) checkPrerequisites(name, row);
    checkLog(name, row);
    checkCount(name, keys::jobKey(row.id, keys::JobPart::memo), row.memoCount, "steps");
    if (row.memoCount > 0) checkStepBytes(name, row);
    checkInvariants(name, row);
  }

  /// A job of a schedule is listed as one, and the row of one that answers a wait says so.
  void checkBody(JobID id) {
    const auto body = rows_.body(id);
    if (!body) return;
    if (!body->schedule.empty()) expect("job " + id.toString(), keys::encode(OccurrenceKey{body->schedule, id}));
    const auto row = rows_.job(id);
    if (row && row->answersWait == body->answers.isNil())
      problem("job " + id.toString() + ": row and body disagree on whether it answers a wait");
  }

  /// Each prerequisite of a waiting job is known, once, so that its end will wake the job.
  void checkPrerequisites(const std::string& name, const JobRow& row) {
    const auto body = rows_.body(row.id);
    if (!body) return;  // is a problem already
    if (row.wakeAt != never) problem(name + ": waits for other jobs, and for a time too");
    for (const Prerequisite& one : body->after) {
      std::string_view value;
      int found = 0;
      for (const auto stage : {DependencyKey::Stage::open, DependencyKey::Stage::settled}) {
        const auto key = keys::encode(DependencyKey{stage, one.job, row.id});
        if (rows_.at(key).get(key.view(), value)) ++found;
      }
      ++places_;
      if (found != 1) problem(name + ": nothing will tell it that job " + one.job.toString() + " has ended");
    }
  }

  /// What stands ready to be looked at is there because something has ended; and where something has ended, it does.
  void checkEnds() {
    std::set<JobID> ended;
    std::set<JobID> awaited;
    rows_.scanDependencies({}, [&](const DependencyKey& key) {
      if (key.stage == DependencyKey::Stage::ended) ended.insert(key.prerequisite);
      if (key.stage == DependencyKey::Stage::open) awaited.insert(key.prerequisite);
      return true;
    });
    places_ += ended.size();
    for (const JobID id : awaited) guarded({}, [&] { checkEnd(id, ended.contains(id)); });
  }

  void checkEnd(JobID id, bool isNoted) {
    const auto row = rows_.job(id);
    const bool hasEnded = !row || row->state == JobState::done;
    if (hasEnded && !isNoted) problem("job " + id.toString() + ": has ended, and the jobs after it do not know");
    if (!hasEnded && isNoted) problem("job " + id.toString() + ": has not ended, and the jobs after it are told so");
  }

  /// Every queue's count is that of its running jobs.
  void checkQueues() {
    if (unreadable_ > 0) return;
    for (const auto& [name, counted] : queues_)
      if (counted != runningIn_[name])
        problem("queue " + name + ": counts " + std::to_string(counted) + " running jobs instead of " +
                std::to_string(runningIn_[name]));
  }

  void checkLog(const std::string& name, const JobRow& row) {
    const auto expected = row.spilledLogCount() - std::min(row.spilledLogCount(), row.firstLogIndex());
    checkCount(name, keys::jobKey(row.id, keys::JobPart::log), expected, "log entries");
  }

  void checkStepBytes(const std::string& name, const JobRow& row) {
    std::uint64_t bytes = 0;
    try {
      rows_.scanMemos(row.id, {}, [&](const MemoRow& memo) {
        bytes += memo.value.size();
        return true;
      });
    } catch (const UnreadableRow&) {
      return;  // its own record says so
    }
    if (bytes != row.memoBytes)
      problem(name + ": its steps hold " + std::to_string(bytes) + " bytes instead of " +
              std::to_string(row.memoBytes));
  }

  void checkCount(const std::string& name, const keys::Key& prefix, std::uint32_t expected, const char* what) {
    std::uint32_t found = 0;
    rows_.at(prefix).scan(prefix.view(), [&](std::string_view key, std::string_view) {
      const bool isOurs = key.starts_with(prefix.view());
      if (isOurs) ++found;
      return isOurs;
    });
    if (found != expected)
      problem(name + ": " + std::to_string(found) + " " + what + " instead of " + std::to_string(expected));
  }

  void checkInvariants(const std::string& name, const JobRow& row) {
    const bool running = isRunning(row);
    if (running && row.holderKind == HolderKind::none) problem(name + ": an attempt without a holder");
    if (running && row.execID.isNil()) problem(name + ": an attempt without an execId");
    if (!running && row.holderKind != HolderKind::none) problem(name + ": a holder without an attempt");
    if ((row.state == JobState::done) != (row.outcome != JobOutcome::none))
      problem(name + ": state and outcome disagree");
    if ((row.state == JobState::waiting) != (row.waitingFor != WaitReason::none))
      problem(name + ": state and reason disagree");
    if (row.started > row.attempt || row.failures > row.started)
      problem(name + ": more starts than hand-outs, or failures than starts");
    if (!running && (row.cancelRequested || row.transferRequested)) problem(name + ": a request without an attempt");
    // A closed owner that was emptied has nothing left; its rows would never be found again.
    if (row.state != JobState::done && row.owner != principalOwner) {
      const auto owner = incarnations_.find(row.owner);
      if (owner == incarnations_.end() || owner->second.emptied)
        problem(name + ": its owner was emptied, nobody will run it");
    }
    if (running && (row.holderKind == HolderKind::incarnation || row.holderKind == HolderKind::shim)) {
      const auto holder = incarnations_.find(IncarnationID{row.holder});
      if (holder == incarnations_.end() || holder->second.emptied)
        problem(name + ": its holder was emptied, nobody will end it");
    }
  }

  void expect(const std::string& name, const keys::Key& key) {
    ++places_;
    std::string_view value;
    if (!rows_.at(key).get(key.view(), value))
      problem(name + ": not in the order '" + std::string(1, key.view()[0]) + "'");
  }

  void checkBusinessKey(std::string_view key, std::string_view value) {
    KeyRow row;
    decodeRecord(RecordType::businessKey, key, value, row);
    const auto body = rows_.body(row.job);
    if (!body || body->key != key.substr(1))
      problem("a business key points to job " + row.job.toString() + ", which does not carry it");
  }

  /// Every definition can be read, every lane's count is that of its running jobs, and the open lanes are those that
  /// have a ready job and room for it.
  void checkLanes() {
    rows_.at(Region::definition)
        .scan(keys::definitionKey({}).view(), [&](std::string_view key, std::string_view value) {
          if (keys::regionOf(key) != Region::definition) return false;
          guarded({}, [&] {
            DefinitionRow row;
            decodeRecord(RecordType::definition, key, value, row);
            definitions_[std::string(keys::kindOf(key))] = row;
          });
          return true;
        });
    std::vector<keys::LaneOf> lanes;
    rows_.scanLanes([&](const std::string& kind, std::uint64_t lane) {
      lanes.push_back({kind, lane});
      return true;
    });
    for (const keys::LaneOf& one : lanes) guarded({}, [&] { checkLane(one.kind, one.lane); });
    if (unreadable_ == 0)
      for (const auto& [lane, count] : running_)
        if (count != 0) problem("kind " + lane.first + ": a lane with running jobs is not counted");
    guarded({}, [&] { checkOpenLanes(); });
  }

  void checkLane(const std::string& kind, std::uint64_t lane) {
    const std::uint32_t counted = rows_.lane(kind, lane).running;
    counts_[{kind, lane}] = counted;
    if (lane == 0) return;
    const std::uint32_t running = std::exchange(running_[{kind, lane}], 0);
    if (counted != running && unreadable_ == 0)
      problem("kind " + kind + ": a lane counts " + std::to_string(counted) + " running jobs instead of " +
              std::to_string(running));
  }

  void checkOpenLanes() {
    ReadyKey last;
    rows_.scanReady({{}, {}, {}, 0, std::numeric_limits<std::int64_t>::min(), 0}, [&](const ReadyKey& key, JobID) {
      const bool isHead = last.kind.empty() || std::tie(key.owner, key.kind, key.queue, key.lane) !=
                                                   std::tie(last.owner, last.kind, last.queue, last.lane);
      last = key;
      const auto found = definitions_.find(key.kind);
      const DefinitionRow* definition = found == definitions_.end() ? nullptr : &found->second;
      const bool isSettled = definition == nullptr || definition->laning == DefinitionRow::Laning::done;
      if (isSettled && (key.lane != 0) != (definition != nullptr && definition->hasLanes()))
        problem("kind " + key.kind + ": a ready job stands in a lane that its definition does not ask for");
      if (!isHead || key.lane == 0 || definition == nullptr || !isSettled) return true;
      const auto count = counts_.find({key.kind, key.lane});
      if (count == counts_.end() || count->second < definition->concurrencyLimit)
        openLanes_.insert({key.owner, key.kind, key.queue, key.rank, key.sequence, key.lane});
      return true;
    });
    rows_.scanOpenLanes({}, [&](const OpenLaneKey& key) {
      const auto found = definitions_.find(key.kind);
      const bool isSettled = found != definitions_.end() && found->second.laning == DefinitionRow::Laning::done;
      ++places_;
      if (openLanes_.erase(key) == 0 && (isSettled || found == definitions_.end()))
        problem("kind " + key.kind + ": a lane is open that has no room or no ready job");
      return true;
    });
    for (const OpenLaneKey& key : openLanes_) problem("kind " + key.kind + ": a lane with room is not open");
  }

  void checkTotals() {
    const Totals& stored = rows_.totals();
    totals_.sequence = stored.sequence;
    totals_.submitted = stored.submitted;
    totals_.closures = stored.closures;
    if (!(totals_ == stored)) problem("the totals are not the sum of the rows");
  }

  const LmdbEnvironment& environment_;
  MDB_txn* txn_;
  LmdbRows rows_;
  CheckReport report_;
  std::map<IncarnationID, IncarnationRow> incarnations_;
  Totals totals_;
  std::map<std::string, DefinitionRow> definitions_;
  std::map<std::pair<std::string, std::uint64_t>, std::uint32_t> running_;  // by kind and lane
  std::map<std::pair<std::string, std::uint64_t>, std::uint32_t> counts_;   // the same, as it is stored
  std::map<std::string, std::uint32_t> queues_;                             // what is stored
  std::map<std::string, std::uint32_t> runningIn_;                          // by queue
  std::set<OpenLaneKey> openLanes_;                                         // that should be there
  std::uint64_t places_ = 0;                                                // that the rows ask for
  std::uint64_t placesFound_ = 0;
  std::uint64_t unreadable_ = 0;
};

}  // namespace

CheckReport checkStore(LmdbEnvironment& environment) {
  CheckReport report;
  environment.read([&](MDB_txn* txn) { report = Check(environment, txn).run(); });
  return report;
}

}  // namespace v1
}  // namespace callsheet
