#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "callsheet/errors.h"
#include "core/crc32c.h"
#include "core/record_archive.h"

namespace callsheet {
inline namespace v1 {

/// What a record holds; the numbers are on disk for ever (docs/store_format.md).
enum class RecordType : std::uint16_t {
  meta = 1,
  jobRow = 2,
  jobBody = 3,
  jobResult = 4,
  logEntry = 5,
  incarnation = 6,
  businessKey = 7,
  totals = 8,
  memo = 9,
  definition = 10,
  lane = 11,
  queue = 12,
  schedule = 13,
  scheduleSettings = 14,
};

/// The format that this program writes, and the oldest program that may read it.
inline constexpr std::uint8_t recordFormat = 1;
inline constexpr std::uint8_t recordMinReader = 1;
inline constexpr std::size_t recordHeaderBytes = 12;

/// A job's row is filled up with zero bytes to a least size, which an ordinary life fits into, and above it to the next
/// step: so a transition leaves the size as it is, LMDB writes in place, and pages that were full do not split.
inline constexpr std::size_t rowBytesMin = 144;
inline constexpr std::size_t rowBytesStep = 48;

/// header {format u8, minReader u8, type u16, length u32, CRC32C u32}, then the body. The CRC covers the first eight
/// header bytes, the key and the body, so that a record under another's key is noticed.
template <class Body>
void encodeRecord(RecordType type, std::string_view key, const Body& body, std::string& out);

/// Throws Error(corrupt) for bytes that do not check, Error(unsupported) for a record that needs a newer program.
template <class Body>
void decodeRecord(RecordType type, std::string_view key, std::string_view bytes, Body& body);

namespace detail {
void sealRecord(RecordType type, std::string_view key, std::string& out);
/// The body's bytes.
[[nodiscard]] std::string_view openRecord(RecordType type, std::string_view key, std::string_view bytes);
}  // namespace detail

template <class Body>
void encodeRecord(RecordType type, std::string_view key, const Body& body, std::string& out) {
  out.assign(recordHeaderBytes, '\0');
  {
    RecordOut archive(out);
    archive(body);
  }
  detail::sealRecord(type, key, out);
}

template <class Body>
void decodeRecord(RecordType type, std::string_view key, std::string_view bytes, Body& body) {
  RecordIn archive(detail::openRecord(type, key, bytes));
  archive(body);
  archive.finish();
}

}  // namespace v1
}  // namespace callsheet
