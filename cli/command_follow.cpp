#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/task_output.h"

namespace callsheet {
inline namespace v1 {

Work defineFollow(CLI::App& app) {
  struct Options {
    std::string id;
    OutputChoice choice{.errors = false, .follow = true, .lines = {}};
  };
  const auto options = std::make_shared<Options>();
  app.add_option("id", options->id, "The job")->required()->type_name("ID");
  app.add_option("--tail", options->choice.lines, "Begin with the last lines of what there is")->type_name("LINES");
  app.add_flag("--stderr", options->choice.errors, "What it prints to stderr, where that is kept apart");
  app.footer(
      "Prints what the job's command prints, as it comes, until the job is done; as `log --output --follow` does.\n"
      "Of a job that is tried again each attempt is printed.");
  return [options](Session& session) { return printTaskOutput(session, options->id, options->choice); };
}

}  // namespace v1
}  // namespace callsheet
