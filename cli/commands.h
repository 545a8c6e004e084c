#pragma once
#include <functional>
#include <span>
#include <string_view>

#include "cli/session.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace callsheet {
inline namespace v1 {

/// What a command does once the command line is understood; returns the exit code.
using Work = std::function<int(Session&)>;

/// One row of the command table. `define` gives the command its options and returns its work, which reads them after
/// parsing.
struct Command {
  std::string_view name;
  std::string_view summary;
  Work (*define)(CLI::App& app);
  bool takesTrailing = false;  ///< what stands behind `--`
  bool needsStore = true;
};

[[nodiscard]] std::span<const Command> commands();

/// The last line of each command's help.
inline constexpr std::string_view commonOptionsText =
    "--location, --id, --json and what else all commands have: callsheet --help\n";

Work definePrincipal(CLI::App& app);
Work defineAssistant(CLI::App& app);
Work defineAdd(CLI::App& app);
Work defineDefine(CLI::App& app);
Work defineDefinitions(CLI::App& app);
Work defineList(CLI::App& app);
Work defineShow(CLI::App& app);
Work defineWatch(CLI::App& app);
Work defineWait(CLI::App& app);
Work defineLog(CLI::App& app);
Work defineFollow(CLI::App& app);
Work defineCancel(CLI::App& app);
Work defineKill(CLI::App& app);
Work definePause(CLI::App& app);
Work defineResume(CLI::App& app);
Work defineQueue(CLI::App& app);
Work defineSchedule(CLI::App& app);
Work defineEvents(CLI::App& app);
Work defineDiscard(CLI::App& app);
Work defineStatus(CLI::App& app);
Work defineRetry(CLI::App& app);
Work defineRestart(CLI::App& app);
Work defineClean(CLI::App& app);
Work defineDirectors(CLI::App& app);
Work defineStats(CLI::App& app);
Work defineCheck(CLI::App& app);
Work defineBackup(CLI::App& app);
Work defineRunTask(CLI::App& app);
Work defineMachine(CLI::App& app);
Work defineCompletion(CLI::App& app);
/// What the completion scripts ask; not for people, and not in the help.
Work defineCompleteWords(CLI::App& app);
Work defineMan(CLI::App& app);

}  // namespace v1
}  // namespace callsheet
