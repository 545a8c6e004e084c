// The definitions of kinds, what their limits count, and the settings of queues, among the rows of an LMDB store.
#include "callsheet/limits.h"
#include "core/running_jobs.h"
#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

using Region = keys::Region;

namespace {
/// Nothing for a record that cannot be read: `check` names it.
template <class Row>
std::optional<Row> settingsFrom(RecordType type, std::string_view key, std::string_view value) {
  std::optional<Row> row(std::in_place);
  try {
    decodeRecord(type, key, value, *row);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return std::nullopt;
  }
  return row;
}

std::optional<DefinitionRow> definitionFrom(std::string_view key, std::string_view value) {
  auto row = settingsFrom<DefinitionRow>(RecordType::definition, key, value);
  if (row) row->kind = keys::kindOf(key);
  return row;
}

std::optional<QueueRow> queueFrom(std::string_view key, std::string_view value) {
  auto row = settingsFrom<QueueRow>(RecordType::queue, key, value);
  if (row) row->name = keys::queueOf(key);
  return row;
}
}  // namespace

template <class Row, class KeyOf, class From>
const Row* LmdbRows::lookUp(Settings<Row>& settings, std::string_view name, KeyOf keyOf, From from) {
  if (name.size() > limits::kindLengthMax) return nullptr;  // none is stored, and no key would hold it
  if (!settings.areAny) {
    const keys::Key start = keyOf({});
    const Region region = keys::regionOf(start.view());
    std::string_view first;
    settings.areAny = at(region).seek(start.view(), first) && keys::regionOf(first) == region;
  }
  if (!*settings.areAny) return nullptr;
  auto known = settings.known.find(name);
  if (known == settings.known.end()) {
    const keys::Key key = keyOf(name);
    std::string_view value;
    std::optional<Row> row;
    if (at(key).get(key.view(), value)) row = from(key.view(), value);
    known = settings.known.emplace(name, std::move(row)).first;
  }
  return known->second ? &*known->second : nullptr;
}

template <class Row>
void LmdbRows::Settings<Row>::put(const std::string& name, const Row& row) {
  areAny = true;
  known.insert_or_assign(name, row);
}

template <class Row>
void LmdbRows::Settings<Row>::erase(std::string_view name) {
  const auto found = known.find(name);
  if (found != known.end()) known.erase(found);
  areAny.reset();
}

const DefinitionRow* LmdbRows::definition(std::string_view kind) {
  return lookUp(definitions_, kind, keys::definitionKey, definitionFrom);
}

void LmdbRows::putDefinition(const DefinitionRow& row) {
  put(RecordType::definition, keys::definitionKey(row.kind).view(), row);
  definitions_.put(row.kind, row);
}

void LmdbRows::eraseDefinition(std::string_view kind) {
  at(Region::definition).erase(keys::definitionKey(kind).view());
  definitions_.erase(kind);
}

void LmdbRows::scanDefinitions(const std::function<bool(const DefinitionRow&)>& visit) {
  const auto start = keys::definitionKey({});
  at(start).scan(start.view(), [&](std::string_view key, std::string_view value) {
    if (keys::regionOf(key) != Region::definition) return false;
    const auto row = definitionFrom(key, value);
    return !row || visit(*row);
  });
}

LaneRow LmdbRows::lane(std::string_view kind, std::uint64_t lane) {
  const auto key = keys::laneKey(kind, lane);
  std::string_view value;
  LaneRow row;
  if (!at(key).get(key.view(), value)) return row;
  try {
    decodeRecord(RecordType::lane, key.view(), value, row);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    // The next write of it heals it. Until then the first count stands: it was made before a row moved.
    const auto known = recounted_.find({std::string(kind), lane});
    if (known != recounted_.end()) return known->second;
    row = LaneRow{};
    if (lane != 0) row.running = countRunning(kind, lane);
    recounted_[{std::string(kind), lane}] = row;
  }
  return row;
}

std::uint32_t LmdbRows::countRunning(std::string_view kind, std::uint64_t lane) {
  std::uint32_t count = 0;
  forEachRunning(*this, [&](const JobRow& row) { count += row.kind == kind && row.lane == lane ? 1 : 0; });
  return count;
}

void LmdbRows::putLane(std::string_view kind, std::uint64_t lane, const LaneRow& row) {
  const auto key = keys::laneKey(kind, lane);
  recounted_.erase({std::string(kind), lane});
  if (row == LaneRow{})
    at(key).erase(key.view());
  else
    put(RecordType::lane, key.view(), row);
}

void LmdbRows::scanLanes(const std::function<bool(const std::string& kind, std::uint64_t lane)>& visit) {
  const auto start = keys::laneKey({}, 0);
  at(start).scan(start.view().substr(0, 1), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeLane(key);
    return decoded && visit(decoded->kind, decoded->lane);
  });
}

const QueueRow* LmdbRows::queue(std::string_view name) {
  return lookUp(queues_, name, keys::queueKey, queueFrom);
}

void LmdbRows::putQueue(const QueueRow& row) {
  put(RecordType::queue, keys::queueKey(row.name).view(), row);
  queues_.put(row.name, row);
}

void LmdbRows::eraseQueue(std::string_view name) {
  at(Region::queue).erase(keys::queueKey(name).view());
  queues_.erase(name);
}

void LmdbRows::scanQueues(const std::function<bool(const QueueRow&)>& visit) {
  const auto start = keys::queueKey({});
  at(start).scan(start.view(), [&](std::string_view key, std::string_view value) {
    if (keys::regionOf(key) != Region::queue) return false;
    const auto row = queueFrom(key, value);
    return !row || visit(*row);
  });
}

void LmdbRows::putOpenLane(const OpenLaneKey& key) {
  addPlace(keys::encode(key));
}
void LmdbRows::eraseOpenLane(const OpenLaneKey& key) {
  removePlace(keys::encode(key));
}
void LmdbRows::scanOpenLanes(const OpenLaneKey& from, const std::function<bool(const OpenLaneKey&)>& visit) {
  const auto start = keys::encode(from);
  at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeOpenLane(key);
    return decoded && visit(*decoded);
  });
}

}  // namespace v1
}  // namespace callsheet
