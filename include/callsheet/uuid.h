#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace callsheet {
inline namespace v1 {

/// 16 bytes in network order, so that comparing bytes compares times (UUIDv7). Text form: 8-4-4-4-12 lower case hex.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  // By machine words: a store compares ids some hundred times for each job.
  friend bool operator==(const Uuid& a, const Uuid& b) {
    return ((a.word(0) ^ b.word(0)) | (a.word(1) ^ b.word(1))) == 0;
  }
  friend std::strong_ordering operator<=>(const Uuid& a, const Uuid& b) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), 16) <=> 0;
  }
  [[nodiscard]] bool isNil() const { return (word(0) | word(1)) == 0; }
  [[nodiscard]] std::string toString() const;
  /// Accepts the text form, with or without dashes; nothing for anything else.
  [[nodiscard]] static std::optional<Uuid> parse(std::string_view text);
  /// A new UUIDv7: milliseconds since 1970 in front, random behind, growing within one process. Thread-safe.
  [[nodiscard]] static Uuid makeV7();
  /// A new random UUIDv4. Thread-safe.
  [[nodiscard]] static Uuid makeV4();

 private:
  [[nodiscard]] std::uint64_t word(std::size_t index) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + 8 * index, 8);
    return value;
  }
};

/// A Uuid that cannot be mixed up with another's.
template <class Tag>
struct TaggedId {
  Uuid value;

  friend auto operator<=>(const TaggedId&, const TaggedId&) = default;
  [[nodiscard]] bool isNil() const { return value.isNil(); }
  [[nodiscard]] std::string toString() const { return value.toString(); }
  [[nodiscard]] static std::optional<TaggedId> parse(std::string_view text) {
    auto uuid = Uuid::parse(text);
    if (!uuid) return std::nullopt;
    return TaggedId{*uuid};
  }
};

/// One piece of work for ever; made by the client, time-ordered.
using JobID = TaggedId<struct JobTag>;
/// One life of a director or executor; used once.
using IncarnationID = TaggedId<struct IncarnationTag>;
/// The fencing token of one attempt.
using ExecID = TaggedId<struct ExecTag>;
/// A claimer's name for one call of claim; the execIds it hands out are derived from it.
using ClaimID = TaggedId<struct ClaimTag>;

/// A UUIDv7 that carries the microsecond at which it was made twice: in front, as the standard has it, and modulo 2^32
/// in its last four bytes, which are its short id. So a store finds a short id by time and needs no index of them.
/// Grows within one process; thread-safe.
[[nodiscard]] JobID makeJobID();
/// Whether an id is of that kind; ids that others made need not be.
[[nodiscard]] bool carriesItsTime(JobID id);
namespace detail {
/// The id that makeJobID makes at a time, in UTC us; its 32 random bits are given.
[[nodiscard]] JobID jobIDAt(std::uint64_t utcMicros, std::uint32_t random);
/// The time in the front of an id, in UTC us: a whole millisecond.
[[nodiscard]] std::uint64_t millisecondOf(JobID id);
}  // namespace detail
[[nodiscard]] inline IncarnationID makeIncarnationID() {
  return IncarnationID{Uuid::makeV7()};
}
/// Grows within one process, so that a store knows a claim's late repeat from a new one. The last four bytes are zero:
/// the item's index goes there (execIDOf).
[[nodiscard]] ClaimID makeClaimID();
/// The execId of the index-th job of a claim (index < 2^32 - 1).
[[nodiscard]] ExecID execIDOf(ClaimID claim, std::uint32_t index);
/// The last 8 hex digits of the text form: what people type.
[[nodiscard]] std::string shortIDOf(JobID id);

}  // namespace v1
}  // namespace callsheet

template <class Tag>
struct std::hash<callsheet::TaggedId<Tag>> {
  std::size_t operator()(const callsheet::TaggedId<Tag>& id) const noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, id.value.bytes.data(), 8);
    std::memcpy(&low, id.value.bytes.data() + 8, 8);
    return high ^ (low * 0x9E3779B97F4A7C15ull);
  }
};
