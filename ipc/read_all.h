#pragma once
#include <cstddef>
#include <optional>
#include <string>

namespace callsheet {
inline namespace v1 {

/// Reads to the end, but no more than so many bytes, however often it is interrupted. Nothing with errno when it cannot
/// be read.
[[nodiscard]] std::optional<std::string> readAll(int descriptor, std::size_t bytesMax);

}  // namespace v1
}  // namespace callsheet
