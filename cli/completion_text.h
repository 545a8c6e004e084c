#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command_facts.h"

// What the completion scripts of all shells are put together from.
namespace callsheet {
inline namespace v1 {

/// The text with a backslash before each of those letters.
[[nodiscard]] std::string escaped(std::string_view text, std::string_view letters);
/// One word of bash and zsh, whatever is in it.
[[nodiscard]] std::string shellQuoted(std::string_view text);
[[nodiscard]] std::string joined(const std::vector<std::string>& words, std::string_view between);
/// The template with each of its places, such as @NAMES@, filled.
[[nodiscard]] std::string filled(std::string_view text,
                                 const std::vector<std::pair<std::string_view, std::string>>& places);

/// How a value is completed.
enum class Completion { none, choices, file, directory, words };
[[nodiscard]] Completion completionOf(const OptionFacts& option);

[[nodiscard]] std::vector<std::string> namesOf(const std::vector<OptionFacts>& options);
/// The root's options that each command has too; among them are those that say which store is meant.
[[nodiscard]] std::vector<OptionFacts> commonOptions(const CommandFacts& root);
/// Their names: of those with a value, or of those without.
[[nodiscard]] std::vector<std::string> commonNames(const CommandFacts& root, bool haveValue);
/// Each word with the text behind it.
[[nodiscard]] std::vector<std::string> ending(std::vector<std::string> words, std::string_view text);

}  // namespace v1
}  // namespace callsheet
