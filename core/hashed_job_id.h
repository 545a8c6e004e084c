#pragma once
#include <cstdint>

#include "callsheet/fingerprint.h"
#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// A UUIDv7 of that time whose other bits are a hash: the id of a job that is to be the same job whoever makes it, with
/// a short id of its own though many be made in one millisecond.
[[nodiscard]] JobID hashedJobID(Fingerprint hash, std::int64_t utcMillis);
/// The time that stands in an id.
[[nodiscard]] std::int64_t utcMillisOf(JobID id);

}  // namespace v1
}  // namespace callsheet
