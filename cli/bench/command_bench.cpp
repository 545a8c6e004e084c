#include "cli/bench/command_bench.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/command_output.h"
#include "cli/bench/command_start.h"
#include "cli/bench/disk_rate.h"
#include "cli/bench/executor_rate.h"
#include "cli/bench/idle.h"
#include "cli/bench/load_measurement.h"
#include "cli/bench/long_poll_latency.h"
#include "cli/bench/machine.h"
#include "cli/bench/peer_rate.h"
#include "cli/bench/pick_up.h"
#include "cli/bench/rpc_rate.h"
#include "cli/bench/schedule_rate.h"
#include "cli/bench/step_rate.h"
#include "cli/bench/step_run.h"
#include "cli/bench/takeover.h"
#include "cli/bench/waiting_polls.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr int checkFailedCode = 1;
constexpr double secondsMax = 3600;
constexpr unsigned repetitionsMax = 1000;

// A look whether all is well, not figures to quote.
constexpr BenchSettings quickSettings{
    .seconds = 0.3, .repetitions = 1, .pickUps = 60, .kills = 10, .idleSeconds = 3, .outputMiB = 64};

struct BenchOptions {
  std::string directory;
  std::vector<std::string> only;
  bool isApi = false;
  bool isOfCommands = false;
  bool isQuick = false;
  bool isVerbose = false;
  std::optional<double> seconds;
  std::optional<unsigned> repetitions;
  std::optional<double> idleSeconds;
};

BenchSettings settingsOf(const BenchOptions& options) {
  BenchSettings settings = options.isQuick ? quickSettings : BenchSettings{};
  settings.seconds = options.seconds.value_or(settings.seconds);
  settings.repetitions = options.repetitions.value_or(settings.repetitions);
  settings.idleSeconds = options.idleSeconds.value_or(settings.idleSeconds);
  if (settings.seconds <= 0 || settings.seconds > secondsMax || settings.idleSeconds <= 0 ||
      settings.idleSeconds > secondsMax)
    throw Error(ErrorKind::invalid, "--seconds and --idle take more than 0 and at most 3600 seconds");
  if (settings.repetitions == 0 || settings.repetitions > repetitionsMax)
    throw Error(ErrorKind::invalid, "--reps takes 1 to 1000 repetitions");
  return settings;
}

std::string directoryOf(const BenchOptions& options) {
  if (!options.directory.empty()) return options.directory;
  const char* temporary = std::getenv("TMPDIR");
  return temporary != nullptr && *temporary != '\0' ? temporary : "/var/tmp";
}

std::vector<std::unique_ptr<Measurement>> storeMeasurements(const BenchSettings& settings,
                                                            const BenchDirectory& directory) {
  std::vector<std::unique_ptr<Measurement>> all;
  all.push_back(std::make_unique<DiskRate>(settings, directory));
  for (const LoadMeasurement::Plan& plan :
       {LoadMeasurement::Plan{"single", "1 + 1 processes, one by one", 1, 1, 0.8},
        LoadMeasurement::Plan{"batch", "1 + 1 processes, batches of 100", 1, 100, 0.6},
        LoadMeasurement::Plan{"many", "8 + 8 processes, one by one", 8, 1, 0}})
    all.push_back(std::make_unique<LoadMeasurement>(plan, settings, directory));
  all.push_back(std::make_unique<StepRate>(settings, directory));
  all.push_back(std::make_unique<PickUpLatency>(settings, directory));
  all.push_back(std::make_unique<TakeoverLatency>(settings, directory));
  all.push_back(std::make_unique<IdleCost>(settings, directory));
  return all;
}

/// What the API is measured by, and the executors that need none.
std::vector<std::unique_ptr<Measurement>> apiMeasurements(const BenchSettings& settings,
                                                          const BenchDirectory& directory) {
  std::vector<std::unique_ptr<Measurement>> all;
  all.push_back(std::make_unique<RpcRate>(settings, directory));
  all.push_back(std::make_unique<PeerRate>(settings, directory));
  all.push_back(std::make_unique<LongPollLatency>(settings, directory));
  all.push_back(std::make_unique<WaitingPolls>(settings, directory));
  all.push_back(std::make_unique<ExecutorRate>(settings, directory));
  return all;
}

