#include "cli/completion_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion_words.h"

namespace callsheet {
inline namespace v1 {

std::string escaped(std::string_view text, std::string_view letters) {
  std::string out;
  for (const char c : text) {
    if (letters.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string shellQuoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

std::string filled(std::string_view text, const std::vector<std::pair<std::string_view, std::string>>& places) {
  std::string out(text);
  for (const auto& [name, value] : places)
    for (auto at = out.find(name); at != std::string::npos; at = out.find(name, at + value.size()))
      out.replace(at, name.size(), value);
  return out;
}

Completion completionOf(const OptionFacts& option) {
  if (!option.choices.empty()) return Completion::choices;
  if (option.value == "FILE") return Completion::file;
  if (option.value == "DIR") return Completion::directory;
  return hasWords(option.value) ? Completion::words : Completion::none;
}

std::vector<std::string> namesOf(const std::vector<OptionFacts>& options) {
  std::vector<std::string> names;
  for (const OptionFacts& option : options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

std::vector<OptionFacts> commonOptions(const CommandFacts& root) {
  std::vector<OptionFacts> options;
  for (const OptionFacts& option : root.options)
    if (option.isForAll) options.push_back(option);
  return options;
}

std::vector<std::string> commonNames(const CommandFacts& root, bool haveValue) {
  std::vector<OptionFacts> options = commonOptions(root);
  std::erase_if(options, [&](const OptionFacts& option) { return option.value.empty() == haveValue; });
  return namesOf(options);
}

std::vector<std::string> ending(std::vector<std::string> words, std::string_view text) {
  for (std::string& word : words) word += text;
  return words;
}

}  // namespace v1
}  // namespace callsheet
