#include <fmt/format.h>

#include "cli/completion_scripts.h"
#include "cli/completion_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view script = R"(# callsheet in fish: what `callsheet completion fish` prints.

# Whether the option of the command takes the next word.
function __callsheet_takes -a command option
    switch "$command $option"
        case @OPTIONS@
            return 0
    end
    return 1
end

# Whether the line is not yet behind --, where a command of the user's stands.
function __callsheet_open
    not contains -- -- (commandline -opc)
end

# Whether the line stands at that command ('' before there is one), and at the argument of that number, or behind it.
function __callsheet_at -a command number behind
    __callsheet_open; or return 1
    set -l tokens (commandline -opc)
    set -l at ''
    set -l arguments 0
    set -l takes 0
    for token in $tokens[2..]
        if test $takes = 1
            set takes 0
            continue
        end
        switch $token
            case '--*=*'
            case '-*'
                __callsheet_takes "$at" $token; and set takes 1
            case '*'
                if test -z "$at"
                    set at $token
                else
                    set arguments (math $arguments + 1)
                end
        end
    end
    test "$at" = "$command"; or return 1
    test -z "$number"; or test $arguments -eq $number; or test -n "$behind" -a $arguments -gt $number
end

# The words of that type that the store knows; fish quotes them for the line.
function __callsheet_words -a type
    set -l tokens (commandline -opc)
    set -l store
    set -l name
    for token in $tokens[2..]
        if test -n "$name"
            set -a store $name=(string replace -r '^~/' "$HOME/" -- $token)
            set name
            continue
        end
        switch $token
            case @VALUES@
                set name $token
            case @SETTINGS@ @FLAGS@
                set -a store $token
        end
    end
    set -l prefix (string replace -r '^--[^=]*=' '' -- (commandline -ct))
    command callsheet $store complete-words $type (string match -v '' -- $prefix) 2>/dev/null </dev/null
end

# What completes the command behind --.
function __callsheet_behind
    set -l tokens (commandline -opc)
    set -e tokens[1..(contains -i -- -- $tokens)]
    complete -C (string join -- ' ' (string escape -- $tokens) (commandline -ct))
end

complete -c callsheet -f
complete -c callsheet -n 'not __callsheet_open' -a '(__callsheet_behind)'
@LINES@)";

/// One word of fish, whatever is in it.
std::string quoted(std::string_view text) {
  return "'" + escaped(text, "\\'") + "'";
}

/// fish would take an unquoted pattern for names of files.
std::string allQuoted(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  for (const std::string& word : words) all.push_back(quoted(word));
  return joined(all, " ");
}

std::string takes(const OptionFacts& option) {
  switch (completionOf(option)) {
    case Completion::choices:
      return " -x -a " + quoted(joined(option.choices, " "));
    case Completion::file:
      return " -r -F";
    case Completion::directory:
      return " -x -a '(__fish_complete_directories)'";
    case Completion::words:
      return " -x -k -a " + quoted("(__callsheet_words " + quoted(option.value) + ")");
    case Completion::none:
      return option.value.empty() ? "" : " -x";
  }
  return "";
}

/// The condition that the line stands there, quoted.
std::string at(const std::string& command) {
  return "\"__callsheet_at " + (command.empty() ? "''" : command) + "\"";
}

/// Under that condition, which is quoted.
std::string optionLine(const std::string& condition, const OptionFacts& option) {
  std::string line = "complete -c callsheet -n " + condition;
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  return line + takes(option) + " -d " + quoted(option.description) + "\n";
}

std::string linesOf(const CommandFacts& command) {
  std::string lines =
      fmt::format("complete -c callsheet -n {} -a {} -d {}\n", at(""), command.name, quoted(command.description));
  for (const OptionFacts& option : command.options) lines += optionLine(at(command.name), option);
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const OptionFacts& argument = command.arguments[i];
    if (completionOf(argument) == Completion::none) continue;
    const std::string place = fmt::format("{} {}{}", command.name, i, argument.isRepeatable ? " behind" : "");
    lines += "complete -c callsheet -n " + at(place) + takes(argument) + "\n";
  }
  return lines;
}

}  // namespace

std::string fishScript(const CommandFacts& root) {
  std::vector<std::string> options;
  std::string lines;
  const auto addTaking = [&](const std::string& command, const std::vector<OptionFacts>& all) {
    for (const OptionFacts& option : all)
      for (const std::string& name : option.names)
        if (!option.value.empty()) options.push_back(fmt::format("{} {}", command, name));
  };
  addTaking("*", root.options);
  for (const OptionFacts& option : root.options)
    lines += optionLine(option.isForAll ? "__callsheet_open" : at(""), option);
  for (const CommandFacts& command : root.commands) {
    addTaking(command.name, command.options);
    lines += linesOf(command);
  }
  return filled(script, {{"@OPTIONS@", allQuoted(options)},
                         {"@VALUES@", allQuoted(commonNames(root, true))},
                         {"@SETTINGS@", allQuoted(ending(commonNames(root, true), "=*"))},
                         {"@FLAGS@", allQuoted(commonNames(root, false))},
                         {"@LINES@", lines}});
}

}  // namespace v1
}  // namespace callsheet
