#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "api/json.h"
#include "api/owner_names.h"
#include "core/job_store.h"

// Jobs as programs read them, from `--json` and from /v1 alike. Every whole object begins with "v":1; members are only
// ever added.
namespace callsheet {
inline namespace v1 {

/// {"v":1}, to be filled.
[[nodiscard]] Json versioned();
/// Null for 0 and for `never`, else text like 2026-11-23T06:20:59.123Z.
[[nodiscard]] Json timeJson(std::int64_t utcMicros);
/// Two digits a byte.
[[nodiscard]] std::string hexOf(std::string_view bytes);
/// Null when empty.
[[nodiscard]] Json textJson(const std::string& text);
/// The value; a string where the text is no JSON after all.
[[nodiscard]] Json valueJson(const std::string& text);

/// "parameters" of a body; "parametersHex" where they are no JSON.
void addParameters(Json& json, const JobBody& body);
[[nodiscard]] Json retryJson(const RetryPolicy& retry);

/// The business key as people write it; empty for none.
[[nodiscard]] std::string keyText(const JobBody& body);

/// Done, or in quarantine: nothing more comes of it by itself.
[[nodiscard]] bool isOver(const JobRow& row);

/// A job without its parameters and result: a row of a listing.
[[nodiscard]] Json jobSummaryJson(const JobView& job, const OwnerNames& names);
/// All of it, log apart.
[[nodiscard]] Json jobJson(const JobView& job, const OwnerNames& names);
[[nodiscard]] Json logEntryJson(const LogEntry& entry, const OwnerNames& names);

}  // namespace v1
}  // namespace callsheet
