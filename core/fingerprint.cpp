#include "callsheet/fingerprint.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {
namespace detail {

/// LEB128: seven bits a byte, the lowest first.
void CanonicalBytes::number(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
  bytes_ += static_cast<char>(value);
}

void CanonicalBytes::integer(std::int64_t value) {
  if (value >= 0) return integer(static_cast<std::uint64_t>(value));
  bytes_ += '-';
  number(0 - static_cast<std::uint64_t>(value));
}

void CanonicalBytes::integer(std::uint64_t value) {
  bytes_ += '+';
  number(value);
}

void CanonicalBytes::real(double value) {
  if (std::isnan(value)) throw Error(ErrorKind::invalid, "a job's member is not a number, which equals nothing");
  if (value == 0) value = 0;  // there are two zeros, which are equal
  bytes_ += 'd';
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 0; i < 8; ++i) bytes_ += static_cast<char>(bits >> (8 * i));
}

void CanonicalBytes::text(std::string_view value) {
  bytes_ += 's';
  number(value.size());
  bytes_ += value;
}

void CanonicalBytes::id(const Uuid& value) {
  bytes_ += 'u';
  bytes_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

void CanonicalBytes::group(char kind, std::size_t count) {
  bytes_ += kind;
  number(count);
}

void CanonicalBytes::reference(Fingerprint value) {
  bytes_ += '>';
  bytes_.append(reinterpret_cast<const char*>(value.value.bytes.data()), value.value.bytes.size());
}

Fingerprint CanonicalBytes::fingerprint() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(bytes_.data(), bytes_.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 || size != 32)
    throw Error(ErrorKind::unsupported, "the system's libcrypto has no SHA-256");
  Fingerprint fingerprint;
  std::memcpy(fingerprint.value.bytes.data(), digest.data(), fingerprint.value.bytes.size());
  return fingerprint;
}

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
