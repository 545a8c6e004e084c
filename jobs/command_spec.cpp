#include "jobs/command_spec.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view forCommands[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"};

bool hasZero(const std::string& text) {
  return text.find('\0') != text.npos;
}

}  // namespace

std::optional<std::string> whyRefused(const CommandSpec& spec) {
  if (spec.argv.empty() || spec.argv.front().empty()) return "A command needs the name of its program.";
  for (const auto& argument : spec.argv)
    if (hasZero(argument)) return "An argument of a command must not hold a zero byte.";
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != name.npos || hasZero(name))
      return "The name of an environment variable must not be empty, and hold neither '=' nor a zero byte.";
    if (hasZero(value)) return "The value of an environment variable must not hold a zero byte.";
  }
  if (hasZero(spec.cwd)) return "A working directory must not hold a zero byte.";
  return std::nullopt;
}

std::vector<std::string> environmentFor(const CommandSpec& spec) {
  std::vector<std::string> environment;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto name = text.substr(0, text.find('='));
    const bool isWanted = name.starts_with("LC_") ||
                          std::find(std::begin(forCommands), std::end(forCommands), name) != std::end(forCommands);
    if (isWanted && !spec.env.contains(std::string(name))) environment.emplace_back(text);
  }
  for (const auto& [name, value] : spec.env) environment.emplace_back(name).append("=").append(value);
  return environment;
}

std::vector<std::string> programsFor(const std::string& name, const std::vector<std::string>& environment) {
  if (name.find('/') != name.npos) return {name};
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& variable : environment)
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  std::vector<std::string> programs;
  for (;;) {
    const auto colon = path.find(':');
    const auto directory = path.substr(0, colon);
    programs.push_back(directory.empty() ? "./" + name : std::string(directory) + "/" + name);
    if (colon == path.npos) return programs;
    path.remove_prefix(colon + 1);
  }
}

}  // namespace v1
}  // namespace callsheet
