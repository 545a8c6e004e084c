#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// ISO 8601 in UTC with all six digits of the microseconds: `2023-05-04T16:33:14.682354Z`.
[[nodiscard]] std::string formatUtcMicros(std::int64_t utcMicros);

/// What parseUtc reads, and also a time without a zone, which is UTC (`2023-05-04T15:30:43`), and a day alone, which is
/// its midnight in UTC (`2023-05-04`). Throws Error(invalid) with a sentence for anything else.
[[nodiscard]] std::int64_t parseTime(std::string_view text);

}  // namespace v1
}  // namespace callsheet
