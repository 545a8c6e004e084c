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

/// Steps from job to job.
class JobSteps {
 public:
  JobSteps(MDB_txn* txn, const LmdbEnvironment& environment) : cursor_(txn, environment.tree(keys::Region::job)) {}

  /// The first job behind `after`, or the first of all.
  std::optional<JobID> forward(const std::optional<JobID>& after) {
    keys::Key from = keys::jobKey(after.value_or(JobID{}), keys::JobPart::row);
    if (after) from.add(std::uint8_t{0});
    std::string_view key;
    return jobAt(cursor_.seek(from.view(), key), key);
  }
  /// The first job made not before a time, in UTC us.
  std::optional<JobID> since(std::uint64_t utcMicros) {
    JobID from = detail::jobIDAt(utcMicros, 0);
    std::fill(from.value.bytes.begin() + 6, from.value.bytes.end(), std::uint8_t{0});
    std::string_view key;
    return jobAt(cursor_.seek(keys::jobKey(from, keys::JobPart::row).view(), key), key);
  }
  /// The last job before `before`, or the last of all.
  std::optional<JobID> backward(const std::optional<JobID>& before) {
    JobID last;
    last.value.bytes.fill(0xFF);
    keys::Key from = keys::jobKey(before.value_or(last), keys::JobPart::row);
    if (!before) from.add(std::uint8_t{0});
    std::string_view key;
    return jobAt(cursor_.seek(from.view(), key) ? cursor_.previous(key) : cursor_.last(key), key);
  }

 private:
  static std::optional<JobID> jobAt(bool found, std::string_view key) {
    if (!found || keys::regionOf(key) != keys::Region::job) return std::nullopt;
    return keys::jobIDOf(key);
  }
  LmdbCursor cursor_;
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
  JobSteps steps(txn, environment);
  auto position = lookup::positionOf(pageToken);
  for (std::size_t looked = 0;; ++looked) {
    const auto id = filter.newestFirst ? steps.backward(position) : steps.forward(position);
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

namespace {

/// Adds jobs whose short id begins with the digits, until `found` has `limit`.
///
/// An id that carries its time has as its short id the microsecond at which it was made, modulo 2^32. So those meant
/// were made in one stretch of each 71.6 minutes, and the walk goes from stretch to stretch.
void addByTime(JobSteps& steps, const std::string& digits, std::size_t limit, std::vector<JobID>& found) {
  constexpr std::uint64_t period = std::uint64_t{1} << 32;
  const std::uint64_t unit = std::uint64_t{1} << (4 * (8 - digits.size()));
  const std::uint64_t first = std::stoull(digits, nullptr, 16) * unit;
  const std::uint64_t last = first + unit - 1;
  auto id = steps.forward(std::nullopt);
  while (id && found.size() < limit) {
    if (carriesItsTime(*id) && shortIDOf(*id).starts_with(digits)) found.push_back(*id);
    const std::uint64_t at = detail::millisecondOf(*id);
    const std::uint64_t phase = at % period;
    const auto next = steps.forward(id);
    if (phase + 999 >= first && phase <= last) {
      id = next;
    } else {
      const auto later = steps.since(at - phase + first + (phase > last ? period : 0));
      id = later && *later > *id ? later : next;
    }
  }
}

/// Those whose ids do not carry their time stand in an order of their own.
void addByShortID(LmdbRows& rows, const std::string& digits, std::size_t limit, std::vector<JobID>& found) {
  std::string padded = digits;
  padded.resize(8, '0');
  JobID from;
  std::memcpy(from.value.bytes.data() + 12, JobID::parse(padded + std::string(24, '0'))->value.bytes.data(), 4);
  const auto start = keys::shortIDKey(from);
  rows.at(start).scan(start.view().substr(0, 5), [&](std::string_view key, std::string_view) {
    if (found.size() >= limit || key.size() != 21 || keys::regionOf(key) != keys::Region::shortID) return false;
    const JobID job = keys::jobIDOf(key.substr(4));
    if (!shortIDOf(job).starts_with(digits)) return false;
    found.push_back(job);
    return true;
  });
}

}  // namespace

std::vector<JobID> resolveJobs(const LmdbEnvironment& environment, MDB_txn* txn, std::string_view text,
                               std::size_t limit) {
  std::vector<JobID> found;
  const auto digits = lookup::hexDigitsOf(text);
  if (!digits) return found;
  JobSteps steps(txn, environment);
  LmdbRows rows(environment, txn);
  // The smallest id that begins with the digits; from there on all that do stand together.
  std::string padded = *digits;
  padded.resize(32, '0');
  const JobID smallest = *JobID::parse(padded);
  std::string_view row;
  if (limit > 0 && rows.at(keys::Region::job).get(keys::jobKey(smallest, keys::JobPart::row).view(), row))
    found.push_back(smallest);
  for (auto id = steps.forward(smallest);
       id && found.size() < limit && lookup::hexDigitsOf(id->toString())->starts_with(*digits); id = steps.forward(id))
    found.push_back(*id);
  if (digits->size() <= 8 && found.size() < limit) {
    addByTime(steps, *digits, limit, found);
    addByShortID(rows, *digits, limit, found);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<LogEntry> readJobLog(const LmdbEnvironment& environment, MDB_txn* txn, JobID id, std::uint32_t from,
                                 std::size_t limit) {
  LmdbRows rows(environment, txn);
  std::vector<LogEntry> entries = rows.log(id, from, limit);
  // The latest stand in the job's row.
  if (const auto row = rows.job(id)) lookup::addRecentLog(*row, from, limit, entries);
  return entries;
}

}  // namespace v1
}  // namespace callsheet
