#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// A duration as people type it: `90` (seconds), `1.5s`, `250ms`, `3h`, `1h30m`, `2d`. Units are us, ms, s, m, h, d, w,
/// from large to small, each once; what is below a microsecond is cut off. Throws Error(invalid) with a sentence for
/// anything else, negative ones too.
[[nodiscard]] std::chrono::microseconds parseDuration(std::string_view text);

/// At most two units, cut off, for tables: `850us`, `1.5ms`, `250ms`, `12.3s`, `1m30s`, `2h5m`, `3d4h`. parseDuration
/// reads it.
[[nodiscard]] std::string formatDuration(std::chrono::microseconds duration);

/// ISO 8601 in UTC with milliseconds, cut off: `2026-01-31T23:59:59.123Z`. A year beyond 9999 gets its sign and digits.
[[nodiscard]] std::string formatUtc(std::int64_t utcMicros);

/// `2026-01-31T23:59:59Z`, with an optional fraction, and `Z` or an offset such as `+02:00`. Throws Error(invalid) with
/// a sentence for anything else, a time without a zone or a day that does not exist too.
[[nodiscard]] std::int64_t parseUtc(std::string_view text);

}  // namespace v1
}  // namespace callsheet
