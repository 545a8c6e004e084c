#include "cli/command_facts.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace callsheet {
inline namespace v1 {

namespace {

std::vector<std::string> checksOf(const CLI::Option& option) {
  std::vector<std::string> checks;
  try {
    for (int index = 0;; ++index) {
      // It changes nothing; CLI11 has it for writers only.
      std::string text = const_cast<CLI::Option&>(option).get_validator(index)->get_description();
      if (!text.empty()) checks.push_back(std::move(text));
    }
  } catch (const CLI::OptionNotFound&) {
    return checks;
  }
}

std::string onOneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// As CLI::IsMember describes itself: "{debug,info}".
bool isSet(const std::string& check) {
  return check.size() > 2 && check.front() == '{' && check.back() == '}';
}

/// CLI::Range says "UINT in [1 - 4096]".
std::string rangeText(const std::string& check) {
  const std::size_t begin = check.find(" in [");
  const std::size_t middle = check.find(" - ", begin);
  if (begin == std::string::npos || middle == std::string::npos || check.back() != ']') return check;
  return check.substr(begin + 5, middle - begin - 5) + " to " + check.substr(middle + 3, check.size() - middle - 4);
}

OptionFacts factsOf(const CLI::Option& option) {
  OptionFacts facts;
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  if (facts.names.empty()) facts.names.push_back(option.get_name(true));
  if (option.get_items_expected_max() > 0) facts.value = valueNameOf(option);
  facts.description = onOneLine(option.get_description());
  for (const std::string& check : checksOf(option)) {
    if (isSet(check))
      facts.choices = CLI::detail::split(check.substr(1, check.size() - 2), ',');
    else
      facts.range = rangeText(check);
  }
  facts.environment = option.get_envname();
  facts.isRequired = option.get_required();
  facts.isRepeatable = option.get_expected_max() == CLI::detail::expected_max_vector_size;
  return facts;
}

}  // namespace

std::string valueNameOf(const CLI::Option& option) {
  std::string name = option.get_type_name();
  std::size_t added = 0;
  for (const std::string& check : checksOf(option)) added += 1 + check.size();
  name.resize(name.size() - added);
  return name;
}

CommandFacts factsOf(CLI::App& app) {
  CommandFacts facts{app.get_name(), app.get_description(), app.get_footer(), {}, {}, {}};
  const bool isRoot = app.get_parent() == nullptr;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    OptionFacts one = factsOf(*option);
    one.isForAll = isRoot && option != app.get_help_ptr() && option != app.get_version_ptr();
    (option->get_positional() ? facts.arguments : facts.options).push_back(std::move(one));
  }
  for (CLI::App* command : app.get_subcommands([](CLI::App* one) { return !one->get_group().empty(); }))
    facts.commands.push_back(factsOf(*command));
  return facts;
}

}  // namespace v1
}  // namespace callsheet
