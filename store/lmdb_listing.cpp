#include "store/lmdb_listing.h"

#include <algorithm>
#include <cstring>

#include "callsheet/limits.h"
#include "store/job_lookup.h"
#include "store/lmdb_error.h"
#include "store/lmdb_rows.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t rowsLookedAtMax = 20'000;

/// Steps from job to job, over the other rows of each.
class JobCursor {
 public:
  JobCursor(MDB_txn* txn, MDB_dbi table) { checkLmdb(mdb_cursor_open(txn, table, &cursor_), "open a cursor"); }
  ~JobCursor() { mdb_cursor_close(cursor_); }
  JobCursor(const JobCursor&) = delete;
  JobCursor& operator=(const JobCursor&) = delete;

  /// The first job behind `after`, or the first of all.
  std::optional<JobID> forward(const std::optional<JobID>& after) {
    if (!after) return at(MDB_FIRST, {});
    // No part of a job is 0xFF, so this key lies behind all of them.
    keys::Key key;
    key.add(after->value);
    key.add(std::uint8_t{0xFF});
    return at(MDB_SET_RANGE, key.view());
  }
  /// The last job before `before`, or the last of all.
  std::optional<JobID> backward(const std::optional<JobID>& before) {
    if (!before) return at(MDB_LAST, {});
    keys::Key key;
    key.add(before->value);
    if (!at(MDB_SET_RANGE, key.view())) return at(MDB_LAST, {});
    return at(MDB_PREV, {});
  }

 private:
  std::optional<JobID> at(MDB_cursor_op operation, std::string_view from) {
    MDB_val key{from.size(), const_cast<char*>(from.data())};
    MDB_val value{};
    const int code = mdb_cursor_get(cursor_, &key, &value, operation);
    if (code == MDB_NOTFOUND) return std::nullopt;
    checkLmdb(code, "walk the jobs");
    return keys::jobIDOf({static_cast<const char*>(key.mv_data), key.mv_size});
  }
  MDB_cursor* cursor_ = nullptr;
};

std::vector<IncarnationRow> incarnationsOf(LmdbRows& rows) {
  std::vector<IncarnationRow> all;
  rows.scanIncarnations([&](const IncarnationRow& row) {
    all.push_back(row);
    return true;
  });
  return all;
}

}  // namespace

JobPage listJobs(const LmdbEnvironment& environment, MDB_txn* txn, const JobFilter& filter,
                 const std::string& pageToken, std::size_t limit) {
  JobPage page;
  limit = std::clamp<std::size_t>(limit, 1, limits::pageRowsMax);
  LmdbRows rows(environment, txn);
  const auto incarnations = filter.unclaimable ? incarnationsOf(rows) : std::vector<IncarnationRow>{};
  JobCursor cursor(txn, environment.jobs());
  auto position = lookup::positionOf(pageToken);
  for (std::size_t looked = 0;; ++looked) {
    const auto id = filter.newestFirst ? cursor.backward(position) : cursor.forward(position);
    if (!id) return page;
    if (looked == rowsLookedAtMax) {
      page.next = lookup::tokenOf(*position);
      return page;
    }
    try {
      const auto row = rows.job(*id);
      auto body = rows.body(*id);
      if (row && body && matches(filter, *row, *body, incarnations)) {
        if (page.jobs.size() == limit) {
          page.next = lookup::tokenOf(page.jobs.back().row.id);
          return page;
        }
        page.jobs.push_back({*row, std::move(*body), std::nullopt});
      }
    } catch (const UnreadableRow& unreadable) {
      page.unreadable.push_back(unreadable.id());
    }
    position = id;
  }
}

std::vector<JobID> resolveJobs(const LmdbEnvironment& environment, MDB_txn* txn, std::string_view text,
                               std::size_t limit) {
  std::vector<JobID> found;
  const auto digits = lookup::hexDigitsOf(text);
  if (!digits) return found;
  // The smallest id that begins with the digits; from there on all that do stand together, in both orders.
  std::string padded = *digits;
  padded.resize(32, '0');
  const JobID smallest = *JobID::parse(padded);
  JobCursor cursor(txn, environment.jobs());
  LmdbRows rows(environment, txn);
  std::optional<JobID> id;
  std::string_view row;
  if (limit > 0 && getRow(txn, environment.jobs(), keys::jobKey(smallest, keys::JobPart::row).view(), row))
    found.push_back(smallest);
  for (id = cursor.forward(smallest);
       id && found.size() < limit && lookup::hexDigitsOf(id->toString())->starts_with(*digits); id = cursor.forward(id))
    found.push_back(*id);
  if (digits->size() > 8) return found;
  std::string shortPadded = *digits;
  shortPadded.resize(8, '0');
  JobID from;
  std::memcpy(from.value.bytes.data() + 12, JobID::parse(shortPadded + std::string(24, '0'))->value.bytes.data(), 4);
  const auto shortFrom = keys::shortIDKey(from);
  scanRows(txn, environment.index(), shortFrom.view().substr(0, 5), [&](std::string_view key, std::string_view) {
    if (found.size() >= limit || key.size() != 21 || key[0] != shortFrom.view()[0]) return false;
    const JobID job = keys::jobIDOf(key.substr(5));
    if (!lookup::means(text, job)) return false;
    if (std::find(found.begin(), found.end(), job) == found.end()) found.push_back(job);
    return true;
  });
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<LogEntry> readJobLog(const LmdbEnvironment& environment, MDB_txn* txn, JobID id, std::uint32_t from,
                                 std::size_t limit) {
  std::vector<LogEntry> entries;
  scanRows(txn, environment.jobs(), keys::logKey(id, from).view(), [&](std::string_view key, std::string_view value) {
    const auto prefix = keys::jobKey(id, keys::JobPart::log);
    if (entries.size() >= limit || !key.starts_with(prefix.view()) || key.size() != prefix.view().size() + 4)
      return false;
    LogEntry entry;
    decodeRecord(RecordType::logEntry, key, value, entry);
    for (std::size_t i = 0; i < 4; ++i)
      entry.index = entry.index << 8 | static_cast<std::uint8_t>(key[prefix.view().size() + i]);
    entries.push_back(std::move(entry));
    return true;
  });
  // The latest stand in the job's row.
  if (const auto row = LmdbRows(environment, txn).job(id)) lookup::addRecentLog(*row, from, limit, entries);
  return entries;
}

}  // namespace v1
}  // namespace callsheet
