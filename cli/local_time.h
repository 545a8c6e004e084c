#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// A time as people say it: `2030-01-31T06:20:00Z`, or by the clock of this machine `10:30`, `today 18:00`, `tomorrow`,
/// `tomorrow 10:30`, `monday 9:00:30`. A clock time alone, or a weekday, is the next one. UTC us. Error(invalid) names
/// the option.
[[nodiscard]] std::int64_t timeOf(std::string_view option, const std::string& text, std::int64_t nowMicros);

/// The same, or a duration from now such as `3h`.
[[nodiscard]] std::int64_t timeOrDelayOf(std::string_view option, const std::string& text, std::int64_t nowMicros);

}  // namespace v1
}  // namespace callsheet
