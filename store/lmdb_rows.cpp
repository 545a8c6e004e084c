#include "store/lmdb_rows.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

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

namespace {
using Region = keys::Region;
// In the order in which a transaction carries out what it kept back. It decides which pages lie side by side, and was
// found by trying: this one needs the fewest writes of the disk, which the bench counts. Ready comes first because what
// leaves it frees pages that the others take.
constexpr std::array regions{Region::job,
                             Region::ready,
                             Region::done,
                             Region::attached,
                             Region::part,
                             Region::waiting,
                             Region::deadline,
                             Region::shortID,
                             Region::businessKey,
                             Region::unreadable,
                             Region::definition,
                             Region::lane,
                             Region::openLane,
                             Region::queue,
                             Region::dependency,
                             Region::occurrence,
                             Region::due,
                             Region::schedule,
                             Region::scheduleSettings,
                             Region::incarnation,
                             Region::meta};

constexpr auto indexOfRegion = [] {
  std::array<std::uint8_t, 128> indexes{};
  for (auto& index : indexes) index = regions.size();
  for (std::size_t i = 0; i < regions.size(); ++i) indexes[static_cast<std::uint8_t>(regions[i])] = i;
  return indexes;
}();

template <std::size_t... index>
std::array<LmdbCursor, sizeof...(index)> makeCursors(MDB_txn* txn, const LmdbEnvironment& environment,
                                                     std::index_sequence<index...>) {
  return {LmdbCursor(txn, environment.tree(regions[index]))...};
}
}  // namespace

LmdbRows::LmdbRows(const LmdbEnvironment& environment, MDB_txn* txn)
    : cursors_(makeCursors(txn, environment, std::make_index_sequence<regions.size()>())) {}

std::size_t LmdbRows::indexOf(Region region) {
  const auto byte = static_cast<std::uint8_t>(region);
  const std::size_t index = byte < indexOfRegion.size() ? indexOfRegion[byte] : regions.size();
  if (index == regions.size()) std::abort();
  return index;
}

LmdbCursor& LmdbRows::at(Region region) {
  if (region == Region::job) lastRead_ = JobID{};  // who has the cursor may move it
  const std::size_t index = indexOf(region);
  if (!pending_[index].isEmpty()) pending_[index].carryOut(cursors_[index]);
  return cursors_[index];
}

void LmdbRows::carryOut() {
  for (const Region region : regions) (void)at(region);
}

std::optional<JobRow> LmdbRows::job(JobID id) {
  const auto key = keys::jobKey(id, JobPart::row);
  std::string_view value;
  std::optional<JobRow> row;
  const bool isThere = at(Region::job).get(key.view(), value);
  lastRead_ = isThere ? id : JobID{};
  if (!isThere) return row;
  row.emplace();
  try {
    decodeRecord(RecordType::jobRow, key.view(), value, *row);
  } catch (const Error& error) {
    throw UnreadableRow(id, "job " + id.toString() + ": " + error.what());
  }
  row->id = id;
  return row;
}

std::optional<JobBody> LmdbRows::body(JobID id) {
  const auto key = keys::jobKey(id, JobPart::body);
  std::string_view value;
  std::optional<JobBody> body;
  if (!at(key).get(key.view(), value)) return body;
  body.emplace();
  try {
    decodeRecord(RecordType::jobBody, key.view(), value, *body);
  } catch (const Error& error) {
    throw UnreadableRow(id, "job " + id.toString() + ": " + error.what());
  }
  return body;
}

namespace {
MemoRow memoFrom(std::string_view key, std::string_view value) {
  MemoRow row;
  try {
    decodeRecord(RecordType::memo, key, value, row);
  } catch (const Error& error) {
    const JobID id = keys::jobIDOf(key);
    throw UnreadableRow(id, "job " + id.toString() + ": what it remembers of a step: " + error.what());
  }
  row.id = keys::fingerprintOf(key);
  return row;
}
}  // namespace

