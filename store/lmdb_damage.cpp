// What the rows do with a job of which something cannot be read.
#include <algorithm>

#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

using keys::JobPart;
using keys::Region;

namespace {

/// Why the record cannot be read; empty when it can.
template <class Body>
std::string damageOf(RecordType type, std::string_view key, std::string_view value, Body&& body) {
  try {
    decodeRecord(type, key, value, body);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

StoredRecord recordFrom(std::string_view key, std::string_view value) {
  const std::string bytes(value);
  switch (keys::partOf(key)) {
    case JobPart::row:
      return {"row", bytes, damageOf(RecordType::jobRow, key, value, JobRow{})};
    case JobPart::body:
      return {"body", bytes, damageOf(RecordType::jobBody, key, value, JobBody{})};
    case JobPart::result:
      return {"result", bytes, damageOf(RecordType::jobResult, key, value, ResultRow{})};
    case JobPart::memo:
      return {"step " + keys::fingerprintOf(key).toString(), bytes, damageOf(RecordType::memo, key, value, MemoRow{})};
    case JobPart::log:
      break;
  }
  std::uint32_t index = 0;
  for (const char c : key.substr(std::min<std::size_t>(key.size(), 18)))
    index = index << 8 | static_cast<std::uint8_t>(c);
  return {"log entry " + std::to_string(index), bytes, damageOf(RecordType::logEntry, key, value, LogEntry{})};
}

/// Whether a row of the orders, or a business key, is about the job. That the ready ones name it in their value and all
/// others at the end of their key is all that need be known of them.
bool isAbout(JobID id, std::string_view key, std::string_view value) {
  const std::string_view name{reinterpret_cast<const char*>(id.value.bytes.data()), id.value.bytes.size()};
  switch (keys::regionOf(key)) {
    case Region::ready:
      return value == name;
    case Region::attached:
    case Region::deadline:
    case Region::waiting:
    case Region::done:
    case Region::shortID:
    case Region::dependency:
    case Region::occurrence:
    case Region::unreadable:
      return key.ends_with(name);
    case Region::businessKey: {
      KeyRow row;
      return damageOf(RecordType::businessKey, key, value, row).empty() && row.job == id;
    }
    default:
      return false;
  }
}

}  // namespace

std::vector<StoredRecord> LmdbRows::records(JobID id) {
  std::vector<StoredRecord> all;
  const auto row = keys::jobKey(id, JobPart::row);
  std::string_view value;
  if (at(row).get(row.view(), value)) all.push_back(recordFrom(row.view(), value));
  const auto first = keys::jobKey(id, JobPart::body);
  at(first).scan(first.view(), [&](std::string_view key, std::string_view bytes) {
    const bool isOurs = keys::jobIDOf(key) == id;
    if (isOurs) all.push_back(recordFrom(key, bytes));
    return isOurs;
  });
  return all;
}

bool LmdbRows::isDamaged(JobID id) {
  const auto all = records(id);
  return std::none_of(all.begin(), all.end(), [](const auto& one) { return one.name == "body"; }) ||
         std::any_of(all.begin(), all.end(), [](const auto& one) { return !one.damage.empty(); });
}

void LmdbRows::eraseDamaged(JobID id) {
  std::vector<std::string> gone{std::string(keys::jobKey(id, JobPart::row).view())};
  const auto first = keys::jobKey(id, JobPart::body);
  at(first).scan(first.view(), [&](std::string_view key, std::string_view) {
    const bool isOurs = keys::jobIDOf(key) == id;
    if (isOurs) gone.emplace_back(key);
    return isOurs;
  });
  // All regions but those of jobs and their parts share one tree.
  carryOut();
  at(Region::attached).scan({}, [&](std::string_view key, std::string_view value) {
    if (isAbout(id, key, value)) gone.emplace_back(key);
    return true;
  });
  for (const std::string& key : gone) at(keys::regionOf(key)).erase(key);
  Totals& kept = totals();
  Totals counted = countTotals();
  counted.sequence = kept.sequence;
  counted.submitted = kept.submitted;
  counted.closures = kept.closures;
  kept = counted;
}

}  // namespace v1
}  // namespace callsheet