std::vector<std::unique_ptr<Measurement>> commandMeasurements(const BenchSettings& settings,
                                                              const BenchDirectory& directory) {
  std::vector<std::unique_ptr<Measurement>> all;
  all.push_back(std::make_unique<CommandStart>(settings, directory));
  all.push_back(std::make_unique<CommandOutput>(settings, directory));
  all.push_back(std::make_unique<ScheduleRate>(settings, directory));
  return all;
}

std::vector<std::unique_ptr<Measurement>> measurementsFor(const BenchOptions& options, const BenchSettings& settings,
                                                          const BenchDirectory& directory) {
  if (options.isApi) return apiMeasurements(settings, directory);
  return options.isOfCommands ? commandMeasurements(settings, directory) : storeMeasurements(settings, directory);
}

/// What was checked in every run.
const char* provedBy(const BenchOptions& options) {
  if (options.isApi) return "Every task was handed out once and done once; every store was checked and clean.";
  if (options.isOfCommands)
    return "Every command was run once, every instant fired once; every store was checked and clean.";
  return "Every job was received once and completed once, every step ran once; every store was checked and clean.";
}

void keepOnly(const std::vector<std::string>& wanted, std::vector<std::unique_ptr<Measurement>>& all) {
  if (wanted.empty()) return;
  std::string known;
  for (const auto& one : all) known += " " + one->group();
  for (const std::string& name : wanted)
    if (std::none_of(all.begin(), all.end(), [&](const auto& one) { return one->group() == name; }))
      throw Error(ErrorKind::usage, fmt::format("--only knows no group '{}'; there are:{}", name, known));
  std::erase_if(all,
                [&](const auto& one) { return std::find(wanted.begin(), wanted.end(), one->group()) == wanted.end(); });
}

Json settingsJson(const BenchSettings& settings, const BenchOptions& options) {
  return {{"seconds", settings.seconds}, {"repetitions", settings.repetitions}, {"pickUps", settings.pickUps},
          {"kills", settings.kills},     {"idleSeconds", settings.idleSeconds}, {"quick", options.isQuick},
          {"api", options.isApi},        {"commands", options.isOfCommands}};
}

void printReport(const BenchReport& report, const Json& machine, const BenchSettings& settings,
                 const BenchOptions& options) {
  report.print();
  printLine("");
  printLine(fmt::format("{} {}; {} cores ({}), {}, {}", machine["date"].get<std::string>(),
                        machine["callsheet"].get<std::string>(), machine["cores"].get<long>(),
                        machine["processor"].get<std::string>(), machine["kernel"].get<std::string>(),
                        machine["lmdb"].get<std::string>()));
  printLine(fmt::format("in {} on {}, write cache: {}", machine["directory"].get<std::string>(),
                        machine["filesystem"].get<std::string>(), machine["writeCache"].get<std::string>()));
  printLine(fmt::format("{} repetitions of {} s, interleaved; load before: {}, after: {}", settings.repetitions,
                        settings.seconds, machine["loadBefore"].get<std::string>(),
                        machine["loadAfter"].get<std::string>()));
  printLine(provedBy(options));
}

