#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "callsheet/limits.h"
#include "callsheet/uuid.h"
#include "core/job_row.h"
#include "core/rows.h"

// What both stores do alike when people or pages point at jobs.
namespace callsheet {
inline namespace v1 {
namespace lookup {

/// A page ends behind its last job; the token names it and is opaque to everybody else.
[[nodiscard]] std::string tokenOf(JobID last);
/// Nothing for an empty token; Error(invalid) for one that no store made.
[[nodiscard]] std::optional<JobID> positionOf(const std::string& token);

/// The bytes that a text of at least two hex digits (dashes allowed) fixes at the beginning of an id; nothing for other
/// texts.
[[nodiscard]] std::optional<std::string> hexDigitsOf(std::string_view text);
/// Whether the text is the beginning of the id, or all of it.
[[nodiscard]] bool isStartOf(std::string_view text, JobID id);
/// The same, or the beginning of its short id. Of more matches than asked for, those by the beginning of the id count
/// first.
[[nodiscard]] bool means(std::string_view text, JobID id);

/// A job's memos behind `after`, without their values.
[[nodiscard]] std::vector<MemoRow> memosOf(Rows& rows, JobID id, Fingerprint after, std::size_t limit);

/// All that are not deleted, by kind.
[[nodiscard]] std::vector<DefinitionRow> definitionsOf(Rows& rows);
[[nodiscard]] std::optional<DefinitionRow> definitionOf(Rows& rows, std::string_view kind);

/// Continues a job's log with the entries that stand in its row.
void addRecentLog(const JobRow& row, std::uint32_t from, std::size_t limit, std::vector<LogEntry>& entries);

}  // namespace lookup
}  // namespace v1
}  // namespace callsheet
