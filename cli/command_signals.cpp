#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "callsheet/errors.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "jobs/shim_environment.h"

// What is said to running commands by their shims, which need no daemon for it.
namespace callsheet {
inline namespace v1 {

namespace {

struct Running {
  JobID job;
  RunningTask task;
};

/// All of them, or an Error, so that with one wrong id nothing is done.
std::vector<Running> runningCommands(Session& session, ShimEnvironment& environment,
                                     const std::vector<std::string>& ids) {
  std::vector<Running> all;
  for (const JobID id : session.resolveAll(ids)) {
    const auto row = session.store().peek(id);
    auto task = row ? environment.running({id, row->execID, row->attempt}) : std::nullopt;
    if (!task) throw Error(ErrorKind::invalid, "job " + id.toString() + " runs no command now");
    all.push_back({id, std::move(*task)});
  }
  return all;
}

int signalAll(const Session& session, ShimEnvironment& environment, const std::vector<Running>& all, TaskSignal signal,
              const char* word) {
  Json jobs = Json::array();
  for (const Running& one : all) {
    environment.signal(one.task, signal);
    if (!session.json) printLine(one.job.toString() + "  " + word);
    jobs.push_back({{"id", one.job.toString()}, {"outcome", word}});
  }
  if (!session.json) return 0;
  Json json = versioned();
  json["jobs"] = std::move(jobs);
  printJson(json);
  return 0;
}

int signalCommands(Session& session, const std::vector<std::string>& ids, TaskSignal signal, const char* word) {
  ShimEnvironment environment(session.access().directory());
  return signalAll(session, environment, runningCommands(session, environment, ids), signal, word);
}

int kill(Session& session, const std::vector<std::string>& ids) {
  ShimEnvironment environment(session.access().directory());
  const auto running = runningCommands(session, environment, ids);
  // The store first: however the commands end, their jobs are canceled then.
  for (const Running& one : running) {
    const auto answer = session.store().apply(Cancel{one.job, "killed"});
    if (!isAccepted(answer.verdict)) throw errorOf(answer, "job " + one.job.toString());
  }
  return signalAll(session, environment, running, TaskSignal::kill, "killed");
}

std::shared_ptr<std::vector<std::string>> defineIds(CLI::App& app, const std::string& footer) {
  auto ids = std::make_shared<std::vector<std::string>>();
  app.add_option("ids", *ids, "Jobs whose commands run")->required()->type_name("ID");
  app.footer(footer);
  return ids;
}

}  // namespace

Work defineKill(CLI::App& app) {
  const auto ids = defineIds(app,
                             "Ends the commands at once, with all that they started, and cancels their jobs. `cancel`\n"
                             "asks first, with TERM, and kills after the command's grace. Needs no daemon.");
  return [ids](Session& session) { return kill(session, *ids); };
}

Work definePause(CLI::App& app) {
  const auto ids =
      defineIds(app, "Stops the processes of running commands until `resume`. Time limits go on. Needs no daemon.");
  return [ids](Session& session) { return signalCommands(session, *ids, TaskSignal::pause, "paused"); };
}

Work defineResume(CLI::App& app) {
  const auto ids = defineIds(app, "Lets paused commands go on. Needs no daemon.");
  return [ids](Session& session) { return signalCommands(session, *ids, TaskSignal::resume, "resumed"); };
}

}  // namespace v1
}  // namespace callsheet
