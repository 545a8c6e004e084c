#include <nlohmann/json.hpp>

#include "api/yaml_body.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t simpleKeyMax = 1000;  ///< YAML's readers look at most 1024 characters ahead for a key's colon

bool isLetter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

/// How long the character at the front is that even quotes do not make safe as it is; 0 if it is safe.
std::size_t unsafeLength(std::string_view rest) {
  const auto first = static_cast<unsigned char>(rest[0]);
  if (first < 0x20 || first == 0x7F) return 1;
  if (first == 0xC2 && static_cast<unsigned char>(rest[1]) < 0xA0) return 2;  // C1 controls, of them NEL
  for (const char* other : {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF", "\xEF\xBF\xBE", "\xEF\xBF\xBF"})
    if (rest.starts_with(other)) return 3;  // line and paragraph separators, byte order mark, no characters
  return 0;
}

bool hasUnsafe(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at)
    if (unsafeLength(text.substr(at)) != 0) return true;
  return false;
}

std::string doubleQuoted(std::string_view text) {
  constexpr char hex[] = "0123456789ABCDEF";
  std::string quoted = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = unsafeLength(text.substr(at));
    if (length == 0) {
      if (text[at] == '"' || text[at] == '\\') quoted += '\\';
      quoted += text[at++];
      continue;
    }
    std::uint32_t code = static_cast<unsigned char>(text[at]);
    if (length > 1) code &= 0xFFu >> (length + 1);
    for (std::size_t byte = 1; byte < length; ++byte)
      code = code << 6 | (static_cast<unsigned char>(text[at + byte]) & 0x3Fu);
    at += length;
    if (code == '\n') {
      quoted += "\\n";
    } else if (code == '\t') {
      quoted += "\\t";
    } else {
      quoted += "\\u";
      for (int shift = 12; shift >= 0; shift -= 4) quoted += hex[code >> shift & 0xF];
    }
  }
  return quoted + "\"";
}

/// Words that readers of YAML 1.1 or 1.2 do not take for texts.
bool isWord(std::string_view text) {
  if (text.size() > 5) return false;
  std::string lower(text);
  for (char& letter : lower) letter = static_cast<char>(letter | 0x20);
  for (const char* word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
    if (lower == word) return true;
  return false;
}

/// Only what is surely a text to every reader: times and numbers start with a digit, a sign or a point.
bool isPlain(std::string_view text) {
  if (text.empty() || text.back() == ' ' || text.back() == ':' || isWord(text)) return false;
  const char first = text.front();
  if (!isLetter(first) && first != '_' && first != '/' && static_cast<unsigned char>(first) < 0x80) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (std::string_view("[]{}\"`").find(text[at]) != std::string_view::npos) return false;
    if (text[at] == ':' && text[at + 1] == ' ') return false;
    if (text[at] == ' ' && text[at + 1] == '#') return false;
  }
  return true;
}

std::string scalarOf(std::string_view given) {
  std::string text = findInvalidUtf8(given) == given.npos ? std::string(given) : replaceInvalidUtf8(given);
  if (hasUnsafe(text)) return doubleQuoted(text);
  if (isPlain(text)) return text;
  std::string quoted = "'";
  for (const char letter : text) {
    if (letter == '\'') quoted += letter;
    quoted += letter;
  }
  return quoted + "'";
}

bool isBlock(const Json& value) {
  return value.is_structured() && !value.empty();
}

class YamlPrinter {
 public:
  /// The value, with the cursor already where its first line begins; ends with the end of its last line.
  void print(const Json& value, std::size_t indent) {
    if (!isBlock(value)) {
      text += value.is_string() ? scalarOf(value.get_ref<const std::string&>()) : value.dump();
      text += '\n';
      return;
    }
    bool isFirst = true;
    for (auto item = value.begin(); item != value.end(); ++item) {
      if (!isFirst) text.append(indent, ' ');
      isFirst = false;
      if (value.is_array()) {
        text += "- ";
        print(*item, indent + 2);
        continue;
      }
      const std::string name = scalarOf(item.key());
      if (name.size() > simpleKeyMax) {
        text += "? " + name + '\n';
        text.append(indent, ' ');
        text += ':';
      } else {
        text += name + ':';
      }
      if (isBlock(*item)) {
        text += '\n';
        text.append(indent + 2, ' ');
      } else {
        text += ' ';
      }
      print(*item, indent + 2);
    }
  }

  std::string text;
};

}  // namespace

std::string printYaml(const Json& value) {
  YamlPrinter printer;
  printer.print(value, 0);
  return std::move(printer.text);
}

}  // namespace v1
}  // namespace callsheet
