#include "cli/job_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"
#include "callsheet/limits.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/json_payload.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::string readAll(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw systemError("the parameters' file " + path + " cannot be read", errno);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string kindParameters(const JobOptions& options) {
  std::string parameters = options.parametersFile.empty() ? options.parameters : readAll(options.parametersFile);
  if (parameters.empty()) parameters = "{}";
  validateJson(parameters, limits::payloadBytesMax);
  return parameters;
}

}  // namespace

void JobOptions::define(CLI::App& app) {
  app.add_option("--priority", priority, "-1000 to 1000; one step is worth a minute of waiting (default: 0)")
      ->type_name("N");
  app.add_option("--retries", retries, "Try so many times more when it fails (default: 0)")
      ->type_name("N")
      ->check(CLI::Range(0u, 1'000'000u));
  app.add_option("--retry-delay", retryDelay,
                 "Wait so long before the first retry, then twice as long each time (default: 10s)")
      ->type_name("DURATION");
  app.add_option("--queue", queue, "Queue (default: default)")->type_name("QUEUE");
  app.add_option("--label", labels, "A label; may be repeated")->type_name("NAME=VALUE")->allow_extra_args(false);
  app.add_option("--limit", limit, "How long one attempt may take")->type_name("DURATION");
  command.define(app);
  app.add_option("--kind", kind, "A job of this kind instead of a command")->type_name("KIND");
  app.add_option("--params", parameters, "Its parameters (default: {})")->type_name("JSON");
  app.add_option("--params-file", parametersFile, "Its parameters, read from a file; - is stdin")->type_name("FILE");
  app.add_option("stray", stray)->group("");
}

void JobOptions::requireOneKindOfWork(const std::vector<std::string>& argv, const std::string& usage) const {
  const auto refused = [](const std::string& sentence) { return Error(ErrorKind::usage, sentence); };
  if (!stray.empty())
    throw refused("put -- before the command, for example: " + usage + " -- " + printable(stray.front()));
  if (kind.empty()) {
    if (argv.empty()) throw refused("say what to run: " + usage + " -- COMMAND..., or --kind KIND");
    if (!parameters.empty() || !parametersFile.empty()) throw refused("--params needs --kind");
    return;
  }
  if (!argv.empty()) throw refused("a command behind -- and --kind exclude each other");
  if (command.isAny()) throw refused("--cwd, --env, --stdin and the like are for commands, not for --kind");
  if (!parameters.empty() && !parametersFile.empty()) throw refused("--params and --params-file exclude each other");
}

NewJob JobOptions::jobOf(const std::vector<std::string>& argv) const {
  NewJob job;
  const bool isCommand = kind.empty();
  job.kind = isCommand ? std::string(commandKind) : kind;
  job.runner = runnerOf(job.kind);
  job.queue = queue;
  job.priority = priority;
  job.body.parameters = isCommand ? toJson(command.specOf(argv)) : kindParameters(*this);
  job.body.retry.maxAttempts = retries + 1;
  if (!retryDelay.empty()) {
    job.body.retry.firstDelay = durationOf("--retry-delay", retryDelay);
    job.body.retry.maxDelay = std::max(job.body.retry.maxDelay, job.body.retry.firstDelay);
  }
  if (!limit.empty()) job.body.attemptLimitMicros = durationOf("--limit", limit).count();
  for (const std::string& text : labels) job.body.labels.insert(assignmentOf("--label", text));
  return job;
}

}  // namespace v1
}  // namespace callsheet
