#include "store/store_check.h"

#include <map>
#include <optional>

#include "callsheet/limits.h"
#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// Walks the three tables once. Every place that the rows ask for must be there, and there must be no more places than
/// that.
class Check {
 public:
  Check(const LmdbEnvironment& environment, MDB_txn* txn)
      : environment_(environment), txn_(txn), rows_(environment, txn) {}

  CheckReport run() {
    checkIncarnations();
    scanRows(txn_, environment_.jobs(), {}, [&](std::string_view key, std::string_view value) {
      ++report_.records;
      guarded(key, [&] { checkJobRecord(key, value); });
      return true;
    });
    checkLog();
    countPlaces();
    checkKeys();
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
      problem((key.size() >= 16 ? "job " + keys::jobIDOf(key).toString() : std::string("a row")) + ": " + error.what());
    }
  }

  void checkIncarnations() {
    guarded({}, [&] {
      rows_.scanIncarnations([&](const IncarnationRow& row) {
        ++report_.incarnations;
        incarnations_[row.id] = row;
        return true;
      });
    });
  }

  void checkJobRecord(std::string_view key, std::string_view value) {
    const JobID id = keys::jobIDOf(key);
    if (key.size() < 17) return problem("a key of the job table is too short");
    switch (static_cast<keys::JobPart>(key[16])) {
      case keys::JobPart::row:
        return checkRow(id);
      case keys::JobPart::body:
        if (id != lastRow_) problem("job " + id.toString() + ": a body without a row");
        return (void)rows_.body(id);
      case keys::JobPart::result:
        if (id != lastRow_) problem("job " + id.toString() + ": a result without a row");
        return (void)rows_.result(id);
      case keys::JobPart::log: {
        LogEntry entry;
        decodeRecord(RecordType::logEntry, key, value, entry);
        if (id != lastRow_) problem("job " + id.toString() + ": a log entry without a row");
        ++logEntries_;
        return;
      }
    }
    problem("job " + id.toString() + ": a row of an unknown part");
  }

  void checkRow(JobID id) {
    checkLog();
    lastRow_ = id;
    logExpected_ = std::nullopt;
    const JobRow row = *rows_.job(id);
    logExpected_ = row.spilledLogCount() - std::min(row.spilledLogCount(), row.firstLogIndex());
    ++report_.jobs;
    totals_.add(row);
    const std::string name = "job " + row.id.toString();
    if (!rows_.body(row.id)) problem(name + ": a row without a body");
    expect(name, keys::shortIDKey(row.id));
    if (const auto key = readyKeyOf(row)) expect(name, keys::encode(*key));
    if (const auto key = waitingKeyOf(row)) expect(name, keys::encode(*key));
    if (const auto key = deadlineKeyOf(row)) expect(name, keys::encode(*key));
    if (const auto key = doneKeyOf(row)) expect(name, keys::encode(*key));
    for (const auto& key : attachedKeysOf(row)) expect(name, keys::encode(key));
    checkInvariants(name, row);
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
    if (running && row.holderKind == HolderKind::incarnation) {
      const auto holder = incarnations_.find(IncarnationID{row.holder});
      if (holder == incarnations_.end() || holder->second.emptied)
        problem(name + ": its holder was emptied, nobody will end it");
    }
  }

  /// The entries of the job before, now that all its rows were seen.
  void checkLog() {
    if (logExpected_ && logEntries_ != *logExpected_)
      problem("job " + lastRow_.toString() + ": " + std::to_string(logEntries_) + " log entries instead of " +
              std::to_string(*logExpected_));
    logEntries_ = 0;
  }

  void expect(const std::string& name, const keys::Key& key) {
    ++places_;
    std::string_view value;
    if (!getRow(txn_, environment_.index(), key.view(), value))
      problem(name + ": not in the order '" + std::string(1, key.view()[0]) + "'");
  }

  void countPlaces() {
    std::uint64_t found = 0;
    scanRows(txn_, environment_.index(), {}, [&](std::string_view key, std::string_view) {
      if (!key.empty() && key[0] == static_cast<char>(keys::Order::unreadable))
        problem("job " + keys::jobIDOf(key.substr(1)).toString() + " was set aside because it could not be read");
      else
        ++found;
      return true;
    });
    if (found != places_ && unreadable_ == 0)
      problem("the orders hold " + std::to_string(found) + " places instead of " + std::to_string(places_));
  }

  void checkKeys() {
    scanRows(txn_, environment_.meta(), "k", [&](std::string_view key, std::string_view value) {
      if (key.empty() || key[0] != 'k') return false;
      guarded({}, [&] {
        KeyRow row;
        decodeRecord(RecordType::businessKey, key, value, row);
        const auto body = rows_.body(row.job);
        if (!body || body->key != key.substr(1))
          problem("a business key points to job " + row.job.toString() + ", which does not carry it");
      });
      return true;
    });
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
  JobID lastRow_;
  std::uint64_t places_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint32_t logEntries_ = 0;
  std::optional<std::uint32_t> logExpected_;  // nothing when the row cannot be read
};

}  // namespace

CheckReport checkStore(const LmdbEnvironment& environment) {
  CheckReport report;
  environment.read([&](MDB_txn* txn) { report = Check(environment, txn).run(); });
  return report;
}

}  // namespace v1
}  // namespace callsheet
