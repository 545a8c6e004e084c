#include "cli/commands.h"

#include <array>

#include "cli/bench/command_bench.h"

namespace callsheet {
inline namespace v1 {

std::span<const Command> commands() {
  static constexpr std::array<Command, 34> table{{
      {"principal", "Run the store's principal: the daemon that runs jobs and adopts those of the dead",
       definePrincipal},
      {"assistant", "Run an assistant: a daemon with a name and a queue of its own", defineAssistant},
      {"add", "Add a job: a command behind --, or any kind with --kind", defineAdd, true},
      {"list", "List jobs", defineList},
      {"show", "Show all about a job", defineShow},
      {"status", "Show what runs, what comes and what has ended last, live on a terminal", defineStatus},
      {"watch", "Follow a job until it is done", defineWatch},
      {"wait", "Wait until jobs are done, and exit with the job's own code", defineWait},
      {"log", "Show what happened to a job, and what its command printed", defineLog},
      {"follow", "Print what a job's command prints, as it comes", defineFollow},
      {"cancel", "Cancel jobs", defineCancel},
      {"kill", "Kill running commands at once", defineKill},
      {"pause", "Stop the processes of running commands for a while", definePause},
      {"resume", "Let paused commands go on", defineResume},
      {"queue", "Limit, pause and list queues", defineQueue},
      {"schedule", "Have jobs made at times, and show when", defineSchedule, true},
      {"events", "Check a folder of events", defineEvents, false, false},
      {"retry", "Do done jobs again, as new jobs", defineRetry},
      {"restart", "Do jobs from their beginning, as new jobs, whatever they do now", defineRestart},
      {"clean", "Take done jobs out of sight, and their output off the disk", defineClean},
      {"discard", "Remove jobs that cannot be read", defineDiscard},
      {"define", "Store the settings of kinds: who runs them, time-outs, retries, limits", defineDefine},
      {"definitions", "Show the settings of kinds", defineDefinitions},
      {"directors", "List the principal and the assistants", defineDirectors},
      {"stats", "Count the jobs and describe the store", defineStats},
      {"check", "Verify every record and invariant of the store", defineCheck},
      {"backup", "Copy the store while it is in use", defineBackup},
      {"run-task", "Run one task here and now, without a store", defineRunTask, false, false},
      {"bench", "Measure this machine, and the store beside a bare LMDB loop", defineBench},
      {"completion", "Print the completion script of a shell", defineCompletion},
      {"complete-words", "What the store knows, for a completion script", defineCompleteWords},
      {"man", "Write the man pages", defineMan},
      {"bench-role", "A child of bench", defineBenchRole},
      {"machine", "A child of a task's shim", defineMachine, true, false},
  }};
  return table;
}

}  // namespace v1
}  // namespace callsheet
