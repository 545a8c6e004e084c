#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "api/yaml_body.h"
#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view digits = "0123456789";

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error(ErrorKind::invalid, "the number " + std::string(text.substr(0, 40)) + " " + why);
}

bool consistsOf(std::string_view text, std::string_view letters) {
  return !text.empty() && text.find_first_not_of(letters) == text.npos;
}

bool isOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const auto word : words)
    if (text == word) return true;
  return false;
}

Json integer(std::string_view text, std::string_view number, int base, bool isNegative) {
  std::uint64_t magnitude = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), magnitude, base);
  constexpr std::uint64_t lowest = std::uint64_t{1} << 63;
  if (read.ec != std::errc{} || (isNegative && magnitude > lowest))
    refuse(text, "does not fit in 64 bits; quote it if it is a text.");
  if (!isNegative) return magnitude;
  return magnitude == 0 ? std::int64_t{0} : -static_cast<std::int64_t>(magnitude - 1) - 1;
}

/// [0-9]+(\.[0-9]*)? or \.[0-9]+, and then ([eE][-+]?[0-9]+)?
bool isFloat(std::string_view text) {
  const auto take = [&] {
    const auto length = std::min(text.find_first_not_of(digits), text.size());
    text.remove_prefix(length);
    return length;
  };
  auto count = take();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    count += take();
  }
  if (count == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return consistsOf(text, digits);
}

}  // namespace

Json plainYaml(const std::string& text) {
  if (isOneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (isOneOf(text, {"true", "True", "TRUE"})) return true;
  if (isOneOf(text, {"false", "False", "FALSE"})) return false;
  std::string_view number = text;
  if (number.starts_with("0x") && consistsOf(number.substr(2), "0123456789abcdefABCDEF"))
    return integer(text, number.substr(2), 16, false);
  if (number.starts_with("0o") && consistsOf(number.substr(2), "01234567"))
    return integer(text, number.substr(2), 8, false);
  if (isOneOf(text, {".nan", ".NaN", ".NAN"})) refuse(text, "is none that JSON has.");
  const bool isNegative = number.starts_with('-');
  if (isNegative || number.starts_with('+')) number.remove_prefix(1);
  if (isOneOf(number, {".inf", ".Inf", ".INF"})) refuse(text, "is none that JSON has.");
  if (consistsOf(number, digits)) return integer(text, number, 10, isNegative);
  if (!isFloat(number)) return text;
  // from_chars does not tell too large from too small, so strtod does; no locale is ever set.
  const double value = std::strtod(text.c_str(), nullptr);
  if (!std::isfinite(value)) refuse(text, "is too large for a double.");
  return value;
}

}  // namespace v1
}  // namespace callsheet
