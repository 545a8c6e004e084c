#include "store/job_lookup.h"

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {
namespace lookup {

std::string tokenOf(JobID last) {
  return "p1-" + last.toString();
}

std::optional<JobID> positionOf(const std::string& token) {
  if (token.empty()) return std::nullopt;
  if (token.size() == 39 && token.compare(0, 3, "p1-") == 0)
    if (const auto id = JobID::parse(std::string_view(token).substr(3))) return id;
  throw Error(ErrorKind::invalid,
              "'" + token.substr(0, 64) + "' is not a page token of this store; begin with the first page");
}

std::optional<std::string> hexDigitsOf(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == '-') continue;
    if (c >= '0' && c <= '9')
      digits += c;
    else if (c >= 'a' && c <= 'f')
      digits += c;
    else if (c >= 'A' && c <= 'F')
      digits += static_cast<char>(c - 'A' + 'a');
    else
      return std::nullopt;
  }
  if (digits.size() < 2 || digits.size() > 32) return std::nullopt;
  return digits;
}

bool isStartOf(std::string_view text, JobID id) {
  const auto digits = hexDigitsOf(text);
  return digits && hexDigitsOf(id.toString())->starts_with(*digits);
}

bool means(std::string_view text, JobID id) {
  const auto digits = hexDigitsOf(text);
  if (!digits) return false;
  const auto whole = hexDigitsOf(id.toString());
  return whole->starts_with(*digits) || std::string_view(*whole).substr(24).starts_with(*digits);
}

std::vector<MemoRow> memosOf(Rows& rows, JobID id, Fingerprint after, std::size_t limit) {
  std::vector<MemoRow> found;
  rows.scanMemos(id, after, [&](const MemoRow& memo) {
    if (memo.id == after) return true;
    if (found.size() == limit) return false;
    found.push_back(memo);
    found.back().value.clear();
    return true;
  });
  return found;
}

std::vector<DefinitionRow> definitionsOf(Rows& rows) {
  std::vector<DefinitionRow> all;
  rows.scanDefinitions([&](const DefinitionRow& row) {
    if (!row.isDeleted) all.push_back(row);
    return true;
  });
  return all;
}

std::optional<DefinitionRow> definitionOf(Rows& rows, std::string_view kind) {
  if (kind.size() > limits::kindLengthMax) return std::nullopt;
  const DefinitionRow* const row = rows.definition(kind);
  return row == nullptr || row->isDeleted ? std::nullopt : std::optional(*row);
}

void addRecentLog(const JobRow& row, std::uint32_t from, std::size_t limit, std::vector<LogEntry>& entries) {
  for (std::uint32_t i = 0; i < row.recentLog.size(); ++i) {
    const std::uint32_t index = row.spilledLogCount() + i;
    if (index < from || entries.size() >= limit) continue;
    entries.push_back(row.recentLog[i]);
    entries.back().index = index;
  }
}

}  // namespace lookup
}  // namespace v1
}  // namespace callsheet
