#pragma once
#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "callsheet/uuid.h"

namespace callsheet {
inline namespace v1 {

/// A caller's name for a piece of work, made of parts: `JobKey::of("report", 42)`. A plain value.
///
/// Its canonical bytes are the parts one after the other, each as "LENGTH:TEXT" with the length in decimal:
/// "6:report2:42". So ("a","bc") and ("ab","c") differ, and the bytes are the same in every process, from every
/// compiler. An integer's text is its decimal digits and a bool's is true or false; therefore `of("report", 42)`,
/// `of("report", "42")` and `parse("report/42")` are one key, and a key typed by a person equals the one that a program
/// makes.
class JobKey {
 public:
  /// No key.
  JobKey() = default;

  /// Parts are strings (valid UTF-8), integers, bools and ids. Throws Error(invalid) for a key without any text, and
  /// for one of more than limits::businessKeyBytesMax canonical bytes.
  template <class... Parts>
  requires(sizeof...(Parts) > 0) [[nodiscard]] static JobKey of(const Parts&... parts) {
    JobKey key;
    (key.append(textOf(parts)), ...);
    key.check();
    return key;
  }
  /// From the form for people: parts between slashes, %XX for a byte that stands for itself. Throws Error(invalid).
  [[nodiscard]] static JobKey parse(std::string_view text);
  /// From canonical bytes; nothing if they are not canonical.
  [[nodiscard]] static std::optional<JobKey> fromBytes(std::string_view bytes);

  /// The canonical bytes, valid UTF-8; empty for no key.
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::vector<std::string> parts() const;
  /// The form for people: `report/42`. A slash, a percent sign or a control character inside a part is written as %XX.
  [[nodiscard]] std::string toString() const;
  [[nodiscard]] bool isEmpty() const { return bytes_.empty(); }

  friend auto operator<=>(const JobKey&, const JobKey&) = default;

  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return toString();
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& text) {
    *this = text.empty() ? JobKey{} : parse(text);
  }

 private:
  template <class Part>
  static std::string textOf(const Part& part) {
    static_assert(!std::is_floating_point_v<Part>,
                  "A floating point number has no exact text; round it or write it yourself.");
    static_assert(
        !std::is_same_v<Part, char> && !std::is_same_v<Part, signed char> && !std::is_same_v<Part, unsigned char>,
        "A char could mean a letter or a number; pass a string or an int.");
    if constexpr (std::is_same_v<Part, bool>)
      return part ? "true" : "false";
    else if constexpr (std::is_integral_v<Part>)
      return std::to_string(part);
    else if constexpr (requires { std::string_view(part); })
      return std::string(std::string_view(part));
    else
      return part.toString();
  }
  void append(std::string_view part);
  void check() const;

  std::string bytes_;
};

}  // namespace v1
}  // namespace callsheet

template <>
struct std::hash<callsheet::JobKey> {
  std::size_t operator()(const callsheet::JobKey& key) const noexcept { return std::hash<std::string>{}(key.bytes()); }
};
