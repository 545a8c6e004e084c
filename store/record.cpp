#include "store/record.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace callsheet {
inline namespace v1 {
namespace detail {

namespace {
template <class Integer>
void putLittle(char* at, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) at[i] = static_cast<char>(value >> (8 * i));
}
template <class Integer>
Integer getLittle(const char* at) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Integer>(value | static_cast<Integer>(static_cast<std::uint8_t>(at[i])) << (8 * i));
  return value;
}
std::uint32_t checksum(const char* header, std::string_view key, std::string_view body) {
  std::uint32_t crc = crc32c(0, std::as_bytes(std::span(header, 8)));
  crc = crc32c(crc, std::as_bytes(std::span(key)));
  return crc32c(crc, std::as_bytes(std::span(body)));
}
std::size_t paddedSize(std::size_t size) {
  return std::max(rowBytesMin, (size + rowBytesStep - 1) / rowBytesStep * rowBytesStep);
}
[[noreturn]] void bad(RecordType type, const std::string& why) {
  throw Error(ErrorKind::corrupt,
              "a record of type " + std::to_string(static_cast<int>(type)) + " " + why + "; run `callsheet check`");
}
}  // namespace

void sealRecord(RecordType type, std::string_view key, std::string& out) {
  char* header = out.data();
  header[0] = static_cast<char>(recordFormat);
  header[1] = static_cast<char>(recordMinReader);
  putLittle(header + 2, static_cast<std::uint16_t>(type));
  putLittle(header + 4, static_cast<std::uint32_t>(out.size() - recordHeaderBytes));
  putLittle(header + 8, checksum(header, key, std::string_view(out).substr(recordHeaderBytes)));
  if (type == RecordType::jobRow) out.resize(paddedSize(out.size()));
}

std::string_view openRecord(RecordType type, std::string_view key, std::string_view bytes) {
  if (bytes.size() < recordHeaderBytes) bad(type, "is too short");
  const char* header = bytes.data();
  const std::size_t length = getLittle<std::uint32_t>(header + 4);
  const bool fits = length <= bytes.size() - recordHeaderBytes &&
                    bytes.size() == (type == RecordType::jobRow ? paddedSize(recordHeaderBytes + length)
                                                                : recordHeaderBytes + length);
  if (!fits) bad(type, "has a wrong length");
  const std::string_view body = bytes.substr(recordHeaderBytes, length);
  if (bytes.find_first_not_of('\0', recordHeaderBytes + length) != bytes.npos) bad(type, "has bytes behind its end");
  if (getLittle<std::uint32_t>(header + 8) != checksum(header, key, body)) bad(type, "has a wrong checksum");
  if (getLittle<std::uint16_t>(header + 2) != static_cast<std::uint16_t>(type))
    bad(type, "stands where another type belongs");
  if (static_cast<std::uint8_t>(header[1]) > recordFormat)
    throw Error(ErrorKind::unsupported, "a record was written by a newer Callsheet; upgrade this program");
  return body;
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
