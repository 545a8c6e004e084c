// The definitions of kinds, what their limits count, and the settings of queues, among the rows of an LMDB store.
#include <set>

#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

using Region = keys::Region;

namespace {
std::optional<DefinitionRow> definitionFrom(std::string_view key, std::string_view value) {
  std::optional<DefinitionRow> row(std::in_place);
  try {
    decodeRecord(RecordType::definition, key, value, *row);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return std::nullopt;  // `check` names it
  }
  row->kind = keys::kindOf(key);
  return row;
}

std::optional<QueueRow> queueFrom(std::string_view key, std::string_view value) {
  std::optional<QueueRow> row(std::in_place);
  try {
    decodeRecord(RecordType::queue, key, value, *row);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    return std::nullopt;  // `check` names it
  }
  row->name = keys::queueOf(key);
  return row;
}
}  // namespace

const DefinitionRow* LmdbRows::definition(std::string_view kind) {
  if (!hasDefinitions_) {
    std::string_view key;
    const auto first = keys::definitionKey({});
    hasDefinitions_ = at(Region::definition).seek(first.view(), key) && keys::regionOf(key) == Region::definition;
  }
  if (!*hasDefinitions_) return nullptr;
  auto known = definitions_.find(kind);
  if (known == definitions_.end()) {
    const auto key = keys::definitionKey(kind);
    std::string_view value;
    std::optional<DefinitionRow> row;
    if (at(Region::definition).get(key.view(), value)) row = definitionFrom(key.view(), value);
    known = definitions_.emplace(kind, std::move(row)).first;
  }
  return known->second ? &*known->second : nullptr;
}

void LmdbRows::putDefinition(const DefinitionRow& row) {
  put(RecordType::definition, keys::definitionKey(row.kind).view(), row);
  hasDefinitions_ = true;
  definitions_.insert_or_assign(row.kind, row);
}

void LmdbRows::eraseDefinition(std::string_view kind) {
  const auto key = keys::definitionKey(kind);
  at(Region::definition).erase(key.view());
  const auto known = definitions_.find(kind);
  if (known != definitions_.end()) definitions_.erase(known);
  hasDefinitions_.reset();
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
  std::set<JobID> attached;
  scanAttached({}, [&](const AttachedKey& key) {
    attached.insert(key.id);
    return true;
  });
  std::uint32_t count = 0;
  for (const JobID id : attached) {
    try {
      const auto row = job(id);
      if (row && isRunning(*row) && row->kind == kind && row->lane == lane) ++count;
    } catch (const UnreadableRow&) {
      continue;
    }
  }
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
  if (!hasQueues_) {
    std::string_view key;
    const auto first = keys::queueKey({});
    hasQueues_ = at(Region::queue).seek(first.view(), key) && keys::regionOf(key) == Region::queue;
  }
  if (!*hasQueues_) return nullptr;
  auto known = queues_.find(name);
  if (known == queues_.end()) {
    const auto key = keys::queueKey(name);
    std::string_view value;
    std::optional<QueueRow> row;
    if (at(Region::queue).get(key.view(), value)) row = queueFrom(key.view(), value);
    known = queues_.emplace(name, std::move(row)).first;
  }
  return known->second ? &*known->second : nullptr;
}

void LmdbRows::putQueue(const QueueRow& row) {
  put(RecordType::queue, keys::queueKey(row.name).view(), row);
  hasQueues_ = true;
  queues_.insert_or_assign(row.name, row);
}

void LmdbRows::eraseQueue(std::string_view name) {
  const auto key = keys::queueKey(name);
  at(Region::queue).erase(key.view());
  const auto known = queues_.find(name);
  if (known != queues_.end()) queues_.erase(known);
  hasQueues_.reset();
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
