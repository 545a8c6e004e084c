#include "callsheet/job_key.h"

#include <charconv>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// Takes one "LENGTH:TEXT" off the front; nothing if there is none in its one allowed spelling.
std::optional<std::string_view> takePart(std::string_view& bytes) {
  std::size_t length = 0;
  const auto [end, failure] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), length);
  const auto digits = static_cast<std::size_t>(end - bytes.data());
  if (failure != std::errc{} || digits == bytes.size() || *end != ':') return std::nullopt;
  if (digits > 1 && bytes[0] == '0') return std::nullopt;
  if (length > bytes.size() - digits - 1) return std::nullopt;
  const auto part = bytes.substr(digits + 1, length);
  bytes.remove_prefix(digits + 1 + length);
  return part;
}

int hexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? hexValue(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hexValue(text[at + 2]) : -1;
    if (high < 0 || low < 0)
      throw Error(ErrorKind::invalid,
                  "In a key, a percent sign must be followed by two hex digits; write %25 for the sign itself.");
    plain += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return plain;
}

}  // namespace

JobKey JobKey::parse(std::string_view text) {
  JobKey key;
  for (;;) {
    const auto slash = text.find('/');
    key.append(unescape(text.substr(0, slash)));
    if (slash == text.npos) break;
    text.remove_prefix(slash + 1);
  }
  key.check();
  return key;
}

std::optional<JobKey> JobKey::fromBytes(std::string_view bytes) {
  if (bytes.size() > limits::businessKeyBytesMax || findInvalidUtf8(bytes) != bytes.npos) return std::nullopt;
  if (bytes == "0:") return std::nullopt;
  for (auto rest = bytes; !rest.empty();)
    if (!takePart(rest)) return std::nullopt;
  JobKey key;
  key.bytes_ = bytes;
  return key;
}

std::vector<std::string> JobKey::parts() const {
  std::vector<std::string> parts;
  for (std::string_view rest = bytes_; !rest.empty();) parts.emplace_back(*takePart(rest));
  return parts;
}

std::string JobKey::toString() const {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  bool isFirst = true;
  for (std::string_view rest = bytes_; !rest.empty(); isFirst = false) {
    if (!isFirst) text += '/';
    const std::string_view part = *takePart(rest);
    for (const char letter : part) {
      const auto byte = static_cast<unsigned char>(letter);
      if (byte >= 0x20 && byte != 0x7F && byte != '/' && byte != '%') {
        text += letter;
      } else {
        text += '%';
        text += digits[byte >> 4];
        text += digits[byte & 15];
      }
    }
  }
  return text;
}

void JobKey::append(std::string_view part) {
  if (findInvalidUtf8(part) != part.npos) throw Error(ErrorKind::invalid, "A part of a key is not valid UTF-8.");
  bytes_ += std::to_string(part.size());
  bytes_ += ':';
  bytes_ += part;
}

void JobKey::check() const {
  if (bytes_ == "0:") throw Error(ErrorKind::invalid, "A key must not be empty; leave it out for a job without one.");
  if (bytes_.size() > limits::businessKeyBytesMax)
    throw Error(ErrorKind::invalid, "The key takes " + std::to_string(bytes_.size()) + " bytes and " +
                                        std::to_string(limits::businessKeyBytesMax) +
                                        " are allowed; use a hash of its long parts.");
}

}  // namespace v1
}  // namespace callsheet
