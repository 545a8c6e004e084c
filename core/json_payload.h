#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// How deep objects and arrays may be nested in any JSON that Callsheet reads or writes.
inline constexpr std::size_t jsonDepthMax = 64;

/// Throws Error(invalid) with the reason and its place unless the text is one JSON value of at most maxBytes, in UTF-8
/// without a byte order mark, nested at most jsonDepthMax deep. Builds nothing.
void validateJson(std::string_view text, std::size_t maxBytes);

/// Where the first byte stands that is not part of valid UTF-8 (no surrogates, no overlong forms); npos if there is
/// none.
[[nodiscard]] std::size_t findInvalidUtf8(std::string_view text);

/// The text with U+FFFD in the place of each byte that is not valid UTF-8; what makes a command's output fit for JSON.
[[nodiscard]] std::string replaceInvalidUtf8(std::string_view text);

}  // namespace v1
}  // namespace callsheet
