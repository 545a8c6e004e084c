
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/owner_names.h"
#include "callsheet/errors.h"
#include "callsheet/job_key.h"
#include "callsheet/json_archive.h"
#include "callsheet/limits.h"
#include "cli/answers.h"
#include "cli/command_options.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/local_time.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/clock.h"
#include "core/json_payload.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct AddOptions {
  std::string to;
  int priority = 0;
  std::string delay;
  std::string at;
  std::uint32_t retries = 0;
  std::string retryDelay;
  std::optional<std::string> key;
  std::string keyWindow;
  std::string queue = "default";
  std::vector<std::string> labels;
  std::vector<std::string> after;
  std::string limit;
  CommandOptions command;
  std::string kind;
  std::string parameters;
  std::string parametersFile;
  std::vector<std::string> stray;
};

std::string readAll(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw systemError("the parameters' file " + path + " cannot be read", errno);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string kindParameters(const AddOptions& options) {
  std::string parameters = options.parametersFile.empty() ? options.parameters : readAll(options.parametersFile);
  if (parameters.empty()) parameters = "{}";
  validateJson(parameters, limits::payloadBytesMax);
  return parameters;
}

NewJob newJob(const AddOptions& options, const std::vector<std::string>& argv) {
  NewJob job;
  job.id = makeJobID();
  const bool isCommand = options.kind.empty();
  job.kind = isCommand ? std::string(commandKind) : options.kind;
  job.runner = runnerOf(job.kind);
  job.queue = options.queue;
  job.priority = options.priority;
  const std::int64_t now = SystemClock().now().utcMicros;
  if (!options.delay.empty()) {
    const std::int64_t until = timeOrDelayOf("--delay", options.delay, now);
    job.delayMicros = std::max<std::int64_t>(until - now, 0);
  }
  if (!options.at.empty()) job.notBeforeMicros = timeOf("--at", options.at, now);
  job.body.parameters = isCommand ? toJson(options.command.specOf(argv)) : kindParameters(options);
  job.body.retry.maxAttempts = options.retries + 1;
  if (!options.retryDelay.empty()) {
    job.body.retry.firstDelay = durationOf("--retry-delay", options.retryDelay);
    job.body.retry.maxDelay = std::max(job.body.retry.maxDelay, job.body.retry.firstDelay);
  }
  if (!options.limit.empty()) job.body.attemptLimitMicros = durationOf("--limit", options.limit).count();
  for (const std::string& text : options.labels) job.body.labels.insert(assignmentOf("--label", text));
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

void requireOneKindOfWork(const AddOptions& options, const std::vector<std::string>& argv) {
  const auto usage = [](const std::string& sentence) { return Error(ErrorKind::usage, sentence); };
  if (!options.stray.empty())
    throw usage("put -- before the command, for example: callsheet add -- " + printable(options.stray.front()));
  if (options.kind.empty()) {
    if (argv.empty()) throw usage("say what to run: callsheet add -- COMMAND..., or --kind KIND");
    if (!options.parameters.empty() || !options.parametersFile.empty()) throw usage("--params needs --kind");
    return;
  }
  if (!argv.empty()) throw usage("a command behind -- and --kind exclude each other");
  if (options.command.isAny()) throw usage("--cwd, --env, --stdin and the like are for commands, not for --kind");
  if (!options.parameters.empty() && !options.parametersFile.empty())
    throw usage("--params and --params-file exclude each other");
}

void defineOptions(CLI::App& app, AddOptions& options) {
  app.add_option("--to", options.to, "Into a living assistant's queue (default: the principal's)")
      ->type_name("DIRECTOR");
  app.add_option("--priority", options.priority, "-1000 to 1000; one step is worth a minute of waiting (default: 0)")
      ->type_name("N");
  app.add_option("--delay", options.delay, "Not before this long from now, or a time as for --at")
      ->type_name("DURATION");
  app.add_option("--at", options.at,
                 "Not before this time: 10:30, 'tomorrow 10:30', 'monday 9:00' by this machine's clock, or\n"
                 "2030-01-31T06:20:00Z")
      ->type_name("TIME");
  app.add_option("--retries", options.retries, "Try so many times more when it fails (default: 0)")
      ->type_name("N")
      ->check(CLI::Range(0u, 1'000'000u));
  app.add_option("--retry-delay", options.retryDelay,
                 "Wait so long before the first retry, then twice as long each time (default: 10s)")
      ->type_name("DURATION");
  app.add_option("--key", options.key, "A name for this piece of work: a second job of that key is not added")
      ->type_name("KEY");
  app.add_option("--key-window", options.keyWindow,
                 "How long the key counts, also when the job is done (default: as long as the done\njob is kept)")
      ->type_name("DURATION");
  app.add_option("--queue", options.queue, "Queue (default: default)")->type_name("QUEUE");
  app.add_option("--label", options.labels, "A label; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--after", options.after,
                 "Run only when that job has succeeded; with a condition when it has ended so: success,\n"
                 "failure or always. May be repeated, or a list with commas")
      ->type_name("ID[:CONDITION]")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--limit", options.limit, "How long one attempt may take")->type_name("DURATION");
  options.command.define(app);
  app.add_option("--kind", options.kind, "Add a job of this kind instead of a command")->type_name("KIND");
  app.add_option("--params", options.parameters, "Its parameters (default: {})")->type_name("JSON");
  app.add_option("--params-file", options.parametersFile, "Its parameters, read from a file; - is stdin")
      ->type_name("FILE");
  app.add_option("stray", options.stray)->group("");
  app.footer(
      "callsheet add [OPTIONS] -- COMMAND...\n"
      "callsheet add [OPTIONS] --kind KIND [--params JSON]\n"
      "\nPrints the job's id when the job is durable. Needs no daemon, and makes the store when there is none.\n"
      "Durations are written 250ms, 90s, 1h30m or 7d; a bare number counts seconds.\n"
      "A command runs without a shell, where you are now. Of the environment of the daemon that runs it, it gets\n"
      "PATH, HOME, LANG and their like; --env adds to them.");
}

int add(const AddOptions& options, Session& session) {
  requireOneKindOfWork(options, session.trailing);
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
