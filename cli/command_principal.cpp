#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/daemon.h"

namespace callsheet {
inline namespace v1 {

Work definePrincipal(CLI::App& app) {
  const auto options = std::make_shared<DaemonOptions>();
  defineDaemonOptions(app, *options, true);
  app.footer(
      "Runs in the foreground and logs to stderr. It runs the jobs of its own queue and adopts those of directors that "
      "stop,\n"
      "die or hang. A store has one principal: a second one exits with 75.\n"
      "TERM or INT: stop within the grace; jobs that are left run again at the next start. A second one: exit at once. "
      "HUP: logged.\n"
      "Under systemd (Type=notify) it reports readiness and feeds the watchdog. Exits with 76 when it is fenced for "
      "good.");
  return [options](Session& session) { return runDaemon(session, JobDirectorMode::principal(), *options); };
}

}  // namespace v1
}  // namespace callsheet
