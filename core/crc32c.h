#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace callsheet {
inline namespace v1 {

/// CRC-32C (Castagnoli) of the bytes, going on from `before`: 0 for the first piece, then the answer for the piece
/// before. Uses the processor's own instruction where there is one. Thread-safe.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes);

namespace detail {
/// The same by tables; what crc32c does on other processors.
[[nodiscard]] std::uint32_t crc32cByTable(std::uint32_t before, std::span<const std::byte> bytes);
/// Whether crc32c uses the processor's instruction.
[[nodiscard]] bool hasCrc32cInstruction();
}  // namespace detail

}  // namespace v1
}  // namespace callsheet
