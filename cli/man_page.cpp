#include "cli/man_page.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/troff.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

// What no option says.
const Pairs otherVariables{
    {"XDG_STATE_HOME", "Where stores are without --location, in its directory callsheet; not for root."},
    {"NO_COLOR", "When it is set, nothing is coloured."},
    {"NOTIFY_SOCKET, WATCHDOG_USEC", "From systemd: where a daemon reports, and how often."},
};

const Pairs files{
    {"/var/lib/callsheet", "Where the stores of root are."},
    {"~/.local/state/callsheet", "Where those of everybody else are."},
    {"LOCATION/ID.callsheet", "A store. `callsheet backup` copies it while it is in use."},
    {"LOCATION/ID.callsheet/api.sock", "Where a principal serves the API."},
    {"LOCATION/ID.callsheet/api.token", "What clients must know that come over TCP."},
};

std::string head(const std::string& title) {
  // Without a date: a page belongs to a version, and the same sources give the same page.
  return fmt::format(".TH {} 1 \"\" \"callsheet {}\" \"Callsheet\"\n", troffText(title), CALLSHEET_VERSION);
}

std::string section(std::string_view name, const std::string& body) {
  return body.empty() ? "" : fmt::format(".SH {}\n{}", name, body);
}

std::string entry(const std::string& tag, const std::string& body) {
  return ".TP\n" + tag + "\n" + body;
}

std::string bold(std::string_view text) {
  return "\\fB" + troffCode(text) + "\\fR";
}
std::string italic(std::string_view text) {
  return "\\fI" + troffCode(text) + "\\fR";
}

/// Whether the description lists them already.
bool namesAll(const std::string& description, const std::vector<std::string>& choices) {
  for (const std::string& choice : choices)
    if (description.find(choice) == std::string::npos) return false;
  return true;
}

std::string explained(const OptionFacts& option) {
  std::vector<std::string> sentences{option.description};
  if (!namesAll(option.description, option.choices)) {
    std::string all;
    for (const std::string& choice : option.choices) all += (all.empty() ? "" : ", ") + choice;
    sentences.push_back("One of " + all);
  }
  if (!option.range.empty()) sentences.push_back("Allowed: " + option.range);
  if (!option.environment.empty()) sentences.push_back("Or the variable " + option.environment);
  std::string text;
  for (std::string& sentence : sentences) {
    if (sentence.empty()) continue;
    text += (text.empty() ? "" : " ") + sentence;
    if (std::string_view(".!?").find(text.back()) == std::string_view::npos) text += ".";
  }
  return troffLine(text);
}

std::string optionEntry(const OptionFacts& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + bold(name);
  if (!option.value.empty()) tag += " " + italic(option.value);
  return entry(tag, explained(option));
}

std::string argumentEntry(const OptionFacts& argument) {
  std::string name = italic(argument.names.front());
  if (argument.value != argument.names.front() && !argument.value.empty()) name += " (" + italic(argument.value) + ")";
  return entry(name, explained(argument));
}

std::string optionEntries(const std::vector<OptionFacts>& options) {
  std::string text;
  for (const OptionFacts& option : options) text += optionEntry(option);
  return text;
}

std::string pairEntries(const Pairs& pairs) {
  std::string text;
  for (const auto& [name, meaning] : pairs) text += entry(bold(name), troffLine(meaning));
  return text;
}

std::string exitEntries() {
  std::string text;
  for (const ExitCode& code : exitCodes())
    text += entry(bold(code.code), troffLine(code.meaning + (code.next.empty() ? "." : "; " + code.next + ".")));
  return text;
}

std::string pageReference(const std::string& name) {
  return fmt::format("{} (1)", troffCode(name));
}

/// ".BR a (1),\n.BR b (1)\n"
std::string references(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += ".BR " + pageReference(name) + (name == names.back() ? "\n" : ",\n");
  return text;
}

std::string synopsisOf(const CommandFacts& command) {
  std::string line = bold("callsheet " + command.name) + " [" + italic("OPTION") + "]...";
  for (const OptionFacts& argument : command.arguments) {
    const std::string name = italic(argument.names.front()) + (argument.isRepeatable ? "..." : "");
    line += " " + (argument.isRequired ? name : "[" + name + "]");
  }
  return line + "\n";
}

std::string without(std::string text, std::string_view ending) {
  if (text.ends_with(ending)) text.resize(text.size() - ending.size());
  return text;
}

/// The lines at the beginning of the footer that say how the command is called, where it does.
std::string takeSynopsis(std::string& footer) {
  std::string synopsis;
  footer.erase(0, footer.find_first_not_of('\n'));
  while (footer.starts_with("callsheet ")) {
    const std::size_t end = std::min(footer.find('\n'), footer.size());
    synopsis += (synopsis.empty() ? "" : ".br\n") + bold(footer.substr(0, end)) + "\n";
    footer.erase(0, end + 1);
  }
  return synopsis;
}

}  // namespace

std::string manPageOf(const CommandFacts& root) {
  // The first line is "Callsheet: what it is.".
  const std::size_t colon = root.description.find(": ");
  const std::size_t end = std::min(root.description.find('\n'), root.description.size());
  const std::string brief = without(root.description.substr(colon + 2, end - colon - 2), ".");
  std::string commands;
  std::vector<std::string> pages;
  std::string variables;
  for (const CommandFacts& command : root.commands) {
    pages.push_back("callsheet-" + command.name);
    commands += entry(".BR " + pageReference(pages.back()), troffLine(command.description + "."));
  }
  for (const OptionFacts& option : root.options)
    if (!option.environment.empty())
      variables +=
          entry(bold(option.environment), troffLine("For " + option.names.back() + ". " + option.description + "."));
  return head("CALLSHEET") + section("NAME", "callsheet \\- " + troffText(brief) + "\n") +
         section("SYNOPSIS", bold("callsheet") + " [" + italic("OPTION") + "]... " + italic("COMMAND") + " [" +
                                 italic("ARGUMENT") + "]...\n") +
         section("DESCRIPTION", troffParagraphs(root.description.substr(end)) + ".PP\n" +
                                    troffParagraphs(without(root.footer, exitCodesText()))) +
         section("COMMANDS", commands) +
         section("OPTIONS", "They stand before or behind the command.\n" + optionEntries(root.options)) +
         section("ENVIRONMENT", variables + pairEntries(otherVariables)) + section("FILES", pairEntries(files)) +
         section("EXIT STATUS", exitEntries()) + section("SEE ALSO", references(pages));
}

std::string manPageOf(const CommandFacts& root, const CommandFacts& command) {
  const std::string name = root.name + "-" + command.name;
  std::string footer = without(command.footer, commonOptionsText);
  std::string synopsis = takeSynopsis(footer);
  if (synopsis.empty()) synopsis = synopsisOf(command);
  std::string title;
  for (const char c : name) title += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  std::string arguments;
  for (const OptionFacts& argument : command.arguments) arguments += argumentEntry(argument);
  return head(title) + section("NAME", troffCode(name) + " \\- " + troffText(command.description) + "\n") +
         section("SYNOPSIS", synopsis) +
         section("DESCRIPTION", troffParagraphs(footer.empty() ? command.description + "." : footer)) +
         section("ARGUMENTS", arguments) +
         section("OPTIONS", optionEntries(command.options) + ".PP\nThe options of all commands stand in\n.BR " +
                                pageReference(root.name) + ".\n") +
         section("EXIT STATUS", "See\n.BR " + pageReference(root.name) + ".\n") +
         section("SEE ALSO", references({root.name}));
}

}  // namespace v1
}  // namespace callsheet
