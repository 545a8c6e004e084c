#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// How one field of a written calendar reads: numbers or names, ranges, steps, lists.
struct FieldForm {
  std::string_view what;  ///< as errors call it: "minute"
  unsigned least = 0;
  unsigned most = 59;
  std::string_view range = "-";                  ///< what stands between the ends of one
  std::span<const std::string_view> names = {};  ///< in small letters; three of them are enough
  unsigned firstName = 0;                        ///< the number of the first name
};

/// The numbers that the text names, as bits. `*` is all of them. Throws Error(invalid) that says what is wrong.
[[nodiscard]] std::uint64_t setOf(const FieldForm& form, std::string_view text);

/// The pieces between the separators, empty ones too.
[[nodiscard]] std::vector<std::string_view> splitAt(std::string_view text, char separator);
/// The pieces between runs of spaces and tabs.
[[nodiscard]] std::vector<std::string_view> wordsOf(std::string_view text);

extern const std::span<const std::string_view> monthNames;    ///< from January on
extern const std::span<const std::string_view> weekdayNames;  ///< from Sunday on

}  // namespace v1
}  // namespace callsheet
