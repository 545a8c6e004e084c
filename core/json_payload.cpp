#include "core/json_payload.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid, "The JSON is refused: " + why);
}

/// Sees a document go by and keeps nothing but the depth and the first complaint.
class DepthGuard : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    // Without the library's prefix, and without the text it read last, which need not be valid UTF-8.
    std::string_view what = error.what();
    if (const auto start = what.find("] "); start != what.npos) what.remove_prefix(start + 2);
    if (const auto end = what.find("; last read:"); end != what.npos) what = what.substr(0, end);
    complaint = std::string(what) + " (byte " + std::to_string(position) + ").";
    return false;
  }

  std::string complaint;

 private:
  bool enter() {
    if (++depth_ <= jsonDepthMax) return true;
    complaint = "it is nested deeper than " + std::to_string(jsonDepthMax) + ".";
    return false;
  }
  bool leave() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
};

/// The length of the valid UTF-8 sequence that starts at `at`; 0 if there is none.
std::size_t sequenceLength(std::string_view text, std::size_t at) {
  const auto byteAt = [&](std::size_t index) -> std::uint32_t {
    return index < text.size() ? static_cast<unsigned char>(text[index]) : 0u;
  };
  const auto continues = [&](std::size_t index) { return (byteAt(index) & 0xC0u) == 0x80u; };
  const std::uint32_t first = byteAt(at);
  const std::uint32_t second = byteAt(at + 1);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !continues(at + 1)) return 0;
  if (first < 0xE0) return 2;
  if (!continues(at + 2)) return 0;
  if (first == 0xE0 && second < 0xA0) return 0;   // overlong
  if (first == 0xED && second >= 0xA0) return 0;  // a surrogate
  if (first < 0xF0) return 3;
  if (!continues(at + 3)) return 0;
  if (first == 0xF0 && second < 0x90) return 0;   // overlong
  if (first == 0xF4 && second >= 0x90) return 0;  // above U+10FFFF
  return 4;
}

}  // namespace

void validateJson(std::string_view text, std::size_t maxBytes) {
  if (text.size() > maxBytes)
    refuse("it has " + std::to_string(text.size()) + " bytes and " + std::to_string(maxBytes) + " are allowed.");
  // The parser would take a zero byte for the end of the text, and skip a byte order mark.
  if (const auto zero = text.find('\0'); zero != text.npos)
    refuse("there is a zero byte at " + std::to_string(zero) + ".");
  if (text.starts_with("\xEF\xBB\xBF")) refuse("it starts with a byte order mark.");
  if (const auto at = findInvalidUtf8(text); at != text.npos)
    refuse("it is not valid UTF-8 (byte " + std::to_string(at) + ").");
  DepthGuard guard;
  if (!Json::sax_parse(text.begin(), text.end(), &guard)) refuse(guard.complaint);
}

std::size_t findInvalidUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequenceLength(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string replaceInvalidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequenceLength(text, at);
    if (length == 0)
      valid += "\xEF\xBF\xBD";
    else
      valid += text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return valid;
}

}  // namespace v1
}  // namespace callsheet
