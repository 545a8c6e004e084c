#include <fmt/format.h>

#include "cli/completion_scripts.h"
#include "cli/completion_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view script = R"(# callsheet in bash: what `callsheet completion bash` prints.

# These set `takes` to what an option or an argument of a command takes: FILE, DIR, "= WORD...", "@TYPE" for what the
# store knows, - for anything else. It is left as it is, empty, where nothing comes.
_callsheet_option() {
  case "$1 $2" in
@OPTIONS@  esac
}
_callsheet_argument() {
  case "$1 $2" in
@ARGUMENTS@  esac
}
_callsheet_names() {
  case $1 in
@NAMES@  esac
}

# Keeps in `store` what says which store the line is about. What the shell would expand is not known here.
_callsheet_store() {
  local value=${1#*=}
  case $1 in
    *[\$\`]*) ;;
    @VALUES@) value=${value//[\\\"\']/}; store+=("${1%%=*}=${value/#\~\//$HOME/}") ;;
    @FLAGS@) store+=("$1") ;;
  esac
}

# Adds the words that the store knows and that begin with $cur, quoted for the line.
_callsheet_words() {
  local word
  while IFS= read -r word; do
    printf -v word %q "${word%%$'\t'*}"
    [[ $word != "$cur"* ]] || COMPREPLY+=("$word")
  done < <(command callsheet "${store[@]}" complete-words "$1" ${cur:+"${cur//\\/}"} 2>/dev/null </dev/null)
  compopt -o nosort 2>/dev/null
}

_callsheet() {
  local IFS=$' \t\n' command='' option='' takes='' names='' cur='' before='' word='' part=${COMP_WORDS[COMP_CWORD]}
  local -i arguments=0 behind=0 i
  local -a words=() store=()
  # readline takes words apart at = and :.
  for ((i = 1; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if ((${#words[@]})) && [[ $word == [=:]* || ${words[-1]} == *[=:] ]] && [[ $COMP_LINE == *"${words[-1]}$word"* ]]
    then words[-1]+=$word
    else words+=("$word")
    fi
  done
  cur=${words[-1]}
  unset 'words[-1]'
  for word in "${words[@]}"; do
    if ((behind)); then behind+=1
    elif [[ $takes ]]; then _callsheet_store "$option=$word"; takes=''
    elif [[ $word == -- ]]; then behind=1
    elif [[ $word == --*=* ]]; then _callsheet_store "$word"
    elif [[ $word == -* ]]; then option=$word; _callsheet_option "$command" "$word"; _callsheet_store "$word"
    elif [[ ! $command ]]; then command=$word
    else arguments+=1
    fi
  done
  COMPREPLY=()
  if ((behind)); then
    ((behind > 1)) || mapfile -t COMPREPLY < <(compgen -c -- "$cur")
    compopt -o default 2>/dev/null
    return
  fi
  if [[ ! $takes && $cur == --*=* ]]; then
    before=${cur%%=*}=
    _callsheet_option "$command" "${cur%%=*}"
    cur=${cur#*=}
  elif [[ ! $takes && $cur == -* ]]; then
    _callsheet_names "$command"
    takes="= $names"
  elif [[ ! $takes ]]; then
    _callsheet_argument "$command" "$arguments"
  fi
  case $takes in
    FILE) compopt -o default 2>/dev/null ;;
    DIR) compopt -o dirnames 2>/dev/null ;;
    '= '*) mapfile -t COMPREPLY < <(compgen -W "${takes#= }" -- "$cur") ;;
    @*) _callsheet_words "${takes#@}" ;;
  esac
  # readline puts back only the part that it took.
  [[ $part != [=:]* ]] || part=''
  cur=$before$cur
  COMPREPLY=("${COMPREPLY[@]/#/$before}")
  COMPREPLY=("${COMPREPLY[@]#"${cur%"$part"}"}")
}

complete -F _callsheet callsheet
)";

std::string takes(const OptionFacts& option) {
  switch (completionOf(option)) {
    case Completion::choices:
      return shellQuoted("= " + joined(option.choices, " "));
    case Completion::file:
    case Completion::directory:
      return option.value;
    case Completion::words:
      return shellQuoted("@" + option.value);
    case Completion::none:
      break;
  }
  return "-";
}

std::string takesLine(const std::string& pattern, const std::string& value) {
  return fmt::format("    {}) takes={} ;;\n", pattern, value);
}

/// A line for each name of each option that takes something.
std::string optionLines(const std::string& command, const std::vector<OptionFacts>& options) {
  std::string lines;
  for (const OptionFacts& option : options)
    for (const std::string& name : option.names)
      if (!option.value.empty())
        lines += takesLine(
            command.empty() ? "*" + shellQuoted(" " + name) : shellQuoted(fmt::format("{} {}", command, name)),
            takes(option));
  return lines;
}

std::string argumentLines(const CommandFacts& command) {
  std::string lines;
  for (std::size_t i = 0; i < command.arguments.size(); ++i) {
    const OptionFacts& argument = command.arguments[i];
    lines +=
        takesLine(shellQuoted(command.name + " ") + (argument.isRepeatable ? "*" : std::to_string(i)), takes(argument));
  }
  return lines;
}

std::string namesLine(const std::string& pattern, const std::vector<std::string>& names) {
  return fmt::format("    {}) names={} ;;\n", pattern, shellQuoted(joined(names, " ")));
}

}  // namespace

std::string bashScript(const CommandFacts& root) {
  const std::vector<std::string> common = namesOf(commonOptions(root));
  std::vector<std::string> commands;
  std::string options = optionLines("", root.options);
  std::string arguments;
  std::string names = namesLine("''", namesOf(root.options));
  for (const CommandFacts& command : root.commands) {
    commands.push_back(command.name);
    options += optionLines(command.name, command.options);
    arguments += argumentLines(command);
    std::vector<std::string> all = namesOf(command.options);
    all.insert(all.end(), common.begin(), common.end());
    names += namesLine(command.name, all);
  }
  return filled(script, {{"@OPTIONS@", options},
                         {"@ARGUMENTS@", takesLine("' 0'", shellQuoted("= " + joined(commands, " "))) + arguments},
                         {"@NAMES@", names},
                         {"@VALUES@", joined(ending(commonNames(root, true), "=*"), "|")},
                         {"@FLAGS@", joined(commonNames(root, false), "|")}});
}

}  // namespace v1
}  // namespace callsheet
