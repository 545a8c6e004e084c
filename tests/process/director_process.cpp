#include "tests/process/director_process.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "callsheet/job_director.h"
#include "tests/process/director_role.h"

namespace callsheet::tests {

// ---- in the test's process
// --------------------------------------------------------------------------------------------

namespace {
std::vector<std::string> argumentsOf(const Stage& stage, const DirectorProcess::Options& options) {
  std::vector<std::string> arguments{"location=" + stage.location(),
                                     "id=" + stage.id(),
                                     "name=" + options.name,
                                     "workers=" + std::to_string(options.workers),
                                     "lease=" + std::to_string(options.lease.count()),
                                     "writerLimit=" + std::to_string(options.writerLimit.count())};
  arguments.insert(arguments.end(), options.more.begin(), options.more.end());
  return arguments;
}

RoleProcess::Environment environmentOf(const DirectorProcess::Options& options) {
  if (options.crashAt.empty()) return {};
  return {{"CALLSHEET_CRASH_AT", options.crashAt}};
}
}  // namespace

DirectorProcess::DirectorProcess(const Stage& stage, const Options& options)
    : process_(options.role, argumentsOf(stage, options), environmentOf(options)) {}

DirectorProcess DirectorProcess::started(const Stage& stage, const Options& options) {
  DirectorProcess process(stage, options);
  const bool hasStarted = process.awaitStart();
  INFO(process.whyNot());
  REQUIRE(hasStarted);
  return process;
}

DirectorProcess DirectorProcess::principal(const Stage& stage, unsigned workers) {
  Options options;
  options.workers = workers;
  return started(stage, options);
}

DirectorProcess DirectorProcess::executor(const Stage& stage, const std::string& name, unsigned workers) {
  Options options;
  options.name = name;
  options.workers = workers;
  options.more = {"mode=executor"};
  return started(stage, options);
}

DirectorProcess DirectorProcess::idlePrincipal(const Stage& stage) {
  Options options;
  options.more = {"runsJobs=false"};
  return started(stage, options);
}

DirectorProcess DirectorProcess::assistant(const Stage& stage, const std::string& name, unsigned workers) {
  Options options;
  options.name = name;
  options.workers = workers;
  return started(stage, options);
}

bool DirectorProcess::awaitStart() {
  const auto line = process_.readLine();
  if (!line) return false;
  const auto words = wordsOf(*line);
  if (words.size() == 2 && words[0] == "started") {
    incarnation_ = *IncarnationID::parse(words[1]);
    return true;
  }
  whyNot_ = *line;
  return false;
}

bool DirectorProcess::submit(JobID id, const std::string& kind, const std::string& parameters) {
  const auto line = process_.ask("submit " + id.toString() + " " + kind + " " + parameters);
  if (!line) return false;
  INFO(*line);
  REQUIRE(*line == "accepted");
  return true;
}

std::optional<JobID> DirectorProcess::submit(const std::string& kind, const std::string& parameters) {
  const JobID id = makeJobID();
  if (!submit(id, kind, parameters)) return std::nullopt;
  return id;
}

std::vector<JobID> DirectorProcess::submitMany(std::size_t count, const std::string& kind,
                                               const std::string& parameters) {
  std::vector<JobID> ids;
  while (ids.size() < count) {
    const auto line = process_.ask("batch " + std::to_string(std::min<std::size_t>(100, count - ids.size())) + " " +
                                   kind + " " + parameters);
    if (!line) break;
    const auto words = wordsOf(*line);
    INFO(*line);
    REQUIRE(words.at(0) == "accepted");
    for (std::size_t i = 1; i < words.size(); ++i) ids.push_back(*JobID::parse(words[i]));
  }
  return ids;
}

std::optional<bool> DirectorProcess::cancel(JobID id) {
  const auto line = process_.ask("cancel " + id.toString());
  if (!line) return std::nullopt;
  return *line == "true";
}

bool DirectorProcess::awaitDone(JobID id) {
  return process_.ask("wait " + id.toString()) == "done";
}

std::optional<IncarnationID> DirectorProcess::askIncarnation() {
  const auto line = process_.ask("incarnation");
  if (!line) return std::nullopt;
  return IncarnationID::parse(*line);
}

std::optional<pid_t> DirectorProcess::fork() {
  const auto line = process_.ask("fork");
  if (!line) return std::nullopt;
  return std::stoi(*line);
}

std::optional<std::vector<std::string>> DirectorProcess::stop(std::chrono::milliseconds grace) {
  const auto line = process_.ask("stop " + std::to_string(grace.count()));
  if (!line) return std::nullopt;
  std::vector<std::string> left;
  const auto words = wordsOf(*line);
  REQUIRE(words.at(0) == "stopped");
  for (std::size_t i = 1; i + 1 < words.size(); i += 2) left.push_back(words[i] + " " + words[i + 1]);
  return left;
}

void DirectorProcess::quit() {
  process_.send("quit");
  const int status = process_.waitForEnd();
  INFO("process " << pid() << " ended with status " << status);
  CHECK(status == 0);
}

// ---- in the role's process
// --------------------------------------------------------------------------------------------

JobDirectorOptions optionsOf(const RoleChannel& channel) {
  JobDirectorOptions options;
  options.workers = static_cast<unsigned>(std::stoul(channel.argument("workers", "4")));
  options.lease = std::chrono::milliseconds(std::stoll(channel.argument("lease", "3600000")));
  options.writerLimit = std::chrono::milliseconds(std::stoll(channel.argument("writerLimit", "3600000")));
  options.runsCommands = true;
  options.program = channel.argument("program", "");
  options.runsJobs = channel.argument("runsJobs", "true") == "true";
  options.transferGrace = std::chrono::milliseconds(std::stoll(channel.argument("transferGrace", "10000")));
  options.log = [file = channel.argument("location") + "/log", who = channel.argument("name", "")](
                    LogLevel level, std::string_view sentence) {
    std::string line = (who.empty() ? "principal" : who) + " " + std::to_string(::getpid()) + " " +
                       std::string(toString(level)) + ": ";
    std::ofstream(file, std::ios::app) << line + std::string(sentence) + "\n";
  };
  return options;
}

JobDirectorMode modeOf(const RoleChannel& channel) {
  const std::string name = channel.argument("name");
  if (channel.argument("mode", "") == "executor") return JobDirectorMode::executor(name);
  return name.empty() ? JobDirectorMode::principal() : JobDirectorMode::assistant(name);
}

namespace {

SubmitOptions soon() {
  SubmitOptions options;
  options.retry.firstDelay = std::chrono::milliseconds{1};
  return options;
}

std::string answerSubmit(JobDirector& director, const std::vector<std::string>& words) {
  SubmitOptions options = soon();
  options.id = *JobID::parse(words.at(1));
  const Submission submission = director.submitJson(words.at(2), words.at(3), options);
  return submission.isAccepted() ? "accepted" : "refused " + submission.why;
}

std::string answerBatch(JobDirector& director, const std::vector<std::string>& words) {
  std::vector<std::string> parameters(std::stoul(words.at(1)), words.at(3));
  std::string answer = "accepted";
  for (const Submission& one : director.submitAllJson(words.at(2), std::move(parameters), soon())) {
    if (!one.isAccepted()) return "refused " + one.why;
    answer += " " + one.id.toString();
  }
  return answer;
}

std::string answerFork() {
  const pid_t child = ::fork();
  if (child != 0) return std::to_string(child);
  // Or the test, and who waits for the test's own output, would take this one for the director.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(descriptor);
  ::alarm(300);  // should the test die before it kills it
  while (true) ::pause();
}

std::string answer(JobDirector& director, const std::vector<std::string>& words) {
  if (words[0] == "submit") return answerSubmit(director, words);
  if (words[0] == "batch") return answerBatch(director, words);
  if (words[0] == "cancel") return director.cancel(*JobID::parse(words.at(1)), "the test wants it") ? "true" : "false";
  if (words[0] == "incarnation") return director.incarnation().toString();
  if (words[0] == "fork") return answerFork();
  if (words[0] == "wait") {
    const auto status = director.wait(*JobID::parse(words.at(1)), std::chrono::seconds{30});
    return status && status->isDone() ? "done" : "late";
  }
  if (words[0] == "stop") {
    std::string text = "stopped";
    for (const auto& name : director.stop(std::chrono::milliseconds(std::stoll(words.at(1)))).left) text += " " + name;
    return text;
  }
  return "unknown";
}

}  // namespace

int serveDirector(RoleChannel& channel, JobDirector& director) {
  while (const auto line = channel.readLine()) {
    const auto words = wordsOf(*line);
    if (words.empty()) continue;
    if (words[0] == "quit") return 0;
    try {
      channel.say(answer(director, words));
    } catch (const std::exception& error) {
      channel.say(std::string("failed ") + error.what());
    }
  }
  ::_exit(3);  // the test is gone
}

int playDirector(RoleChannel& channel) {
  useStage(channel.argument("location"));
  JobDirector director(JobDirectorID(channel.argument("id")), channel.argument("location"), modeOf(channel), testJobs(),
                       optionsOf(channel));
  director.start();
  channel.say("started " + director.incarnation().toString());
  return serveDirector(channel, director);
}

namespace {
const RoleRegistration directorRole("director", playDirector);
}

}  // namespace callsheet::tests