std::optional<ResultRow> LmdbRows::result(JobID id) {
  const auto key = keys::jobKey(id, JobPart::result);
  std::string_view value;
  if (!at(key).get(key.view(), value)) return std::nullopt;
  ResultRow result;
  decodeRecord(RecordType::jobResult, key.view(), value, result);
  return result;
}

std::vector<LogEntry> LmdbRows::log(JobID id, std::uint32_t from, std::size_t limit) {
  std::vector<LogEntry> entries;
  const auto prefix = keys::jobKey(id, JobPart::log);
  at(prefix).scan(keys::logKey(id, from).view(), [&](std::string_view key, std::string_view value) {
    if (entries.size() >= limit || !key.starts_with(prefix.view()) || key.size() != prefix.view().size() + 4)
      return false;
    LogEntry entry;
    decodeRecord(RecordType::logEntry, key, value, entry);
    for (std::size_t i = 0; i < 4; ++i)
      entry.index = entry.index << 8 | static_cast<std::uint8_t>(key[prefix.view().size() + i]);
    entries.push_back(std::move(entry));
    return true;
  });
  return entries;
}

void LmdbRows::putRowOf(const JobRow& row) {
  const auto key = keys::jobKey(row.id, JobPart::row);
  encodeRecord(RecordType::jobRow, key.view(), row, buffer_);
  // Rows are read, changed and written one after the other, and no other cursor is in their tree.
  const bool isStillThere = lastRead_ == row.id;
  LmdbCursor& cursor = at(Region::job);
  if (isStillThere)
    cursor.putBack(key.view(), buffer_);
  else
    cursor.put(key.view(), buffer_);
}

void LmdbRows::insertJob(const JobRow& row, const JobBody& body) {
  putRowOf(row);
  put(RecordType::jobBody, keys::jobKey(row.id, JobPart::body).view(), body);
  if (!carriesItsTime(row.id)) addPlace(keys::shortIDKey(row.id));
  addPlaces(row);
  totals().add(row);
}

void LmdbRows::updateJob(const JobFacts& before, const JobRow& after) {
  putRowOf(after);
  if (!standsAsBefore(before, after)) {
    removePlaces(before, after);
    addPlaces(after);
  }
  totals().remove(before);
  totals().add(after);
}

void LmdbRows::eraseJob(const JobRow& row) {
  for (const auto part : {JobPart::row, JobPart::body, JobPart::result}) {
    const auto key = keys::jobKey(row.id, part);
    at(key).erase(key.view());
  }
  for (std::uint32_t i = row.firstLogIndex(); i < row.spilledLogCount(); ++i) eraseLog(row.id, i);
  if (row.memoCount > 0) eraseMemos(row.id);
  if (!carriesItsTime(row.id)) removePlace(keys::shortIDKey(row.id));
  removePlaces(row, row);
  totals().remove(row);
}

void LmdbRows::putResult(JobID id, const ResultRow& result) {
  put(RecordType::jobResult, keys::jobKey(id, JobPart::result).view(), result);
}

void LmdbRows::putLog(JobID id, const LogEntry& entry) {
  put(RecordType::logEntry, keys::logKey(id, entry.index).view(), entry);
}

void LmdbRows::eraseLog(JobID id, std::uint32_t index) {
  at(Region::part).erase(keys::logKey(id, index).view());
}

std::optional<MemoRow> LmdbRows::memo(JobID id, Fingerprint memo) {
  const auto key = keys::memoKey(id, memo);
  std::string_view value;
  if (!at(key).get(key.view(), value)) return std::nullopt;
  return memoFrom(key.view(), value);
}

void LmdbRows::putMemo(JobID id, const MemoRow& row) {
  put(RecordType::memo, keys::memoKey(id, row.id).view(), row);
}

