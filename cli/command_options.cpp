#include "cli/command_options.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <iterator>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::string here() {
  return currentDirectory("say with --cwd where the command is to run");
}

/// Made absolute: whoever runs the command stands elsewhere.
std::string absolute(const std::string& path) {
  return path.front() == '/' ? path : here() + "/" + path;
}

std::string readStdin() {
  std::string text(std::istreambuf_iterator<char>(std::cin), {});
  if (text.size() > limits::payloadBytesMax / 2 || findInvalidUtf8(text) != std::string::npos)
    throw Error(ErrorKind::invalid,
                "what --stdin - reads is text of at most 512 KiB; put larger or other data into a file and name that");
  return text;
}

}  // namespace

void CommandOptions::define(CLI::App& app) {
  app.add_option("--cwd", cwd, "Where the command runs (default: here)")->type_name("DIR");
  app.add_option("--env", env, "A variable for the command; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--stdin", input, "What the command reads; - is what this one reads now (default: /dev/null)")
      ->type_name("FILE");
  app.add_flag("--separate-stderr", separateStderr, "Keep what it prints to stderr apart: `log --stderr`");
  app.add_option("--max-output", outputMaxBytes, "Keep so much of its output, the end of it (default: 1G)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false).description(""));
  app.add_option("--grace", grace, "Between TERM and KILL when it is to end (default: 5s)")->type_name("DURATION");
  app.add_option("--umask", umask, "Its umask (default: 022)")->type_name("OCTAL");
  app.add_option("--nice", nice, "Its nice value, -20 to 19 (default: the daemon's)")->type_name("N");
  app.add_option("--ionice", ionice,
                 "Its I/O priority: idle, best-effort or realtime, the last two perhaps with :0 to :7")
      ->type_name("CLASS");
  app.add_option("--memory", memoryBytes, "Address space that each of its processes may have, such as 512M")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false).description(""));
  app.add_option("--cpu-time", cpuTime, "Processor time that each of its processes may take")->type_name("DURATION");
}

bool CommandOptions::isAny() const {
  return !cwd.empty() || !env.empty() || !input.empty() || umask || nice || ionice || memoryBytes || !cpuTime.empty() ||
         !grace.empty() || separateStderr || outputMaxBytes;
}

CommandSpec CommandOptions::specOf(const std::vector<std::string>& argv) const {
  using namespace std::chrono;
  CommandSpec spec;
  spec.argv = argv;
  spec.cwd = cwd.empty() ? here() : absolute(cwd);
  for (const std::string& text : env) spec.env.insert(assignmentOf("--env", text));
  if (input == "-") spec.input = readStdin();
  if (!input.empty() && input != "-") spec.stdinFile = absolute(input);
  spec.umask = umask;
  spec.nice = nice;
  spec.ionice = ionice;
  spec.memoryBytes = memoryBytes;
  if (!cpuTime.empty())
    spec.cpuSeconds = static_cast<std::uint64_t>(ceil<seconds>(durationOf("--cpu-time", cpuTime)).count());
  if (!grace.empty()) spec.graceMs = duration_cast<milliseconds>(durationOf("--grace", grace)).count();
  if (separateStderr) spec.separateStderr = true;
  spec.outputMaxBytes = outputMaxBytes;
  if (const auto why = whyRefused(spec)) throw Error(ErrorKind::invalid, *why);
  for (const std::string& text : argv)
    if (findInvalidUtf8(text) != std::string::npos)
      throw Error(ErrorKind::invalid,
                  "the command '" + printable(text) + "' is not valid UTF-8; put it into a script and add that");
  return spec;
}

}  // namespace v1
}  // namespace callsheet
