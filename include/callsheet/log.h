#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

namespace callsheet {
inline namespace v1 {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
[[nodiscard]] std::string_view toString(LogLevel level);

/// Where a director says what happens; one sentence a call. Must be short and thread-safe.
using LogSink = std::function<void(LogLevel level, std::string_view sentence)>;

}  // namespace v1
}  // namespace callsheet
