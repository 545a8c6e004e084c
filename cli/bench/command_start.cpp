#include "cli/bench/command_start.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "cli/bench/api_principal.h"
#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/command_job.h"
#include "cli/bench/process_figures.h"
#include "cli/bench/program_path.h"
#include "cli/bench/start_line.h"
#include "cli/bench/store_loop.h"
#include "director/store_access.h"
#include "jobs/shim_environment.h"
#include "jobs/shim_process.h"
#include "jobs/task_directory.h"
#include "jobs/task_machine.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::seconds patience{60};
constexpr std::chrono::microseconds spacing{2'000};
constexpr double aimShimMicros = 5'000;
constexpr double aimShimMiB = 2;

/// From before `begin` to each command's first byte, one at a time, with a pause between them.
std::vector<double> startMicros(const StartLine& line, unsigned count, const std::function<void()>& begin) {
  std::vector<double> micros;
  for (unsigned i = 0; i < count; ++i) {
    throwIfInterrupted();
    nap(spacing);
    const std::int64_t before = benchNanos();
    begin();
    micros.push_back(static_cast<double>(line.awaitStarts(1) - before) / 1e3);
  }
  return micros;
}

double perSecond(const StartLine& line, unsigned count, const std::function<void()>& beginAll) {
  const std::int64_t before = benchNanos();
  beginAll();
  return count / (static_cast<double>(line.awaitStarts(count) - before) / 1e9);
}

void runProgram(const std::string& path, std::vector<std::string> arguments, const std::vector<std::string>& command,
                const std::string& place) {
  arguments.insert(arguments.end(), command.begin(), command.end());
  BenchChild::startProgram(path, arguments, place).requireSuccess(patience);
}

/// at's own queue is run by a daemon of the machine's.
std::string atPath() {
  std::ifstream file("/run/atd.pid");
  long pid = 0;
  return file >> pid && ::access(fmt::format("/proc/{}", pid).c_str(), F_OK) == 0 ? programPath("at") : std::string();
}

/// From before a shim is started until it has its task's lock, and has ended: the attempt is void, which it finds then.
std::vector<double> lockMicros(const StoreDirectory& store, unsigned count) {
  const FileDescriptor program = makeShimProgram();
  std::vector<double> micros;
  for (unsigned i = 0; i < count; ++i) {
    throwIfInterrupted();
    TaskOrder order;
    order.ref = {makeJobID(), ExecID{Uuid::makeV4()}, 1};
    order.command.argv = {"/bin/true"};
    const TaskDirectory directory = TaskDirectory::make(openTasks(store).number(), order.ref.job);
    directory.makeVoid(order.ref.attempt);
    const std::int64_t before = benchNanos();
    const ShimProcess shim = startShim(order, {program.number(), directory.descriptor(), store.descriptor()});
    const ShimReport report = awaitStart(shim, patience);
    micros.push_back(static_cast<double>(benchNanos() - before) / 1e3);
    if (report.step != ShimStep::superseded) throw BenchFailure("a shim did not find that its attempt is void");
  }
  return micros;
}

pid_t parentOf(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("PPid:")) return static_cast<pid_t>(std::stol(line.substr(5)));
  throw BenchFailure("a command's shim cannot be found");
}

}  // namespace

CommandStart::CommandStart(const BenchSettings& settings, const BenchDirectory& directory)
    : settings_(settings),
      directory_(directory),
      peers_{{"tsp", programPath("tsp"), "task-spooler: tsp COMMAND"},
             {"nq", programPath("nq"), "nq: nq COMMAND"},
             {"at", atPath(), "at: at now"}} {}

void CommandStart::measure(unsigned) {
  measureShim(directory_.makeFresh());
  measureStore(directory_.makeFresh());
  for (Peer& peer : peers_)
    if (!peer.path.empty()) measurePeer(peer);
}

