#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "api/owner_names.h"
#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/daemon.h"

namespace callsheet {
inline namespace v1 {

Work defineAssistant(CLI::App& app) {
  struct Options : DaemonOptions {
    std::string name;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("name", options->name, "The assistant's name; one living assistant a name")
      ->required()
      ->type_name("NAME");
  defineDaemonOptions(app, *options, false);
  app.footer(
      "Runs in the foreground and logs to stderr. It runs the jobs of its own queue (callsheet add --to NAME), with or "
      "without a\n"
      "principal. When it stops, dies or hangs, its jobs go to the principal.\n"
      "TERM or INT: stop within the grace. A second one: exit at once. HUP: logged. A second assistant of the same "
      "name exits\n"
      "with 75, one that was fenced for good with 76.");
  return [options](Session& session) {
    if (options->name == principalWord)
      throw Error(ErrorKind::invalid,
                  "an assistant cannot be named 'principal', that is the principal's name; choose another");
    return runDaemon(session, JobDirectorMode::assistant(options->name), *options);
  };
}

}  // namespace v1
}  // namespace callsheet
