#include "store/lmdb_rows.h"

#include <algorithm>
#include <cstring>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

using keys::JobPart;

namespace {
std::string_view bytesOf(const JobID& id) {
  return {reinterpret_cast<const char*>(id.value.bytes.data()), 16};
}

JobID jobIDFrom(std::string_view value) {
  JobID id;
  if (value.size() == 16) std::memcpy(id.value.bytes.data(), value.data(), 16);
  return id;
}
}  // namespace

template <class Body>
void LmdbRows::put(MDB_dbi table, RecordType type, std::string_view key, const Body& body) {
  encodeRecord(type, key, body, buffer_);
  putRow(txn_, table, key, buffer_);
}

std::optional<JobRow> LmdbRows::job(JobID id) {
  const auto key = keys::jobKey(id, JobPart::row);
  std::string_view value;
  if (!getRow(txn_, environment_.jobs(), key.view(), value)) return std::nullopt;
  JobRow row;
  try {
    decodeRecord(RecordType::jobRow, key.view(), value, row);
  } catch (const Error& error) {
    throw UnreadableRow(id, "job " + id.toString() + ": " + error.what());
  }
  row.id = id;
  return row;
}

std::optional<JobBody> LmdbRows::body(JobID id) {
  const auto key = keys::jobKey(id, JobPart::body);
  std::string_view value;
  if (!getRow(txn_, environment_.jobs(), key.view(), value)) return std::nullopt;
  JobBody body;
  try {
    decodeRecord(RecordType::jobBody, key.view(), value, body);
  } catch (const Error& error) {
    throw UnreadableRow(id, "job " + id.toString() + ": " + error.what());
  }
  return body;
}

std::optional<JobResult> LmdbRows::result(JobID id) {
  const auto key = keys::jobKey(id, JobPart::result);
  std::string_view value;
  if (!getRow(txn_, environment_.jobs(), key.view(), value)) return std::nullopt;
  JobResult result;
  decodeRecord(RecordType::jobResult, key.view(), value, result);
  return result;
}

void LmdbRows::putRowOf(const JobRow& row) {
  put(environment_.jobs(), RecordType::jobRow, keys::jobKey(row.id, JobPart::row).view(), row);
}

void LmdbRows::insertJob(const JobRow& row, const JobBody& body) {
  putRowOf(row);
  put(environment_.jobs(), RecordType::jobBody, keys::jobKey(row.id, JobPart::body).view(), body);
  addPlace(keys::shortIDKey(row.id));
  addPlaces(row);
  totals().add(row);
}

void LmdbRows::updateJob(const JobRow& before, const JobRow& after) {
  putRowOf(after);
  movePlaces(before, after);
  totals().remove(before);
  totals().add(after);
}

void LmdbRows::eraseJob(const JobRow& row) {
  const MDB_dbi jobs = environment_.jobs();
  deleteRow(txn_, jobs, keys::jobKey(row.id, JobPart::row).view());
  deleteRow(txn_, jobs, keys::jobKey(row.id, JobPart::body).view());
  deleteRow(txn_, jobs, keys::jobKey(row.id, JobPart::result).view());
  for (std::uint32_t i = row.firstLogIndex(); i < row.spilledLogCount(); ++i) eraseLog(row.id, i);
  removePlace(keys::shortIDKey(row.id));
  removePlaces(row);
  totals().remove(row);
}

void LmdbRows::putResult(JobID id, const JobResult& result) {
  put(environment_.jobs(), RecordType::jobResult, keys::jobKey(id, JobPart::result).view(), result);
}

void LmdbRows::putLog(JobID id, const LogEntry& entry) {
  put(environment_.jobs(), RecordType::logEntry, keys::logKey(id, entry.index).view(), entry);
}

void LmdbRows::eraseLog(JobID id, std::uint32_t index) {
  deleteRow(txn_, environment_.jobs(), keys::logKey(id, index).view());
}

void LmdbRows::setAside(const PlaceKey& place, JobID id) {
  std::visit([&](const auto& key) { deleteRow(txn_, environment_.index(), keys::encode(key).view()); }, place);
  addPlace(keys::unreadableKey(id));
}

void LmdbRows::addPlace(const keys::Key& key, std::string_view value) {
  putRow(txn_, environment_.index(), key.view(), value);
}
void LmdbRows::removePlace(const keys::Key& key) {
  deleteRow(txn_, environment_.index(), key.view());
}

void LmdbRows::addPlaces(const JobRow& row) {
  if (const auto key = readyKeyOf(row)) addPlace(keys::encode(*key), bytesOf(row.id));
  if (const auto key = waitingKeyOf(row)) addPlace(keys::encode(*key));
  if (const auto key = deadlineKeyOf(row)) addPlace(keys::encode(*key));
  if (const auto key = doneKeyOf(row)) addPlace(keys::encode(*key));
  for (const auto& key : attachedKeysOf(row)) addPlace(keys::encode(key));
}

