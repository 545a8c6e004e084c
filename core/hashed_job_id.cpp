#include "core/hashed_job_id.h"

#include <algorithm>
#include <cstddef>

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t timeBytes = 6;
}

JobID hashedJobID(Fingerprint hash, std::int64_t utcMillis) {
  JobID id{hash.value};
  auto& bytes = id.value.bytes;
  const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(utcMillis, 0));
  for (std::size_t i = 0; i < timeBytes; ++i) bytes[i] = static_cast<std::uint8_t>(millis >> (40 - 8 * i));
  bytes[6] = static_cast<std::uint8_t>(0x70 | (bytes[6] & 0x0F));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3F));
  return id;
}

std::int64_t utcMillisOf(JobID id) {
  std::int64_t millis = 0;
  for (std::size_t i = 0; i < timeBytes; ++i) millis = millis << 8 | id.value.bytes[i];
  return millis;
}

}  // namespace v1
}  // namespace callsheet
