#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "callsheet/uuid.h"

// The small values of a record: which numbers are written how, and the ids that it has named before.
namespace callsheet {
inline namespace v1 {

inline constexpr std::size_t recordUuidsMax = 8;  ///< different Uuids that later ones of a record may refer to

namespace detail {

template <class T>
inline constexpr bool isPlain = (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) || std::is_enum_v<T>;
template <class T>
inline constexpr bool isWide = isPlain<T> && !std::is_floating_point_v<T> && sizeof(T) > 1;

/// Small magnitudes become small numbers, whatever their sign.
template <class T>
[[nodiscard]] constexpr std::uint64_t toUnsigned(T value) {
  if constexpr (std::is_enum_v<T>) {
    return toUnsigned(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_signed_v<T>) {
    const auto wide = static_cast<std::int64_t>(value);
    return static_cast<std::uint64_t>(wide) << 1 ^ static_cast<std::uint64_t>(wide >> 63);
  } else {
    return value;
  }
}
/// The inverse; false when T does not hold the value.
template <class T>
[[nodiscard]] constexpr bool fromUnsigned(std::uint64_t number, T& value) {
  if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> plain{};
    const bool fits = fromUnsigned(number, plain);
    value = static_cast<T>(plain);
    return fits;
  } else if constexpr (std::is_signed_v<T>) {
    const auto wide = static_cast<std::int64_t>(number >> 1 ^ (0 - (number & 1)));
    value = static_cast<T>(wide);
    return value == wide;
  } else {
    value = static_cast<T>(number);
    return value == number;
  }
}

/// The different Uuids of a record, in the order of their first appearance.
class RecordUuids {
 public:
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const Uuid& at(std::size_t index) const { return known_[index]; }
  /// Where it stands, or count().
  [[nodiscard]] std::size_t find(const Uuid& uuid) const {
    std::size_t index = 0;
    while (index < count_ && known_[index] != uuid) ++index;
    return index;
  }
  void add(const Uuid& uuid) {
    if (count_ < recordUuidsMax) known_[count_++] = uuid;
  }

 private:
  std::array<Uuid, recordUuidsMax> known_;
  std::size_t count_ = 0;
};

}  // namespace detail
}  // namespace v1
}  // namespace callsheet
