#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/job_store.h"
#include "store/lmdb_environment.h"

namespace callsheet {
inline namespace v1 {

/// One page of jobs. A page is one short snapshot: it ends after `limit` jobs or after having looked at 20,000.
[[nodiscard]] JobPage listJobs(const LmdbEnvironment& environment, MDB_txn* txn, const JobFilter& filter,
                               const std::string& pageToken, std::size_t limit);
[[nodiscard]] std::vector<JobID> resolveJobs(const LmdbEnvironment& environment, MDB_txn* txn, std::string_view text,
                                             std::size_t limit);
[[nodiscard]] std::vector<LogEntry> readJobLog(const LmdbEnvironment& environment, MDB_txn* txn, JobID id,
                                               std::uint32_t from, std::size_t limit);

}  // namespace v1
}  // namespace callsheet
