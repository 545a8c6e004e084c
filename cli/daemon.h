#pragma once
#include <cstdint>
#include <string>

#include "callsheet/job_director_mode.h"
#include "cli/session.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace callsheet {
inline namespace v1 {

/// What the command line says of a daemon; durations as they were typed.
struct DaemonOptions {
  unsigned workers = 0;
  std::string grace = "10s";
  std::string logLevel = "info";
  bool mayBeKilledAsWriter = true;
  std::string writerLimit = "10s";
  std::uint64_t mapMiB = 0;
  // The principal's.
  std::string lease = "30s";
  std::string keep = "7d";
  std::uint64_t keepCount = 100'000;
  std::string listen;
  std::string tokenFile;
  bool isOpenToAll = false;
  std::string definitions;
  std::string tasks;
  std::string scripts;
  std::string events;
  std::string nodePath;
  std::string scriptLimit = "10m";
  std::uint64_t scriptMemoryMiB = 512;
  unsigned httpParallel = 100;
  unsigned transferParallel = 16;
};

void defineDaemonOptions(CLI::App& app, DaemonOptions& options, bool isPrincipal);

/// Runs a director in the foreground until a signal ends it or it is fenced for good; the exit code. TERM and INT stop
/// it within the grace, a second one at once; HUP is only logged. To be called before the process has another thread.
[[nodiscard]] int runDaemon(Session& session, const JobDirectorMode& mode, const DaemonOptions& options);

}  // namespace v1
}  // namespace callsheet
