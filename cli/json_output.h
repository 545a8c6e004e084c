#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/owner_names.h"
#include "core/job_store.h"

// What programs read. Every object that is printed begins with "v":1; members are only ever added.
namespace callsheet {
inline namespace v1 {

using Json = nlohmann::ordered_json;

/// {"v":1}, to be filled.
[[nodiscard]] Json versioned();
/// Prints an object over several lines.
void printJson(const Json& json);
/// Prints it in one line and flushes, for what comes one by one.
void printJsonLine(const Json& json);

/// Null for 0 and for `never`, else text like 2026-11-23T06:20:59.123Z.
[[nodiscard]] Json timeJson(std::int64_t utcMicros);
/// Two digits a byte.
[[nodiscard]] std::string hexOf(std::string_view bytes);
/// Null when empty.
[[nodiscard]] Json textJson(const std::string& text);
/// The value; a string where the text is no JSON after all.
[[nodiscard]] Json valueJson(const std::string& text);

/// The business key as people write it; empty for none.
[[nodiscard]] std::string keyText(const JobBody& body);

/// A job without its parameters and result: a row of a listing.
[[nodiscard]] Json jobSummaryJson(const JobView& job, const OwnerNames& names);
/// All of it, log apart.
[[nodiscard]] Json jobJson(const JobView& job, const OwnerNames& names);
[[nodiscard]] Json logEntryJson(const LogEntry& entry, const OwnerNames& names);

}  // namespace v1
}  // namespace callsheet
