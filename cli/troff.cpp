#include "cli/troff.h"

#include <fmt/format.h>

#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// The character that begins there, by its number; `at` is moved to its last byte. The text is valid UTF-8.
std::string beyondAscii(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  unsigned number = lead & (0x3FU >> more);
  for (int i = 0; i < more; ++i) number = (number << 6) | (static_cast<unsigned char>(text[++at]) & 0x3FU);
  return fmt::format("\\[u{:04X}]", number);
}

/// `dash` is what becomes of "-": troff has hyphens, and what can be typed.
std::string escaped(std::string_view raw, std::string_view dash) {
  const std::string text = replaceInvalidUtf8(raw);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (const char c = text[i]) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += dash;
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '"':
        out += "\\(dq";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '^':
        out += "\\(ha";
        break;
      default:
        out += (static_cast<unsigned char>(c) & 0x80U) == 0 ? std::string(1, c) : beyondAscii(text, i);
    }
  }
  return out;
}

}  // namespace

std::string troffCode(std::string_view text) {
  return escaped(text, "\\-");
}

std::string troffText(std::string_view text) {
  std::string out;
  bool isCode = false;
  for (;;) {
    const std::size_t end = text.find('`');
    const std::string_view part = text.substr(0, end);
    // Options stand in running text without backticks.
    out += isCode ? troffCode(part)
                  : escaped(part, part.find(" -") == std::string_view::npos && !part.starts_with('-') ? "-" : "\\-");
    if (end == std::string_view::npos) return isCode ? out + "\\fR" : out;
    out += isCode ? "\\fR" : "\\fB";
    isCode = !isCode;
    text.remove_prefix(end + 1);
  }
}

std::string troffLine(std::string_view text) {
  const std::string line = troffText(text);
  return (line.starts_with('.') ? "\\&" : "") + line + "\n";
}

std::string troffParagraphs(std::string_view text) {
  std::string out;
  bool isLiteral = false;
  bool isBegun = false;  // there is something before the next paragraph
  bool isBroken = false;
  const auto endLiteral = [&] {
    if (isLiteral) out += ".RE\n.fi\n";
    isLiteral = false;
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) {
      endLiteral();
      isBroken = isBegun;
      continue;
    }
    if (isBroken) out += ".PP\n";
    isBroken = false;
    isBegun = true;
    if (line.starts_with("  ")) {
      if (!isLiteral) out += ".nf\n.RS\n";
      isLiteral = true;
      out += "\\&" + troffCode(line.substr(2)) + "\n";
    } else {
      endLiteral();
      out += troffLine(line);
    }
  }
  endLiteral();
  return out;
}

}  // namespace v1
}  // namespace callsheet
