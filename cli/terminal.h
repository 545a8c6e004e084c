#pragma once
#include <string>
#include <string_view>
#include <vector>

// What people read. Programs get JSON (cli/json_output.h).
namespace callsheet {
inline namespace v1 {

enum class Colour { none, green, red, yellow, cyan, grey };

/// The text in that colour when stdout is a terminal and NO_COLOR is not set; else the text.
[[nodiscard]] std::string coloured(Colour colour, std::string_view text);

/// One line that cannot steer a terminal: control characters are written as \n, \t or \x1b, invalid UTF-8 as U+FFFD.
[[nodiscard]] std::string printable(std::string_view text);
/// The same, but line breaks and tabs stay.
[[nodiscard]] std::string printableLines(std::string_view text);
/// At most `columns` characters; what is cut off shows as "...".
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);

/// Writes to stdout.
void print(std::string_view text);
void printLine(std::string_view text);
/// Writes one line "callsheet: SENTENCE" to stderr, behind what went to stdout so far.
void tell(std::string_view sentence);

/// Columns as wide as their widest cell. The last column is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  struct Cell {
    std::string text;
    Colour colour = Colour::none;
  };
  /// As many cells as titles.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool isEmpty() const { return rows_.empty(); }
  void print() const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace v1
}  // namespace callsheet
