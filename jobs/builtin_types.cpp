#include "jobs/builtin_types.h"

#include <fcntl.h>

#include <cerrno>
#include <memory>

#include "core/job_runner.h"
#include "core/json_payload.h"
#include "ipc/file_descriptor.h"
#include "jobs/command_runner.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::string jsonOf(const CommandResult& result) {
  CommandOutcome outcome;
  if (result.ending == CommandResult::Ending::exited) outcome.exitCode = result.exitCode;
  if (result.ending == CommandResult::Ending::signaled) outcome.signal = result.signal;
  outcome.output = replaceInvalidUtf8(result.tail);
  outcome.truncatedBytes = result.truncatedBytes;
  outcome.durationMs = std::chrono::duration_cast<std::chrono::milliseconds>(result.duration).count();
  return toJson(outcome);
}

std::string runCommand(int tasks, const std::string& parameters, JobContext& context,
                       std::chrono::milliseconds lockPatience) {
  CommandSpec spec;
  try {
    fromJson(parameters, spec);
  } catch (const Error& error) {
    throw JobError("payload", error.what(), false);
  }
  if (const auto why = whyRefused(spec)) throw JobError("payload", *why, false);
  // For commands whose effects must not happen twice.
  spec.env["CALLSHEET_JOB_ID"] = context.id().toString();
  spec.env["CALLSHEET_EXEC_ID"] = context.execID().toString();

  AttemptLock::Answer taken = AttemptLock::take(tasks, attemptLockName(context.id()),
                                                {context.attempt(), lockPatience, context.stopToken(), false});
  context.throwIfCanceled();
  if (!taken.lock) throw AttemptNotBegun{taken.stillHeld};
  CommandRun run(std::move(spec), std::move(*taken.lock));
  if (const auto failure = run.start()) {
    if (failure->step == SpawnStep::superseded) throw AttemptNotBegun{failure->sentence};
    throw JobError("spawn", failure->sentence);
  }
  // The lock file stays: a process that left the command's group may hold it, and the next attempt must find that.
  const CommandResult result = run.wait(context.stopToken());
  std::string json = jsonOf(result);
  if (result.wasCanceled) throw JobError("canceled", "it was asked to end", false, json);
  if (result.ending == CommandResult::Ending::exited && result.exitCode == 0) return json;
  if (result.ending == CommandResult::Ending::exited)
    throw JobError("exit", "it exited with " + std::to_string(result.exitCode), true, json);
  if (result.ending == CommandResult::Ending::signaled)
    throw JobError("signal", "signal " + std::to_string(result.signal) + " ended it", true, json);
  throw JobError("unknown", "how it ended is not known: something else in this process waited for it", true, json);
}

}  // namespace

std::string attemptLockName(JobID job) {
  return job.toString() + ".lock";
}

JobTypes builtinTypes(const StoreDirectory& directory, std::chrono::milliseconds lockPatience) {
  const auto tasks = std::make_shared<FileDescriptor>(FileDescriptor(
      ::openat(directory.descriptor(), StoreDirectory::tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)));
  if (tasks->number() < 0) throw systemError("the store's tasks directory cannot be opened", errno);
  JobTypes types;
  types.add(commandKind, 1, [tasks, lockPatience](const std::string& parameters, JobContext& context) {
    return runCommand(tasks->number(), parameters, context, lockPatience);
  });
  return types;
}

}  // namespace v1
}  // namespace callsheet
