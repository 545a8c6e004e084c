
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/owner_names.h"
#include "callsheet/errors.h"
#include "callsheet/job_key.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/job_options.h"
#include "cli/json_output.h"
#include "cli/local_time.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/clock.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct AddOptions {
  std::string to;
  std::string delay;
  std::string at;
  std::optional<std::string> key;
  std::string keyWindow;
  std::vector<std::string> after;
  JobOptions job;
};

NewJob newJob(const AddOptions& options, const std::vector<std::string>& argv) {
  NewJob job = options.job.jobOf(argv);
  job.id = makeJobID();
  const std::int64_t now = SystemClock().now().utcMicros;
  if (!options.delay.empty()) {
    const std::int64_t until = timeOrDelayOf("--delay", options.delay, now);
    job.delayMicros = std::max<std::int64_t>(until - now, 0);
  }
  if (!options.at.empty()) job.notBeforeMicros = timeOf("--at", options.at, now);
  if (options.key) job.body.key = JobKey::parse(*options.key).bytes();
  if (!options.keyWindow.empty()) job.keyWindowMicros = durationOf("--key-window", options.keyWindow).count();
  return job;
}

/// "ID" or "ID:CONDITION".
std::vector<Prerequisite> prerequisitesOf(const std::vector<std::string>& texts, Session& session) {
  std::vector<Prerequisite> after;
  for (const std::string& text : texts) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    Prerequisite one;
    if (colon < text.size()) one.condition = endConditionFrom(text.substr(colon + 1));
    one.job = session.resolve(text.substr(0, colon));
    after.push_back(one);
  }
  return after;
}

void defineOptions(CLI::App& app, AddOptions& options) {
  app.add_option("--to", options.to, "Into a living assistant's queue (default: the principal's)")
      ->type_name("DIRECTOR");
  app.add_option("--delay", options.delay, "Not before this long from now, or a time as for --at")
      ->type_name("DURATION");
  app.add_option("--at", options.at,
                 "Not before this time: 10:30, 'tomorrow 10:30', 'monday 9:00' by this machine's clock, or\n"
                 "2030-01-31T06:20:00Z")
      ->type_name("TIME");
  app.add_option("--key", options.key, "A name for this piece of work: a second job of that key is not added")
      ->type_name("KEY");
  app.add_option("--key-window", options.keyWindow,
                 "How long the key counts, also when the job is done (default: as long as the done\njob is kept)")
      ->type_name("DURATION");
  app.add_option("--after", options.after,
                 "Run only when that job has succeeded; with a condition when it has ended so: success,\n"
                 "failure or always. May be repeated, or a list with commas")
      ->type_name("ID[:CONDITION]")
      ->delimiter(',')
      ->allow_extra_args(false);
  options.job.define(app);
  app.footer(
      "callsheet add [OPTIONS] -- COMMAND...\n"
      "callsheet add [OPTIONS] --kind KIND [--params JSON]\n"
      "\nPrints the job's id when the job is durable. Needs no daemon, and makes the store when there is none.\n"
      "Durations are written 250ms, 90s, 1h30m or 7d; a bare number counts seconds.\n"
      "A command runs without a shell, where you are now. Of the environment of the daemon that runs it, it gets\n"
      "PATH, HOME, LANG and their like; --env adds to them.");
}

int add(const AddOptions& options, Session& session) {
  options.job.requireOneKindOfWork(session.trailing, "callsheet add");
  Submit verb;
  verb.ownerName = options.to == principalWord ? "" : options.to;
  verb.jobs.push_back(newJob(options, session.trailing));
  const JobID id = verb.jobs.front().id;
  verb.jobs.front().body.after = prerequisitesOf(options.after, session);
  const auto answer = session.accessOrMake().store().apply(std::move(verb));
  SubmittedJob job;
  job.verdict = answer.verdict;
  job.id = id;
  job.why = answer.why;
  if (!answer.jobs.empty()) job = answer.jobs.front();
  const bool isDuplicate = job.verdict == Verdict::duplicate;
  if (!isAccepted(job.verdict) && !isDuplicate)
    throw errorOf(Answer{job.verdict, job.why},
                  job.verdict == Verdict::unknown ? "job " + id.toString() : "nothing was added");
  if (session.json) {
    Json json = versioned();
    json["id"] = job.id.toString();
    json["shortId"] = shortIDOf(job.id);
    json["outcome"] = isDuplicate ? "duplicate" : "accepted";
    printJson(json);
    return 0;
  }
  if (isDuplicate)
    tell("nothing was added: the key '" + printable(options.key.value_or("")) + "' stands for this job already");
  printLine(job.id.toString());
  return 0;
}

}  // namespace

Work defineAdd(CLI::App& app) {
  const auto options = std::make_shared<AddOptions>();
  defineOptions(app, *options);
  return [options](Session& session) { return add(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
