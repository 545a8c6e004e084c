#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/change_watcher.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/values.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct WaitOptions {
  std::vector<std::string> ids;
  std::string timeout;
};

/// Jobs that are waited for, in the order in which they were named.
class Waiting {
 public:
  Waiting(LmdbJobStore& store, std::vector<JobID> ids) : store_(store), ids_(std::move(ids)) {}

  /// Looks at those that are not over yet; whether all are.
  bool look() {
    for (const JobID id : ids_) {
      if (over_.contains(id)) continue;
      auto job = store_.find(id);
      if (!job) throw Error(ErrorKind::notFound, "job " + id.toString() + " was removed while it was waited for");
      if (isOver(job->row)) over_.emplace(id, *std::move(job));
    }
    return over_.size() == ids_.size();
  }

  [[nodiscard]] int exitCode() const {
    for (const JobID id : ids_)
      if (const int code = codeOf(id); code != 0) return code;
    return 0;
  }

  void printText() const {
    for (const JobID id : ids_) {
      const auto job = over_.find(id);
      if (job == over_.end())
        tell("job " + shortIDOf(id) + " is not done yet");
      else
        printLine(fmt::format("{}  {}  exit {}", id.toString(), stateText(job->second.row), codeOf(id)));
    }
  }

  void printAsJson(bool timedOut) const {
    const OwnerNames names(store_.incarnations());
    Json json = versioned();
    json["timedOut"] = timedOut;
    json["exitCode"] = timedOut ? exitTimeOut : exitCode();
    json["jobs"] = Json::array();
    for (const JobID id : ids_) {
      const auto over = over_.find(id);
      Json job;
      job["id"] = id.toString();
      job["exitCode"] = over == over_.end() ? Json(nullptr) : Json(codeOf(id));
      job["job"] = over == over_.end() ? Json(nullptr) : jobJson(over->second, names);
      json["jobs"].push_back(std::move(job));
    }
    printJson(json);
  }

 private:
  [[nodiscard]] int codeOf(JobID id) const {
    const auto job = over_.find(id);
    if (job == over_.end()) return exitTimeOut;
    return job->second.row.state == JobState::done ? exitCodeOfJob(job->second) : exitCanceled;
  }

  LmdbJobStore& store_;
  const std::vector<JobID> ids_;
  std::map<JobID, JobView> over_;
};

int wait(const WaitOptions& options, Session& session) {
  auto until = ChangeWatcher::Time::max();
  if (!options.timeout.empty()) until = std::chrono::steady_clock::now() + durationOf("--timeout", options.timeout);
  // Opening may have to wait for others; until it has, a signal simply ends this process.
  (void)session.access();
  StopSignals signals;
  Waiting waiting(session.store(), session.resolveAll(options.ids));
  ChangeWatcher watcher(session.access(), signals);
  bool isOver = waiting.look();
  while (!isOver && std::chrono::steady_clock::now() < until) {
    if (const auto signal = watcher.waitForChange(until)) return 128 + *signal;
    isOver = waiting.look();
  }
  session.json ? waiting.printAsJson(!isOver) : waiting.printText();
  return isOver ? waiting.exitCode() : exitTimeOut;
}

}  // namespace

Work defineWait(CLI::App& app) {
  const auto options = std::make_shared<WaitOptions>();
  app.add_option("ids", options->ids, "The jobs")->required()->type_name("ID");
  app.add_option("--timeout", options->timeout, "Wait no longer than this")->type_name("DURATION");
  app.footer(
      "Exits with the job's own code: the command's exit code, 128 + the signal that ended it, 0 for success and 1 for "
      "failure of\n"
      "other kinds, 125 for a job that was canceled or stands in quarantine, 124 when the time is over. Of several "
      "jobs the\n"
      "first code that is not 0 counts, in the order in which they are named.");
  return [options](Session& session) { return wait(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
