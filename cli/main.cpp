#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "callsheet/errors.h"
#include "cli/command_facts.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {
namespace {

constexpr const char* aboutText =
    "Callsheet: a durable job store that the processes of one machine share.\n"
    "\n"
    "A store is the directory LOCATION/ID.callsheet. Adding and reading jobs needs no daemon; running them needs a "
    "principal\n"
    "or an assistant.";

constexpr const char* footerText =
    "A job is named by its id, its short id (the last 8 digits) or the beginning of either.\n"
    "Data goes to stdout, messages to stderr. `callsheet wait` exits with the job's own code, `run-task` with the "
    "task's.\n";

/// What the checks of a value say is said by the descriptions, in words.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    const std::string type = option->get_type_name();
    if (const auto at = text.find(type); at != std::string::npos) text.replace(at, type.size(), valueNameOf(*option));
    return text;
  }
};

int complain(const std::string& sentence, int code) {
  // What was printed before belongs before the message, where both go to one place.
  std::fflush(stdout);
  std::fprintf(stderr, "callsheet: %s\n", sentence.c_str());
  return code;
}

void defineGlobals(CLI::App& app, Session& session) {
  app.add_option("--location", session.location,
                 "Directory that holds the store (default: /var/lib/callsheet for root,\n"
                 "else ~/.local/state/callsheet)")
      ->envname("CALLSHEET_LOCATION")
      ->type_name("DIR");
  app.add_option("--id", session.id, "Name of the store in that directory (default: default)")
      ->envname("CALLSHEET_ID")
      ->type_name("NAME");
  app.add_flag("--json", session.json, "Print JSON; every object carries \"v\":1");
  app.add_flag("--allow-foreign-filesystem", session.allowForeignFilesystem,
               "Trust the locks of a filesystem that is not known to keep them");
  app.set_version_flag("--version", "callsheet " CALLSHEET_VERSION, "Print the version");
}

/// Parses, and returns the chosen command's exit code.
int run(std::vector<std::string> arguments, Session& session) {
  // What stands behind `--` is the user's, so the parser never sees it: it would take "[a]" for a list.
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  const bool hasTrailing = mark != arguments.end();
  if (hasTrailing) session.trailing.assign(mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());

  CLI::App app(aboutText, "callsheet");
  app.footer(footerText + exitCodesText());
  app.fallthrough();
  app.require_subcommand(1, 1);
  app.formatter(std::make_shared<HelpFormatter>());
  app.get_formatter()->column_width(28);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  defineGlobals(app, session);
  Work work;
  const Command* chosen = nullptr;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    sub->fallthrough();
    sub->group("Commands");
    sub->footer("");  // it would have the one above
    Work defined = command.define(*sub);
    sub->footer((sub->get_footer().empty() ? "" : sub->get_footer() + "\n\n") + std::string(commonOptionsText));
    sub->callback([&, defined = std::move(defined)] {
      work = defined;
      chosen = &command;
    });
  }
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(std::move(arguments));
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::RequiredError& error) {
    if (!app.get_subcommands().empty()) throw Error(ErrorKind::usage, error.what());
    const auto unknown = app.remaining();
    throw Error(ErrorKind::usage, unknown.empty() ? "name a command; `callsheet --help` lists them"
                                                  : "there is no command '" + printable(unknown.front()) +
                                                        "'; `callsheet --help` lists them");
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::usage, error.what());
  }
  if (hasTrailing && !chosen->takesTrailing)
    throw Error(ErrorKind::usage, "only `callsheet add` and `callsheet schedule add` take a command behind --");
  if (session.location.empty() && chosen->needsStore) session.location = defaultLocation();
  return work(session);
}

int guarded(int argc, char** argv, Session& session) {
  try {
    const int code = run({argv + 1, argv + argc}, session);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return complain("the output cannot be written; is the disk full?", exitCodeOf(ErrorKind::io));
    return code;
  } catch (const Error& error) {
    return complain(error.what(), exitCodeOf(error.kind()));
  } catch (const std::bad_alloc&) {
    return complain("there is not enough memory", exitCodeOf(ErrorKind::unavailable));
  } catch (const std::exception& error) {
    return complain(error.what(), exitCodeOf(ErrorKind::io));
  }
}

int guardedMain(int argc, char** argv) {
  Session session;
  const int code = guarded(argc, argv, session);
  // What waits for the write lock may wait for ever, and closing the store with it. Nothing of it was promised.
  if (session.isStuck()) ::_exit(code);
  return code;
}

}  // namespace
}  // namespace v1
}  // namespace callsheet

int main(int argc, char** argv) {
  return callsheet::guardedMain(argc, argv);
}
