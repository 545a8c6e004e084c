#include "cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

bool isColourful() {
  static const bool colourful = [] {
    const char* refused = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') &&
           (terminal == nullptr || std::string_view(terminal) != "dumb");
  }();
  return colourful;
}

int codeOf(Colour colour) {
  switch (colour) {
    case Colour::none:
      return 0;
    case Colour::green:
      return 32;
    case Colour::red:
      return 31;
    case Colour::yellow:
      return 33;
    case Colour::cyan:
      return 36;
    case Colour::grey:
      return 90;
  }
  return 0;
}

bool isContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// Characters, not bytes; wide ones count as one.
std::size_t columnsOf(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !isContinuation(c); }));
}

std::string escaped(std::string_view raw, bool keepsLines) {
  const std::string text = replaceInvalidUtf8(raw);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (keepsLines && (c == '\n' || c == '\t'))
      out += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\x{:02x}", byte);
    // U+0080..U+009F are control characters too, in two bytes.
    else if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string coloured(Colour colour, std::string_view text) {
  if (colour == Colour::none || !isColourful()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", codeOf(colour), text);
}

std::string printable(std::string_view text) {
  return escaped(text, false);
}
std::string printableLines(std::string_view text) {
  return escaped(text, true);
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (columnsOf(text) <= columns) return std::string(text);
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end)
    if (!isContinuation(text[end]) && ++seen > columns - 3) break;
  return std::string(text.substr(0, end)) + "...";
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void printLine(std::string_view text) {
  print(text);
  print("\n");
}

void tell(std::string_view sentence) {
  std::fflush(stdout);
  const std::string line = fmt::format("callsheet: {}\n", sentence);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Table::print() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < titles_.size(); ++column) {
    std::size_t width = columnsOf(titles_[column]);
    for (const auto& row : rows_) width = std::max(width, columnsOf(row[column].text));
    widths.push_back(width);
  }
  const auto printRow = [&](const auto& cellAt) {
    std::string line;
    for (std::size_t column = 0; column < titles_.size(); ++column) {
      const Cell cell = cellAt(column);
      line += coloured(cell.colour, cell.text);
      if (column + 1 < titles_.size()) line += std::string(widths[column] - columnsOf(cell.text) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    printLine(line);
  };
  printRow([&](std::size_t column) { return Cell{titles_[column], Colour::grey}; });
  for (const auto& row : rows_) printRow([&](std::size_t column) { return row[column]; });
}

}  // namespace v1
}  // namespace callsheet
