#pragma once
#include <cstdint>

#include "callsheet/errors.h"
#include "callsheet/retry_policy.h"

// Values that stand in nearly every record and are nearly always small or the same, in the few bytes that they need:
// the smaller the rows, the fewer pages a commit has to write.
namespace callsheet {
inline namespace v1 {

/// A time (UTC us) as its difference from an earlier one of the same record, in one to three bytes of the eight: 0 for
/// no time, else one more than the zigzag of the difference.
template <class Archive>
[[gnu::always_inline]] inline void serializeTimeSince(Archive& archive, std::int64_t base, std::int64_t& at) {
  const auto from = static_cast<std::uint64_t>(base);
  std::uint64_t number = 0;
  if constexpr (Archive::is_saving::value) {
    const std::uint64_t difference = static_cast<std::uint64_t>(at) - from;
    if (at != 0) number = (difference << 1 ^ (0 - (difference >> 63))) + 1;
    if (at != 0 && number == 0) throw Error(ErrorKind::invalid, "a time of a record is out of range");
    archive(number);
  } else {
    archive(number);
    const std::uint64_t zigzag = number - 1;
    at = number == 0 ? 0 : static_cast<std::int64_t>(from + (zigzag >> 1 ^ (0 - (zigzag & 1))));
    if (number != 0 && at == 0) throw Error(ErrorKind::corrupt, "a time of a record has another form than its own");
  }
}

/// Flags in the byte that the first had alone; what was written before has the others not set.
template <class Archive, class... Flags>
void serializeFlags(Archive& archive, Flags&... flags) {
  std::uint8_t bits = 0;
  std::uint8_t bit = 1;
  ((bits |= flags ? bit : 0, bit = static_cast<std::uint8_t>(bit << 1)), ...);
  archive(bits);
  if (bits >= bit) throw Error(ErrorKind::corrupt, "a record has flags that there are none of");
  ((flags = (bits & 1) != 0, bits = static_cast<std::uint8_t>(bits >> 1)), ...);
}

/// The retry policy that format 1 takes for given; it stays when RetryPolicy's own defaults change.
[[nodiscard]] inline RetryPolicy policyOfFormat1() {
  RetryPolicy policy;
  policy.maxAttempts = 3;
  policy.firstDelay = std::chrono::seconds{10};
  policy.factor = 2.0;
  policy.maxDelay = std::chrono::hours{1};
  policy.jitter = 0.1;
  return policy;
}

/// A retry policy as a flag 0 where it is that one; else 1 and its fields.
template <class Archive>
void serializePolicy(Archive& archive, RetryPolicy& policy) {
  const RetryPolicy usual = policyOfFormat1();
  bool isGiven = policy != usual;
  archive(isGiven);
  if constexpr (Archive::is_loading::value) policy = usual;
  if (isGiven) archive(policy);
  if (isGiven && policy == usual) throw Error(ErrorKind::corrupt, "a retry policy has another form than its own");
}

}  // namespace v1
}  // namespace callsheet
