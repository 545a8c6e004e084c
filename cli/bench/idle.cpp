#include "cli/bench/idle.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "cli/bench/bench_child.h"
#include "cli/bench/bench_clock.h"
#include "cli/bench/process_figures.h"
#include "cli/bench/store_loop.h"
#include "director/store_access.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::chrono::seconds patience{30};
constexpr double settleSeconds = 2;
constexpr double aimWakeUps = 1;

void waitSeconds(double seconds, std::vector<BenchChild>& children) {
  const std::int64_t until = benchNanos() + nanosOf(seconds);
  while (benchNanos() < until) {
    throwIfInterrupted();
    for (BenchChild& child : children) child.requireAlive();
    nap(std::chrono::milliseconds{100});
  }
}

/// Returns when so many directors are registered; what was opened for it is closed again.
void awaitDirectors(const std::string& place, std::size_t count, std::vector<BenchChild>& children) {
  const auto access = StoreAccess::open(place, benchStoreID, {});
  awaitCondition("the daemons", patience, children, [&] {
    const auto rows = access->store().incarnations();
    return static_cast<std::size_t>(
               std::count_if(rows.begin(), rows.end(), [](const auto& row) { return row.isOpen(); })) == count;
  });
}

}  // namespace

void IdleCost::measure(unsigned repetition) {
  if (repetition != 0) return;
  const std::string place = directory_.makeFresh();
  makeBenchStore(place);
  std::vector<BenchChild> children;
  const std::vector<std::string> where{"--location", place, "--id", benchStoreID};
  const auto start = [&](std::vector<std::string> command) {
    command.insert(command.begin(), where.begin(), where.end());
    children.push_back(BenchChild::start(command, -1, true));
  };
  start({"principal"});
  start({"assistant", "idler"});
  awaitDirectors(place, children.size(), children);
  waitSeconds(settleSeconds, children);

  std::vector<std::uint64_t> before;
  for (const BenchChild& child : children) before.push_back(sleepsOf(child.pid()));
  const std::int64_t began = benchNanos();
  waitSeconds(settings_.idleSeconds, children);
  const double seconds = static_cast<double>(benchNanos() - began) / 1e9;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const pid_t pid = children[i].pid();
    daemons_[i].wakeUps.push_back(static_cast<double>(sleepsOf(pid) - before[i]) / seconds);
    const ProcessMemory memory = memoryOf(pid);
    daemons_[i].residentMiB.push_back(memory.residentMiB);
    daemons_[i].privateMiB.push_back(memory.privateMiB);
  }
  for (BenchChild& child : children) {
    ::kill(child.pid(), SIGTERM);
    child.requireSuccess(patience);
  }
}

void IdleCost::report(BenchReport& report) const {
  // A beat of one second may fall into the window once more than it is long.
  const BenchAim aim{aimWakeUps + 1 / settings_.idleSeconds, false,
                     fmt::format("at most 1, give or take one in {:.0f} s", settings_.idleSeconds)};
  for (const Daemon& daemon : daemons_)
    report.add(group(), "wake-ups of the " + daemon.name, "/s", daemon.wakeUps, aim);
  for (const Daemon& daemon : daemons_) {
    report.add(group(), "resident memory of the " + daemon.name, "MiB", daemon.residentMiB);
    report.add(group(), "of which private", "MiB", daemon.privateMiB);
  }
}

}  // namespace v1
}  // namespace callsheet
