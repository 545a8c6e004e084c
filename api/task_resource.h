#pragma once
#include "api/json.h"
#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

/// A job as the executor API shows it: the resource AidboxTask. `result` may be null.
[[nodiscard]] Json taskResource(const JobRow& row, const JobBody& body, const ResultRow* result);
/// One entry of its log: the resource AidboxTaskLog.
[[nodiscard]] Json taskLogEntry(JobID job, const LogEntry& entry);

/// UTC us of its last transition.
[[nodiscard]] std::int64_t lastUpdatedOf(const JobRow& row);

// What a remote attempt's end is stored as, and shown as its outcomeReason.
inline constexpr const char* failedByExecutor = "awf.task/failed-by-executor";
inline constexpr const char* failedByTimeout = "awf.task/failed-due-to-in-progress-timeout";
inline constexpr const char* unknownError = "awf.executor/unknown-error";

}  // namespace v1
}  // namespace callsheet
