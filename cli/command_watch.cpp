#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/change_watcher.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/log_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// Prints what is new about one job each time it is looked at.
class Follower {
 public:
  Follower(LmdbJobStore& store, JobID id, bool json) : store_(store), id_(id), json_(json) {}

  /// The job as it stands.
  JobView look() {
    // Everything that the job's row counts is in the log when the log is read after it, so the last line is never
    // missed.
    auto job = store_.find(id_);
    if (!job) throw Error(ErrorKind::notFound, "job " + id_.toString() + " was removed while it was watched");
    const auto entries = readWholeLog(store_, id_, nextEntry_);
    const OwnerNames names(store_.incarnations());
    for (const LogEntry& entry : entries) printEntry(entry, names);
    if (!entries.empty()) nextEntry_ = entries.back().index + 1;
    printProgress(job->row);
    if (json_ && isOver(job->row)) {
      Json line = versioned();
      line["job"] = jobJson(*job, names);
      printJsonLine(line);
    }
    std::fflush(stdout);
    return *std::move(job);
  }

 private:
  void printEntry(const LogEntry& entry, const OwnerNames& names) {
    if (!json_) return printLine(logLine(entry, names));
    Json line = versioned();
    line["entry"] = logEntryJson(entry, names);
    printJsonLine(line);
  }

  void printProgress(const JobRow& row) {
    if (row.state != JobState::inProgress || (row.progress == progress_ && row.progressText == progressText_)) return;
    progress_ = row.progress;
    progressText_ = row.progressText;
    if (!json_) return printLine(fmt::format("{:>3.0f}% {}", row.progress * 100, printable(row.progressText)));
    Json line = versioned();
    line["progress"] = row.progress;
    line["progressText"] = row.progressText;
    printJsonLine(line);
  }

  LmdbJobStore& store_;
  const JobID id_;
  const bool json_;
  std::uint32_t nextEntry_ = 0;
  float progress_ = 0;
  std::string progressText_;
};

}  // namespace

Work defineWatch(CLI::App& app) {
  const auto id = std::make_shared<std::string>();
  app.add_option("id", *id, "The job")->required()->type_name("ID");
  app.footer(
      "Prints each transition and progress as it happens, from the job's beginning on, and ends when the job is done\n"
      "or stands in quarantine.\n"
      "With --json: one object a line, {\"entry\":...}, {\"progress\":...}, and at the end {\"job\":...}.");
  return [id](Session& session) {
    // Opening may have to wait for others; until it has, a signal simply ends this process.
    (void)session.access();
    StopSignals signals;
    const JobID job = session.resolve(*id);
    ChangeWatcher watcher(session.access(), signals);
    Follower follower(session.store(), job, session.json);
    for (;;) {
      const JobRow row = follower.look().row;
      if (row.waitingFor == WaitReason::quarantine)
        tell("job " + shortIDOf(job) +
             " stands in quarantine and does not go on by itself; `callsheet cancel` ends it");
      if (isOver(row)) return 0;
      if (const auto signal = watcher.waitForChange()) return 128 + *signal;
    }
  };
}

}  // namespace v1
}  // namespace callsheet
