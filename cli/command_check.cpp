#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// In the child: a badly damaged file may end this process in the middle.
int checkHere(Session& session) {
  // Nobody needs the memory of a check that met damage.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const CheckReport report = session.store().check();
  if (session.json) {
    Json json = versioned();
    json["clean"] = report.isClean();
    json["jobs"] = report.jobs;
    json["records"] = report.records;
    json["incarnations"] = report.incarnations;
    json["problemCount"] = report.problemCount;
    json["problems"] = report.problems;
    printJson(json);
  } else {
    for (const std::string& problem : report.problems) printLine(printable(problem));
    if (report.problemCount > report.problems.size())
      printLine(fmt::format("... and {} more", report.problemCount - report.problems.size()));
    if (report.isClean())
      printLine(
          fmt::format("clean: {} jobs, {} records, {} incarnations", report.jobs, report.records, report.incarnations));
  }
  if (report.isClean()) return 0;
  throw Error(ErrorKind::corrupt,
              fmt::format("the store has {} problems; keep a copy of it and restore a backup", report.problemCount));
}

int crashed(Session& session, int signal) {
  if (session.json) {
    Json json = versioned();
    json["clean"] = false;
    json["crashedBySignal"] = signal;
    printJson(json);
  }
  throw Error(
      ErrorKind::corrupt,
      fmt::format("checking the store crashed ({}), so its file is damaged; keep a copy of it and restore a backup",
                  strsignal(signal)));
}

int checkInChild(Session& session) {
  std::vector<std::string> arguments{"callsheet",      "check", "--here",  "--location",
                                     session.location, "--id",  session.id};
  if (session.json) arguments.emplace_back("--json");
  if (session.allowForeignFilesystem) arguments.emplace_back("--allow-foreign-filesystem");
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::fflush(stdout);
  pid_t child = 0;
  if (const int error = ::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv.data(), environ); error != 0)
    throw systemError("a process for the check cannot be started", error);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw systemError("the check cannot be waited for", errno);
  return WIFSIGNALED(status) ? crashed(session, WTERMSIG(status)) : WEXITSTATUS(status);
}

}  // namespace

Work defineCheck(CLI::App& app) {
  const auto here = std::make_shared<bool>(false);
  app.add_flag("--here", *here, "In this process, which damage may crash")->group("");
  app.footer(
      "Reads one snapshot of the living store; nobody has to stop. Exits with 0 when it is clean and 65 when it is "
      "damaged, with a\n"
      "line for each problem. A job that cannot be read stays until `callsheet discard` removes it.");
  return [here](Session& session) { return *here ? checkHere(session) : checkInChild(session); };
}

}  // namespace v1
}  // namespace callsheet
