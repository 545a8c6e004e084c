// Schedules among the rows of an LMDB store.
#include "callsheet/limits.h"
#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

using Region = keys::Region;

namespace {
/// None of that name is stored, and no key would hold it.
bool isTooLong(std::string_view name) {
  return name.size() > limits::nameLengthMax;
}

std::string unreadable(std::string_view name, const Error& error) {
  return "schedule '" + std::string(name) + "': " + error.what();
}

ScheduleRow rowFrom(std::string_view key, std::string_view value) {
  ScheduleRow row;
  row.name = keys::scheduleOf(key);
  try {
    decodeRecord(RecordType::schedule, key, value, row);
  } catch (const Error& error) {
    throw Error(error.kind(), unreadable(row.name, error));
  }
  return row;
}
}  // namespace

std::optional<ScheduleRow> LmdbRows::schedule(std::string_view name) {
  if (isTooLong(name)) return std::nullopt;
  const auto key = keys::scheduleKey(name);
  std::string_view value;
  if (!at(key).get(key.view(), value)) return std::nullopt;
  return rowFrom(key.view(), value);
}

std::optional<Schedule> LmdbRows::settingsOf(std::string_view name) {
  if (isTooLong(name)) return std::nullopt;
  const auto key = keys::scheduleSettingsKey(name);
  std::string_view value;
  if (!at(key).get(key.view(), value)) return std::nullopt;
  Schedule settings;
  settings.name = name;
  try {
    decodeRecord(RecordType::scheduleSettings, key.view(), value, settings);
  } catch (const Error& error) {
    throw Error(error.kind(), unreadable(name, error));
  }
  return settings;
}

void LmdbRows::putSchedule(const std::optional<ScheduleRow>& before, const ScheduleRow& after) {
  const auto place = [](const ScheduleRow& row) { return keys::encode(DueKey{row.dueAt(), row.name}); };
  if (before && before->dueAt() != never && before->dueAt() != after.dueAt()) {
    removePlace(place(*before));
  }
  if (after.dueAt() != never && (!before || before->dueAt() != after.dueAt())) {
    addPlace(place(after));
  }
  put(RecordType::schedule, keys::scheduleKey(after.name).view(), after);
  if (!before && scheduleCount_) ++*scheduleCount_;
}

std::size_t LmdbRows::countSchedules() {
  if (!scheduleCount_) {
    std::size_t count = 0;
    const auto start = keys::scheduleKey({});
    at(start).scan(start.view(), [&](std::string_view key, std::string_view) {
      const bool isOne = keys::regionOf(key) == Region::schedule;
      count += isOne ? 1 : 0;
      return isOne;
    });
    scheduleCount_ = count;
  }
  return *scheduleCount_;
}

void LmdbRows::putSettings(const Schedule& settings) {
  put(RecordType::scheduleSettings, keys::scheduleSettingsKey(settings.name).view(), settings);
}

void LmdbRows::eraseSchedule(std::string_view name) {
  std::optional<DueKey> place;
  try {
    if (const auto row = schedule(name)) place = DueKey{row->dueAt(), row->name};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    scanDue([&](const DueKey& key) {
      if (key.name == name) place = key;
      return !place;
    });
  }
  if (place) removePlace(keys::encode(*place));
  at(Region::schedule).erase(keys::scheduleKey(name).view());
  scheduleCount_.reset();
  at(Region::scheduleSettings).erase(keys::scheduleSettingsKey(name).view());
}

void LmdbRows::scanSchedules(std::string_view from, const std::function<bool(const ScheduleRow&)>& visit) {
  const auto start = keys::scheduleKey(from.substr(0, limits::nameLengthMax + 1));
  at(start).scan(start.view(), [&](std::string_view key, std::string_view value) {
    if (keys::regionOf(key) != Region::schedule) return false;
    std::optional<ScheduleRow> row;
    try {
      row = rowFrom(key, value);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      return true;  // `check` names it
    }
    return visit(*row);
  });
}

void LmdbRows::scanDue(const std::function<bool(const DueKey&)>& visit) {
  const char region = static_cast<char>(Region::due);
  at(Region::due).scan({&region, 1}, [&](std::string_view key, std::string_view) {
    const auto decoded = keys::decodeDue(key);
    return decoded && visit(*decoded);
  });
}

void LmdbRows::putOccurrence(const OccurrenceKey& key) {
  addPlace(keys::encode(key));
}

void LmdbRows::eraseOccurrence(const OccurrenceKey& key) {
  removePlace(keys::encode(key));
}

void LmdbRows::scanOccurrences(const OccurrenceKey& from, const std::function<bool(const OccurrenceKey&)>& visit) {
  if (isTooLong(from.schedule)) return;
  OccurrenceKey start = from;
  if (start.job.isNil()) start.job.value.bytes.fill(0xFF);
  const auto encoded = keys::encode(start);
  LmdbCursor& cursor = at(encoded);
  std::string_view key;
  bool isThere = cursor.seek(encoded.view(), key);
  if (!isThere) isThere = cursor.last(key);
  while (isThere && key > encoded.view()) isThere = cursor.previous(key);
  for (; isThere; isThere = cursor.previous(key)) {
    const auto decoded = keys::decodeOccurrence(key);
    if (!decoded || decoded->schedule != from.schedule || !visit(*decoded)) return;
  }
}

}  // namespace v1
}  // namespace callsheet