void LmdbRows::scanMemos(JobID id, Fingerprint from, const std::function<bool(const MemoRow&)>& visit) {
  const auto prefix = keys::jobKey(id, JobPart::memo);
  const auto start = keys::memoKey(id, from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view value) {
    return key.starts_with(prefix.view()) && visit(memoFrom(key, value));
  });
}

std::vector<Fingerprint> LmdbRows::memoIDs(JobID id) {
  const auto prefix = keys::jobKey(id, JobPart::memo);
  std::vector<Fingerprint> found;
  at(prefix).scan(prefix.view(), [&](std::string_view key, std::string_view) {
    const bool isOurs = key.starts_with(prefix.view());
    if (isOurs) found.push_back(keys::fingerprintOf(key));
    return isOurs;
  });
  return found;
}

void LmdbRows::eraseMemos(JobID id) {
  for (const Fingerprint memo : memoIDs(id)) at(Region::part).erase(keys::memoKey(id, memo).view());
}

void LmdbRows::setAside(const PlaceKey& place, JobID id) {
  std::visit([&](const auto& key) { removePlace(keys::encode(key)); }, place);
  addPlace(keys::unreadableKey(id));
}

namespace {
template <class Visit>
void forEachPlaceButReady(const JobFacts& facts, const Visit& visit) {
  if (const auto key = waitingKeyOf(facts)) visit(*key);
  if (const auto key = deadlineKeyOf(facts)) visit(*key);
  if (const auto key = doneKeyOf(facts)) visit(*key);
  for (const auto& key : attachedKeysOf(facts)) visit(key);
}
}  // namespace

void LmdbRows::addPlace(const keys::Key& key, std::string_view value) {
  pending_[indexOf(keys::regionOf(key.view()))].put(key.view(), value);
}
void LmdbRows::removePlace(const keys::Key& key) {
  pending_[indexOf(keys::regionOf(key.view()))].erase(key.view());
}

void LmdbRows::addPlaces(const JobRow& row) {
  if (const auto key = readyKeyOf(row, row)) return addPlace(keys::encode(*key), bytesOf(row.id));
  forEachPlaceButReady(row, [&](const auto& key) { addPlace(keys::encode(key)); });
}

void LmdbRows::removePlaces(const JobFacts& facts, const JobRow& today) {
  if (const auto key = readyKeyOf(facts, today)) return removePlace(keys::encode(*key));
  forEachPlaceButReady(facts, [&](const auto& key) { removePlace(keys::encode(key)); });
}

void LmdbRows::scanReady(const ReadyKey& from, const std::function<bool(const ReadyKey&, JobID)>& visit) {
  const auto start = keys::encode(from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view value) {
    const auto decoded = keys::decodeReady(key);
    return decoded && visit(*decoded, jobIDFrom(value));
  });
}
void LmdbRows::scanWaiting(const WaitingKey& from, const std::function<bool(const WaitingKey&)>& visit) {
  const auto start = keys::encode(from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeWaiting(key);
    return decoded && visit(*decoded);
  });
}
void LmdbRows::scanAttached(const AttachedKey& from, const std::function<bool(const AttachedKey&)>& visit) {
  const auto start = keys::encode(from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeAttached(key);
    return decoded && visit(*decoded);
  });
}
void LmdbRows::scanDeadlines(const DeadlineKey& from, const std::function<bool(const DeadlineKey&)>& visit) {
  const auto start = keys::encode(from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeDeadline(key);
    return decoded && visit(*decoded);
  });
}
void LmdbRows::scanDone(const DoneKey& from, const std::function<bool(const DoneKey&)>& visit) {
  const auto start = keys::encode(from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeDone(key);
    return decoded && visit(*decoded);
  });
}

void LmdbRows::putDependency(const DependencyKey& key) {
  addPlace(keys::encode(key));
}
void LmdbRows::eraseDependency(const DependencyKey& key) {
  removePlace(keys::encode(key));
}
void LmdbRows::scanDependencies(const DependencyKey& from, const std::function<bool(const DependencyKey&)>& visit) {
  const auto start = keys::encode(from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeDependency(key);
    return decoded && visit(*decoded);
  });
}

