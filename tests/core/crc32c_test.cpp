#include "core/crc32c.h"

#include <catch2/catch.hpp>
#include <random>
#include <string_view>
#include <vector>

using namespace callsheet;

namespace {
std::span<const std::byte> bytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
}  // namespace

TEST_CASE("CRC-32C has the values that RFC 3720 lists", "[core][crc]") {
  std::vector<std::byte> bytes(32);
  const auto both = [&](std::uint32_t expected) {
    REQUIRE(crc32c(0, bytes) == expected);
    REQUIRE(detail::crc32cByTable(0, bytes) == expected);
  };
  both(0x8A9136AA);
  bytes.assign(32, std::byte{0xFF});
  both(0x62A8AB43);
  for (int at = 0; at < 32; ++at) bytes[at] = static_cast<std::byte>(at);
  both(0x46DD794E);
  for (int at = 0; at < 32; ++at) bytes[at] = static_cast<std::byte>(31 - at);
  both(0x113FDB5C);
  REQUIRE(crc32c(0, bytesOf("123456789")) == 0xE3069283);
  REQUIRE(crc32c(0, {}) == 0);
}

TEST_CASE("Instruction and table agree on every length and alignment, in one piece or in two", "[core][crc]") {
  const auto start = std::random_device{}();
  CAPTURE(start, detail::hasCrc32cInstruction());
  std::mt19937 random(start);
  std::vector<std::byte> bytes(600);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t length = 0; length <= 560; ++length) {
      const auto piece = std::span(bytes).subspan(from, length);
      const auto sum = crc32c(0, piece);
      REQUIRE(sum == detail::crc32cByTable(0, piece));
      const auto cut = length == 0 ? 0 : random() % length;
      REQUIRE(sum == crc32c(crc32c(0, piece.first(cut)), piece.subspan(cut)));
      REQUIRE(sum == detail::crc32cByTable(detail::crc32cByTable(0, piece.first(cut)), piece.subspan(cut)));
    }
  }
}
