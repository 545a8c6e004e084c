#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

// How the command line writes durations, times and assignments. `option` names the place in what is refused.
namespace callsheet {
inline namespace v1 {

/// As parseDuration, and at most ten years; Error(invalid) names the option.
[[nodiscard]] std::chrono::microseconds durationOf(std::string_view option, const std::string& text);
/// As parseUtc; Error(invalid) names the option.
[[nodiscard]] std::int64_t utcOf(std::string_view option, const std::string& text);
/// To the second, for tables: 2026-11-23T06:20:59Z.
[[nodiscard]] std::string utcSecondsText(std::int64_t micros);
/// Both sides of "NAME=VALUE". Error(usage) without '=' or without a name.
[[nodiscard]] std::pair<std::string, std::string> assignmentOf(std::string_view option, std::string_view text);
/// The directory of this process. Error(io) says what to do when it cannot be named.
[[nodiscard]] std::string currentDirectory(const std::string& whatToDo);
/// "1.5 GiB".
[[nodiscard]] std::string bytesText(std::uint64_t bytes);

}  // namespace v1
}  // namespace callsheet
