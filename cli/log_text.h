#pragma once
#include <string>
#include <vector>

#include "api/owner_names.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// One transition as a line: when, what, to which state, who, why.
[[nodiscard]] std::string logLine(const LogEntry& entry, const OwnerNames& names);
/// All entries that are kept, from there on.
[[nodiscard]] std::vector<LogEntry> readWholeLog(JobStore& store, JobID id, std::uint32_t from = 0);

}  // namespace v1
}  // namespace callsheet
