#pragma once
#include <string>
#include <string_view>

// Texts of the help as troff has them, whatever letters are in them.
namespace callsheet {
inline namespace v1 {

/// Running text on one line; `code` between backticks is bold.
[[nodiscard]] std::string troffText(std::string_view text);
/// What is typed, letter for letter.
[[nodiscard]] std::string troffCode(std::string_view text);
/// troffText() as a line of its own, which is not taken for a request.
[[nodiscard]] std::string troffLine(std::string_view text);
/// Lines are filled to paragraphs, which empty lines end; indented lines stay as they are.
[[nodiscard]] std::string troffParagraphs(std::string_view text);

}  // namespace v1
}  // namespace callsheet
