#include "core/schedule/field_text.h"

#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::array<std::string_view, 12> months{"january",   "february", "march",    "april",
                                                  "may",       "june",     "july",     "august",
                                                  "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> weekdays{"sunday",   "monday", "tuesday", "wednesday",
                                                   "thursday", "friday", "saturday"};

[[noreturn]] void refuse(const FieldForm& form, std::string_view text) {
  throw Error(ErrorKind::invalid, "the " + std::string(form.what) + " '" + std::string(text.substr(0, 64)) +
                                      "' is none of " + std::to_string(form.least) + " to " +
                                      std::to_string(form.most) + ", nor a range, a step or a list of them");
}

std::optional<unsigned> plainNumber(std::string_view text) {
  unsigned number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || text.size() > 4 || read.ec != std::errc{} || read.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

unsigned numberOf(const FieldForm& form, std::string_view text, std::string_view whole) {
  if (const auto number = plainNumber(text)) {
    if (*number < form.least || *number > form.most) refuse(form, whole);
    return *number;
  }
  std::string small;
  for (const char c : text) small += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (std::size_t i = 0; i < form.names.size(); ++i)
    if (small.size() >= 3 && (small == form.names[i] || small == form.names[i].substr(0, 3)))
      return form.firstName + static_cast<unsigned>(i);
  refuse(form, whole);
}

/// One item of a list.
std::uint64_t itemOf(const FieldForm& form, std::string_view item) {
  const std::size_t slash = item.find('/');
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const auto number = plainNumber(item.substr(slash + 1));
    if (!number || *number == 0 || *number > form.most) refuse(form, item);
    step = *number;
  }
  const std::string_view range = item.substr(0, slash);
  const std::size_t between = range.find(form.range);
  unsigned first = form.least;
  unsigned last = form.most;
  if (between != std::string_view::npos) {
    first = numberOf(form, range.substr(0, between), item);
    last = numberOf(form, range.substr(between + form.range.size()), item);
  } else if (range != "*") {
    first = numberOf(form, range, item);
    if (slash == std::string_view::npos) last = first;  // with a step it goes on to the end
  }
  if (last < first) refuse(form, item);
  std::uint64_t set = 0;
  for (unsigned number = first; number <= last; number += step) set |= std::uint64_t{1} << number;
  return set;
}
}  // namespace

const std::span<const std::string_view> monthNames{months};
const std::span<const std::string_view> weekdayNames{weekdays};

std::uint64_t setOf(const FieldForm& form, std::string_view text) {
  std::uint64_t set = 0;
  for (const std::string_view item : splitAt(text, ',')) set |= itemOf(form, item);
  return set;
}

std::vector<std::string_view> splitAt(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t from = 0;;) {
    const std::size_t end = text.find(separator, from);
    pieces.push_back(text.substr(from, end == std::string_view::npos ? end : end - from));
    if (end == std::string_view::npos) return pieces;
    from = end + 1;
  }
}

std::vector<std::string_view> wordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t from = text.find_first_not_of(" \t"); from != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(" \t", from), text.size());
    words.push_back(text.substr(from, end - from));
    from = text.find_first_not_of(" \t", end);
  }
  return words;
}

}  // namespace v1
}  // namespace callsheet
