#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "cli/change_watcher.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/log_text.h"
#include "cli/task_output.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct LogOptions {
  std::string id;
  bool output = false;
  bool errors = false;
  bool follow = false;
  std::optional<std::size_t> tail;
  std::uint32_t from = 0;
  std::size_t limit = limits::pageRowsMax;
};

/// Prints each transition as it comes, until the job is over.
int follow(const LogOptions& options, Session& session) {
  // Opening may have to wait for others; until it has, a signal simply ends this process.
  (void)session.access();
  StopSignals signals;
  const JobID id = session.resolve(options.id);
  ChangeWatcher watcher(session.access(), signals);
  for (std::uint32_t next = options.from;;) {
    // The row first: everything that it counts is in the log when that is read after it.
    const auto job = session.store().find(id);
    if (!job) throw Error(ErrorKind::notFound, "job " + id.toString() + " was removed while its log was followed");
    const OwnerNames names(session.store().incarnations());
    for (const LogEntry& entry : readWholeLog(session.store(), id, next)) {
      next = entry.index + 1;
      if (!session.json) {
        printLine(logLine(entry, names));
        continue;
      }
      Json line = versioned();
      line["entry"] = logEntryJson(entry, names);
      printJsonLine(line);
    }
    std::fflush(stdout);
    if (isOver(job->row)) return 0;
    if (const auto signal = watcher.waitForChange()) return 128 + *signal;
  }
}

int log(const LogOptions& options, Session& session) {
  if (options.output || options.errors || options.tail)
    return printTaskOutput(session, options.id, {options.errors, options.follow, options.tail});
  if (options.follow) return follow(options, session);
  const JobID id = session.resolve(options.id);
  const auto job = session.store().find(id);
  if (!job) throw Error(ErrorKind::notFound, "job " + id.toString() + " was removed just now");
  const auto entries = session.store().readLog(id, options.from, options.limit);
  const OwnerNames names(session.store().incarnations());
  const bool isMore = !entries.empty() && entries.back().index + 1 < job->row.logCount;
  if (session.json) {
    Json json = versioned();
    json["id"] = id.toString();
    json["entries"] = Json::array();
    for (const LogEntry& entry : entries) json["entries"].push_back(logEntryJson(entry, names));
    json["next"] = isMore ? Json(std::to_string(entries.back().index + 1)) : Json(nullptr);
    printJson(json);
    return 0;
  }
  for (const LogEntry& entry : entries) printLine(logLine(entry, names));
  if (isMore) tell(fmt::format("there is more: the same command with --page {}", entries.back().index + 1));
  const auto command = commandOutcomeOf(*job);
  if (isMore || !command || command->output.empty()) return 0;
  printLine("");
  print(printableLines(command->output));
  return 0;
}

}  // namespace

Work defineLog(CLI::App& app) {
  const auto options = std::make_shared<LogOptions>();
  app.add_option("id", options->id, "The job")->required()->type_name("ID");
  app.add_flag("--output", options->output, "Only what the job's command printed, raw");
  app.add_flag("--stderr", options->errors, "Only what it printed to stderr, where that is kept apart");
  app.add_option("--tail", options->tail, "Only the last lines of what it printed")->type_name("LINES");
  app.add_flag("--follow", options->follow,
               "Go on as it comes, transitions or output, until the job is done or in quarantine; with --json one a\n"
               "line");
  app.add_option("--limit", options->limit, "At most so many transitions (default: 1000)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, limits::pageRowsMax));
  app.add_option("--page", options->from, "Go on where a former page ended: its \"next\"")->type_name("TOKEN");
  app.footer("Prints each transition with its time, and below them what the job's command printed.");
  return [options](Session& session) { return log(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