void CommandStart::measureShim(const std::string& place) {
  const StartLine line(place);
  bareMicros_.push_back(startMicros(line, settings_.pickUps, [&] {
    const auto& argv = line.command();
    BenchChild::startProgram(argv.front(), {argv.begin() + 1, argv.end()}, place).requireSuccess(patience);
  }));
  makeBenchStore(place);
  const StoreDirectory store = StoreDirectory::open(place, benchStoreID);
  lockMicros_.push_back(lockMicros(store, settings_.pickUps));
  ShimEnvironment environment(store);
  std::vector<double> micros;
  for (unsigned i = 0; i < settings_.pickUps; ++i) {
    throwIfInterrupted();
    TaskOrder order;
    order.ref = {makeJobID(), ExecID{Uuid::makeV4()}, 1};
    order.command.argv = {"/bin/sleep", "600"};
    const std::int64_t before = benchNanos();
    const auto started = environment.start(order, {});
    micros.push_back(static_cast<double>(benchNanos() - before) / 1e3);
    const auto* running = std::get_if<RunningTask>(&started);
    if (running == nullptr) throw BenchFailure(std::get<TaskFailure>(started).sentence);
    if (i == 0) shimMiB_.push_back(memoryOf(parentOf(running->leader)).residentMiB);
    environment.signal(*running, TaskSignal::kill);
    pollfd end{running->process.number(), POLLIN, 0};
    if (::poll(&end, 1, 30'000) <= 0) throw BenchFailure("a command did not end");
    environment.release(*running);
  }
  shimMicros_.push_back(std::move(micros));
}

void CommandStart::measureStore(const std::string& place) {
  const StartLine line(place);
  ApiPrincipal principal(place);
  const unsigned count = settings_.pickUps;
  {
    const auto access = StoreAccess::open(place, benchStoreID, {});
    const auto submit = [&](unsigned jobs) {
      for (unsigned made = 0; made < jobs; made += limits::batchJobsMax) {
        Submit verb;
        for (unsigned i = made; i < std::min<unsigned>(jobs, made + limits::batchJobsMax); ++i)
          verb.jobs.push_back(commandJob(line.command()));
        if (!isAccepted(access->store().apply(std::move(verb)).verdict))
          throw BenchFailure("a command was not accepted");
      }
    };
    storeMicros_.push_back(startMicros(line, count, [&] { submit(1); }));
    storePerSecond_.push_back(perSecond(line, count, [&] { submit(count); }));
  }
  const auto add = [&] {
    runProgram(ownProgram(), {"--location", place, "--id", benchStoreID, "add", "--cwd", "/", "--"}, line.command(),
               place);
  };
  addMicros_.push_back(startMicros(line, count / 2, add));
  addPerSecond_.push_back(perSecond(line, count / 2, [&] {
    for (unsigned i = 0; i < count / 2; ++i) add();
  }));
  std::vector<BenchChild> none;
  const std::uint64_t jobs = std::uint64_t{2} * count + count / 2 * 2;
  awaitCondition("the last commands' ends", patience, none, [&] {
    const Totals totals = StoreAccess::open(place, benchStoreID, {})->store().totals();
    return totals.done[static_cast<std::size_t>(JobOutcome::succeeded)] == jobs;
  });
  principal.stop(jobs);
}

void CommandStart::measurePeer(Peer& peer) {
  const std::string place = directory_.makeFresh();
  const StartLine line(place);
  // Where they keep their queue and what is printed.
  ::setenv("TS_SOCKET", (place + "/tsp.socket").c_str(), 1);
  ::setenv("TS_SLOTS", "2", 1);
  ::setenv("NQDIR", place.c_str(), 1);
  ::setenv("TMPDIR", place.c_str(), 1);
  std::vector<std::string> command = line.command();
  std::vector<std::string> arguments;
  if (peer.program == "at") {
    std::ofstream(place + "/job") << "echo >'" << line.command().back() << "'\n";
    command = {"-f", place + "/job", "now"};
  }
  const auto begin = [&] { runProgram(peer.path, arguments, command, place); };
  peer.micros.push_back(startMicros(line, settings_.pickUps / 2, begin));
  peer.perSecond.push_back(perSecond(line, settings_.pickUps / 2, [&] {
    for (unsigned i = 0; i < settings_.pickUps / 2; ++i) begin();
  }));
  if (peer.program == "tsp") BenchChild::startProgram(peer.path, {"-K"}, place).requireSuccess(patience);
}

void CommandStart::report(BenchReport& report) const {
  const auto percentiles = [&](const std::string& name, const Samples& samples, std::optional<BenchAim> aim = {}) {
    report.addPercentile(group(), name + ", p50", "us", 50, samples, std::move(aim));
    report.addPercentile(group(), name + ", p99", "us", 99, samples);
  };
  percentiles("a shell alone, to its first byte", bareMicros_);
  percentiles("a shim, until it has its task's lock, and its end", lockMicros_, BenchAim{aimShimMicros, false, ""});
  percentiles("a shim, until its command runs", shimMicros_, BenchAim{aimShimMicros, false, ""});
  report.add(group(), "a shim, resident", "MiB", shimMiB_, BenchAim{aimShimMiB, false, ""});
  percentiles("submit over the store, to the command's first byte", storeMicros_);
  percentiles("callsheet add, to the command's first byte", addMicros_);
  for (const Peer& peer : peers_)
    if (!peer.path.empty()) percentiles(peer.words + ", to the command's first byte", peer.micros);
  report.add(group(), "commands run, submitted as batches", "commands/s", storePerSecond_);
  report.add(group(), "commands run, by one callsheet add after the other", "commands/s", addPerSecond_);
  for (const Peer& peer : peers_) {
    if (peer.path.empty()) {
      report.note(group(), peer.program + " is not installed, or its daemon does not run, so it was not measured.");
      continue;
    }
    report.add(group(), "commands run, by one call after the other of " + peer.words, "commands/s", peer.perSecond);
  }
}

}  // namespace v1
}  // namespace callsheet
