#include <fmt/format.h>

#include "cli/completion_scripts.h"
#include "cli/completion_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view script = R"(#compdef callsheet
# callsheet in zsh: what `callsheet completion zsh` prints.

# Adds the words of that type that the store knows; zsh quotes them for the line.
_callsheet_words() {
  local -a store names shown expl
  local -i i
  local name value
  # What says which store the line is about; what the shell would expand is not known here.
  for ((i = 1; i <= $#typed; ++i)); do
    case $typed[i] in
      (@VALUES@)
        name=${typed[i]%%=*}
        [[ $typed[i] == *=* ]] && value=${typed[i]#*=} || value=$typed[++i]
        [[ $value == *[\$\`]* ]] || store+=("$name=${${(Q)value}/#\~\//$HOME/}") ;;
      (@FLAGS@) store+=("$typed[i]") ;;
    esac
  done
  while IFS=$'\t' read -r name value; do
    names+=("$name")
    shown+=("$name${value:+  -- $value}")
  done < <(command callsheet $store complete-words "$1" ${PREFIX:+"${(Q)PREFIX}"} 2>/dev/null </dev/null)
  _wanted -V words expl "$1" compadd -l -d shown -a names
}

_callsheet_commands() {
  local -a commands=(
@COMMANDS@  )
  _describe -t commands command commands
}

_callsheet() {
  local curcontext=$curcontext state ret=1
  local -i mark=${words[(ie)--]}
  if ((mark < CURRENT)); then
    words=("${(@)words[mark+1,-1]}")
    ((CURRENT -= mark))
    _normal
    return
  fi
  local -a line typed=("${(@)words[2,CURRENT-1]}") common
  local -A opt_args
  common=(
@COMMON@  )
  _arguments -C -A '-*' $common \
@ROOT@    '1:command:_callsheet_commands' '*::argument:->argument' && ret=0
  [[ $state == argument ]] || return ret
  curcontext=${curcontext%:*:*}:callsheet-$line[1]:
  case $line[1] in
@CASES@  esac
  return ret
}

_callsheet "$@"
)";

/// The explanation of an option, which ends at a bracket.
std::string explained(const std::string& text) {
  return "[" + escaped(text, "\\[]:") + "]";
}

/// What a value is called and how it is completed.
std::string takes(const OptionFacts& option) {
  const auto action = [&]() -> std::string {
    switch (completionOf(option)) {
      case Completion::choices:
        return "(" + joined(option.choices, " ") + ")";
      case Completion::file:
        return "_files";
      case Completion::directory:
        return "_files -/";
      case Completion::words:
        // With a space in front it gets no arguments but this.
        return " _callsheet_words " + shellQuoted(option.value);
      case Completion::none:
        break;
    }
    return " ";  // nothing but the name
  };
  return escaped(option.value, "\\:") + ":" + action();
}

/// One line a name, each one word.
std::string optionLines(const OptionFacts& option, std::string_view ending) {
  std::string lines;
  for (const std::string& name : option.names) {
    std::string spec = option.isRepeatable ? "*" : "(" + joined(option.names, " ") + ")";
    spec += name;
    if (!option.value.empty()) spec += name.starts_with("--") ? "=" : "+";
    spec += explained(option.description);
    if (!option.value.empty()) spec += ":" + takes(option);
    lines += fmt::format("    {}{}\n", shellQuoted(spec), ending);
  }
  return lines;
}

std::string caseOf(const CommandFacts& command) {
  std::string text = fmt::format("    ({})\n      _arguments $common \\\n", command.name);
  for (const OptionFacts& option : command.options) text += optionLines(option, " \\");
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const OptionFacts& argument = command.arguments[i];
    const std::string place = argument.isRepeatable ? "*" : std::to_string(i + 1);
    text += fmt::format("    {} \\\n", shellQuoted(place + ":" + takes(argument)));
  }
  return text + "        && ret=0 ;;\n";
}

}  // namespace

std::string zshScript(const CommandFacts& root) {
  std::string commands;
  std::string common;
  std::string ofRoot;
  std::string cases;
  for (const OptionFacts& option : root.options)
    (option.isForAll ? common : ofRoot) += optionLines(option, option.isForAll ? "" : " \\");
  for (const CommandFacts& command : root.commands) {
    commands += fmt::format("    {}\n", shellQuoted(command.name + ":" + escaped(command.description, "\\:")));
    cases += caseOf(command);
  }
  return filled(script, {{"@VALUES@", joined(ending(commonNames(root, true), "(|=*)"), "|")},
                         {"@FLAGS@", joined(commonNames(root, false), "|")},
                         {"@COMMANDS@", commands},
                         {"@COMMON@", common},
                         {"@ROOT@", ofRoot},
                         {"@CASES@", cases}});
}

}  // namespace v1
}  // namespace callsheet