int runBench(const Session& session, const BenchOptions& options) {
  const BenchSettings settings = settingsOf(options);
  const std::string parent = std::filesystem::absolute(directoryOf(options)).lexically_normal().string();
  requireRealDisk(parent);
  catchInterruptions();
  const BenchDirectory directory(parent);
  auto measurements = measurementsFor(options, settings, directory);
  keepOnly(options.only, measurements);
  Json machine = machineJson(parent);
  const bool saysProgress = options.isVerbose || ::isatty(STDERR_FILENO) == 1;
  try {
    for (unsigned repetition = 0; repetition < settings.repetitions; ++repetition)
      for (const auto& measurement : measurements) {
        if (saysProgress)
          tell(fmt::format("repetition {} of {}: {}", repetition + 1, settings.repetitions, measurement->group()));
        measurement->measure(repetition);
      }
  } catch (const BenchFailure& failure) {
    tell(std::string("a check of the bench failed, so there are no figures: ") + failure.what());
    return checkFailedCode;
  }
  BenchReport report;
  for (const auto& measurement : measurements) measurement->report(report);
  std::ifstream loads("/proc/loadavg");
  std::string load;
  std::getline(loads, load);
  machine["loadAfter"] = load;
  if (!session.json) {
    printReport(report, machine, settings, options);
    return 0;
  }
  Json json = versioned();
  json["machine"] = machine;
  json["settings"] = settingsJson(settings, options);
  json["rows"] = report.json();
  json["notes"] = report.notesJson();
  printJson(json);
  return 0;
}

int runRole(const std::string& role, const std::string& directory, unsigned number) {
  if (role == PickUpLatency::role)
    PickUpLatency::runWorker(directory);
  else if (role == TakeoverLatency::role)
    TakeoverLatency::runVictim(directory);
  else if (role == StepRate::directorRole)
    runStepDirector(directory);
  else if (role == StepRate::bareRole)
    runBareSteps(directory);
  else if (role == ExecutorRate::role)
    ExecutorRate::runExecutor(directory, number);
  else if (role == CommandOutput::role)
    CommandOutput::runPrinter(number);
  else
    LoadMeasurement::runRole(role, directory, number);
  return 0;
}

}  // namespace

Work defineBench(CLI::App& app) {
  const auto options = std::make_shared<BenchOptions>();
  app.add_option("--dir", options->directory, "Directory on a real disk to write in (default: $TMPDIR, else /var/tmp)")
      ->type_name("DIR");
  app.add_option("--seconds", options->seconds, "How long each throughput run takes (default: 2)")->type_name("S");
  app.add_option("--reps", options->repetitions, "Repetitions, interleaved over all groups (default: 5)")
      ->type_name("N");
  app.add_option("--idle", options->idleSeconds, "How long idle daemons are watched (default: 10)")->type_name("S");
  app.add_flag("--api", options->isApi,
               "Measure the API and the C++ executors instead, and other job servers where they are installed");
  app.add_flag("--commands", options->isOfCommands,
               "Measure commands instead, and other programs that run them where they are installed")
      ->excludes("--api");
  app.add_option("--only", options->only,
                 "Only this group: disk, single, batch, many, steps, pickup, takeover, idle; with --api: rpc, peers, "
                 "longpoll, waiting, executors; with --commands: start, output, schedules")
      ->type_name("GROUP");
  app.add_flag("--quick", options->isQuick, "One short repetition: whether all is well, not figures to quote");
  app.add_flag("-v,--verbose", options->isVerbose, "Say on stderr what is measured, also when it is no terminal");
  app.footer(
      "\nMeasures the disk, a bare LMDB loop of the same bytes, and the store beside each other, with real processes, "
      "and prints\n"
      "medians (or percentiles) over all repetitions with the least and the greatest repetition. Writes only below "
      "--dir, and\n"
      "removes that again. With --api it drives the Unix socket of a `callsheet principal` of its own, and beside it, "
      "where they\n"
      "are installed, beanstalkd and redis-server with every write flushed. With --commands it runs commands, and "
      "beside it\n"
      "task-spooler, nq and at do. Exits with 0 whether or not an aim is "
      "reached, and\n"
      "with 1 when a job was lost or done twice.");
  return [options](Session& session) { return runBench(session, *options); };
}

Work defineBenchRole(CLI::App& app) {
  struct Role {
    std::string name;
    std::string directory;
    unsigned number = 0;
  };
  const auto role = std::make_shared<Role>();
  app.group("");  // hidden
  app.add_option("NAME", role->name)->required();
  app.add_option("DIRECTORY", role->directory)->required();
  app.add_option("NUMBER", role->number)->required();
  return [role](Session&) { return runRole(role->name, role->directory, role->number); };
}

}  // namespace v1
}  // namespace callsheet