void LmdbRows::removePlaces(const JobRow& row) {
  if (const auto key = readyKeyOf(row)) removePlace(keys::encode(*key));
  if (const auto key = waitingKeyOf(row)) removePlace(keys::encode(*key));
  if (const auto key = deadlineKeyOf(row)) removePlace(keys::encode(*key));
  if (const auto key = doneKeyOf(row)) removePlace(keys::encode(*key));
  for (const auto& key : attachedKeysOf(row)) removePlace(keys::encode(key));
}

void LmdbRows::movePlaces(const JobRow& before, const JobRow& after) {
  const bool same = readyKeyOf(before) == readyKeyOf(after) && waitingKeyOf(before) == waitingKeyOf(after) &&
                    deadlineKeyOf(before) == deadlineKeyOf(after) && doneKeyOf(before) == doneKeyOf(after) &&
                    attachedKeysOf(before) == attachedKeysOf(after);
  if (same) return;
  removePlaces(before);
  addPlaces(after);
}

void LmdbRows::scanReady(const ReadyKey& from, const std::function<bool(const ReadyKey&, JobID)>& visit) {
  scanRows(txn_, environment_.index(), keys::encode(from).view(), [&](std::string_view key, std::string_view value) {
    const auto decoded = keys::decodeReady(key);
    return decoded && visit(*decoded, jobIDFrom(value));
  });
}
void LmdbRows::scanWaiting(const WaitingKey& from, const std::function<bool(const WaitingKey&)>& visit) {
  scanRows(txn_, environment_.index(), keys::encode(from).view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeWaiting(key);
    return decoded && visit(*decoded);
  });
}
void LmdbRows::scanAttached(const AttachedKey& from, const std::function<bool(const AttachedKey&)>& visit) {
  scanRows(txn_, environment_.index(), keys::encode(from).view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeAttached(key);
    return decoded && visit(*decoded);
  });
}
void LmdbRows::scanDeadlines(const DeadlineKey& from, const std::function<bool(const DeadlineKey&)>& visit) {
  scanRows(txn_, environment_.index(), keys::encode(from).view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeDeadline(key);
    return decoded && visit(*decoded);
  });
}
void LmdbRows::scanDone(const DoneKey& from, const std::function<bool(const DoneKey&)>& visit) {
  scanRows(txn_, environment_.index(), keys::encode(from).view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeDone(key);
    return decoded && visit(*decoded);
  });
}

std::optional<IncarnationRow> LmdbRows::incarnation(IncarnationID id) {
  const auto key = keys::incarnationKey(id);
  std::string_view value;
  if (!getRow(txn_, environment_.meta(), key.view(), value)) return std::nullopt;
  IncarnationRow row;
  decodeRecord(RecordType::incarnation, key.view(), value, row);
  row.id = id;
  return row;
}

bool LmdbRows::isOpen(IncarnationID id) {
  const auto known = isOpen_.find(id);
  if (known != isOpen_.end()) return known->second;
  const auto row = incarnation(id);
  return isOpen_[id] = row && row->isOpen();
}

void LmdbRows::putIncarnation(const IncarnationRow& row) {
  isOpen_[row.id] = row.isOpen();
  put(environment_.meta(), RecordType::incarnation, keys::incarnationKey(row.id).view(), row);
}
void LmdbRows::eraseIncarnation(IncarnationID id) {
  isOpen_.erase(id);
  deleteRow(txn_, environment_.meta(), keys::incarnationKey(id).view());
}

void LmdbRows::scanIncarnations(const std::function<bool(const IncarnationRow&)>& visit) {
  scanRows(txn_, environment_.meta(), keys::incarnationKey({}).view(),
           [&](std::string_view key, std::string_view value) {
             if (key.size() != 17 || key[0] != 'i') return false;
             IncarnationRow row;
             decodeRecord(RecordType::incarnation, key, value, row);
             std::memcpy(row.id.value.bytes.data(), key.data() + 1, 16);
             return visit(row);
           });
}

std::optional<KeyRow> LmdbRows::businessKey(std::string_view bytes) {
  const auto key = keys::businessKey(bytes);
  std::string_view value;
  if (!getRow(txn_, environment_.meta(), key.view(), value)) return std::nullopt;
  KeyRow row;
  decodeRecord(RecordType::businessKey, key.view(), value, row);
  return row;
}
void LmdbRows::putBusinessKey(std::string_view bytes, const KeyRow& row) {
  put(environment_.meta(), RecordType::businessKey, keys::businessKey(bytes).view(), row);
}
void LmdbRows::eraseBusinessKey(std::string_view bytes) {
  deleteRow(txn_, environment_.meta(), keys::businessKey(bytes).view());
}

Totals& LmdbRows::totals() {
  if (!totals_) {
    std::string_view value;
    if (getRow(txn_, environment_.meta(), keys::totalsKey(), value))
      decodeRecord(RecordType::totals, keys::totalsKey(), value, storedTotals_);
    totals_ = storedTotals_;
  }
  return *totals_;
}

void LmdbRows::finish() {
  if (totals_ && *totals_ != storedTotals_) put(environment_.meta(), RecordType::totals, keys::totalsKey(), *totals_);
}

}  // namespace v1
}  // namespace callsheet