namespace {
IncarnationRow incarnationFrom(IncarnationID id, std::string_view key, std::string_view value) {
  IncarnationRow row;
  try {
    decodeRecord(RecordType::incarnation, key, value, row);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    row = IncarnationRow{};
    row.closing = Closing::hung;  // says nothing about its jobs
    row.isUnreadable = true;
  }
  row.id = id;
  return row;
}
}  // namespace

std::optional<IncarnationRow> LmdbRows::incarnation(IncarnationID id) {
  const auto key = keys::incarnationKey(id);
  std::string_view value;
  if (!at(key).get(key.view(), value)) return std::nullopt;
  return incarnationFrom(id, key.view(), value);
}

bool LmdbRows::isOpen(IncarnationID id) {
  const auto known = isOpen_.find(id);
  if (known != isOpen_.end()) return known->second;
  const auto row = incarnation(id);
  return isOpen_[id] = row && row->isOpen();
}

void LmdbRows::putIncarnation(const IncarnationRow& row) {
  isOpen_[row.id] = row.isOpen();
  put(RecordType::incarnation, keys::incarnationKey(row.id).view(), row);
}
void LmdbRows::eraseIncarnation(IncarnationID id) {
  isOpen_.erase(id);
  at(Region::incarnation).erase(keys::incarnationKey(id).view());
}

void LmdbRows::scanIncarnations(const std::function<bool(const IncarnationRow&)>& visit) {
  const auto start = keys::incarnationKey({});
  at(start).scan(start.view(), [&](std::string_view key, std::string_view value) {
    if (key.size() != 17 || keys::regionOf(key) != Region::incarnation) return false;
    IncarnationID id;
    std::memcpy(id.value.bytes.data(), key.data() + 1, 16);
    return visit(incarnationFrom(id, key, value));
  });
}

std::optional<KeyRow> LmdbRows::businessKey(std::string_view bytes) {
  const auto key = keys::businessKey(bytes);
  std::string_view value;
  if (!at(key).get(key.view(), value)) return std::nullopt;
  KeyRow row;
  decodeRecord(RecordType::businessKey, key.view(), value, row);
  return row;
}
void LmdbRows::putBusinessKey(std::string_view bytes, const KeyRow& row) {
  put(RecordType::businessKey, keys::businessKey(bytes).view(), row);
}
void LmdbRows::eraseBusinessKey(std::string_view bytes) {
  at(Region::businessKey).erase(keys::businessKey(bytes).view());
}

Totals& LmdbRows::totals() {
  if (totals_) return *totals_;
  std::string_view value;
  try {
    if (at(Region::meta).get(keys::totalsKey(), value))
      decodeRecord(RecordType::totals, keys::totalsKey(), value, storedTotals_);
    totals_ = storedTotals_;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    storedTotals_ = Totals{};  // differs from what is counted, so that it is written
    totals_ = countTotals();
  }
  return *totals_;
}

Totals LmdbRows::countTotals() {
  Totals counted;
  const auto start = keys::jobKey({}, JobPart::row);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view value) {
    ++counted.submitted;
    try {
      JobRow row;
      decodeRecord(RecordType::jobRow, key, value, row);
      counted.add(row);
      counted.sequence = std::max({counted.sequence, row.sequence, row.version});
    } catch (const Error&) {
      ++counted.ready;  // where it stood is not known; it counts as a job
    }
    return true;
  });
  scanIncarnations([&](const IncarnationRow& row) {
    if (!row.isOpen()) ++counted.closures;
    return true;
  });
  ++counted.closures;  // so that it moves, and everybody looks
  return counted;
}

void LmdbRows::finish() {
  if (totals_ && *totals_ != storedTotals_) put(RecordType::totals, keys::totalsKey(), *totals_);
  carryOut();
}

}  // namespace v1
}  // namespace callsheet
