#include "core/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace callsheet {
inline namespace v1 {

namespace {

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

/// tables[n][b]: what byte b does to the sum when n zero bytes follow it.
constexpr Table makeTables() {
  Table tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82F63B78u : 0u);
    tables[0][byte] = sum;
  }
  for (std::uint32_t byte = 0; byte < 256; ++byte)
    for (std::size_t n = 1; n < 8; ++n)
      tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xFF];
  return tables;
}
constexpr Table tables = makeTables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32cByInstruction(std::uint32_t before,
                                                                    std::span<const std::byte> bytes) {
  std::uint64_t sum = ~before;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::array<std::uint64_t, 4> words{};
  for (; left >= sizeof words; at += sizeof words, left -= sizeof words) {
    std::memcpy(words.data(), at, sizeof words);
    for (const std::uint64_t word : words) sum = _mm_crc32_u64(sum, word);
  }
  for (; left >= 8; at += 8, left -= 8) {
    std::memcpy(words.data(), at, 8);
    sum = _mm_crc32_u64(sum, words[0]);
  }
  auto narrow = static_cast<std::uint32_t>(sum);
  if (left >= 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, 4);
    narrow = _mm_crc32_u32(narrow, word);
    at += 4;
    left -= 4;
  }
  for (; left > 0; ++at, --left) narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*at));
  return ~narrow;
}
#endif

}  // namespace

namespace detail {

std::uint32_t crc32cByTable(std::uint32_t before, std::span<const std::byte> bytes) {
  std::uint32_t sum = ~before;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  if constexpr (std::endian::native == std::endian::little) {
    for (; left >= 8; at += 8, left -= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, 8);
      word ^= sum;
      sum = 0;
      for (std::size_t n = 0; n < 8; ++n) sum ^= tables[7 - n][(word >> (8 * n)) & 0xFF];
    }
  }
  for (; left > 0; ++at, --left) sum = (sum >> 8) ^ tables[0][(sum ^ static_cast<std::uint32_t>(*at)) & 0xFF];
  return ~sum;
}

bool hasCrc32cInstruction() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2") != 0;
#else
  return false;
#endif
}

}  // namespace detail

std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) {
#if defined(__x86_64__)
  if (detail::hasCrc32cInstruction()) return crc32cByInstruction(before, bytes);
#endif
  return detail::crc32cByTable(before, bytes);
}

}  // namespace v1
}  // namespace callsheet
