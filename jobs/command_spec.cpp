#include "jobs/command_spec.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::string_view forCommands[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"};

bool hasZero(const std::string& text) {
  return text.find('\0') != text.npos;
}

bool isOctal(const std::string& text) {
  return !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == text.npos;
}

std::optional<std::string> whyOptionsAreRefused(const CommandSpec& spec) {
  if (spec.stdinFile && spec.input) return "A command reads a file or a text, not both.";
  if (spec.stdinFile && (spec.stdinFile->empty() || hasZero(*spec.stdinFile)))
    return "The file that a command reads needs a name without a zero byte.";
  if (spec.umask && !isOctal(*spec.umask)) return "A umask is up to four octal digits, such as 027.";
  if (spec.nice && (*spec.nice < -20 || *spec.nice > 19)) return "A nice value is -20 to 19.";
  if (spec.ionice && !ioPriorityOf(*spec.ionice))
    return "An I/O priority is idle, best-effort, realtime, or one of the last two with :0 to :7 behind it.";
  if (spec.memoryBytes == 0 || spec.cpuSeconds == 0 || spec.outputMaxBytes == 0)
    return "A command's limits are more than 0.";
  if (spec.graceMs && *spec.graceMs < 0) return "The time between TERM and KILL is not negative.";
  return std::nullopt;
}

}  // namespace

std::optional<IoPriority> ioPriorityOf(const std::string& text) {
  if (text == "idle") return IoPriority{3, 0};
  for (const auto& [name, ioClass] : {std::pair{"realtime", 1}, std::pair{"best-effort", 2}}) {
    const std::string prefix = name;
    if (text == prefix) return IoPriority{ioClass, 4};
    if (text.size() == prefix.size() + 2 && text.starts_with(prefix + ":") && text.back() >= '0' && text.back() <= '7')
      return IoPriority{ioClass, text.back() - '0'};
  }
  return std::nullopt;
}

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
  return whyOptionsAreRefused(spec);
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
