#include "jobs/command_end.h"

#include <cstring>

#include "callsheet/json_archive.h"
#include "core/json_payload.h"
#include "core/names.h"
#include "core/script_result.h"
#include "jobs/command_outcome.h"
#include "shim/protocol.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::string resultOf(const TaskStatus& status, const std::string& tail) {
  CommandOutcome outcome;
  if (status.end == taskEnd::exited) outcome.exitCode = status.code;
  if (status.end == taskEnd::signaled) outcome.signal = status.code;
  outcome.output = replaceInvalidUtf8(tail);
  outcome.truncatedBytes = status.outputBytes > tail.size() ? status.outputBytes - tail.size() : 0;
  outcome.durationMs = status.durationMillis;
  if (!status.startedAt.empty()) outcome.startedAt = status.startedAt;
  if (!status.finishedAt.empty()) outcome.finishedAt = status.finishedAt;
  return toJson(outcome);
}

Fail failureOf(const AttemptRef& attempt, std::string_view kind, const char* type, const std::string& message,
               bool isRetryable, std::uint32_t random) {
  return Fail{attempt, {type, message, std::string(kind), {}}, isRetryable, random, {}, {}};
}

Fail failureOf(const AttemptRef& attempt, std::string_view kind, const TaskStatus& status, bool isCanceled,
               std::uint32_t random) {
  const auto fail = [&](const char* type, const std::string& message, bool isRetryable = true) {
    return failureOf(attempt, kind, type, message, isRetryable, random);
  };
  if (isCanceled) return fail("canceled", "it was asked to end", false);
  if (status.reason == "time-limit") return fail("deadline", "the attempt took longer than its limit");
  if (status.reason == "stopped") return fail("stopped", "somebody asked its shim to end");
  if (status.end == taskEnd::exited) return fail("exit", "it exited with " + std::to_string(status.code));
  if (status.end == taskEnd::signaled) return fail("signal", "signal " + std::to_string(status.code) + " ended it");
  return fail("spawn", std::string("it could not be run: ") + std::strerror(status.code));
}

}  // namespace

Verb verbOfEnd(const AttemptRef& attempt, const TaskStatus& status, const std::string& tail, bool isCanceled,
               std::uint32_t random) {
  if (status.end == taskEnd::exited && status.code == 0) return Succeed{attempt, resultOf(status, tail), {}};
  Fail fail = failureOf(attempt, commandKind, status, isCanceled, random);
  if (status.end != taskEnd::notStarted) fail.value = resultOf(status, tail);
  return fail;
}

Verb verbOfScriptEnd(const AttemptRef& attempt, const TaskStatus& status, const std::string& result, bool isCanceled,
                     std::uint32_t random) {
  const ScriptResult said = scriptResultOf(result);
  const bool hasExited = status.end == taskEnd::exited && !isCanceled && status.reason == "none";
  if (hasExited && !said.failure.type.empty()) return Fail{attempt, said.failure, true, random, {}, {}};
  if (status.end == taskEnd::exited && status.code == 0) return Succeed{attempt, said.value, {}};
  return failureOf(attempt, scriptKind, status, isCanceled, random);
}

Verb verbOfTransferEnd(const AttemptRef& attempt, std::string_view kind, const TaskStatus& status,
                       const std::optional<TransferReport>& report, bool isCanceled, std::uint32_t random) {
  const bool hasExited = status.end == taskEnd::exited && !isCanceled && status.reason == "none";
  if (hasExited && report && report->failure) {
    JobFailure failure = *report->failure;
    failure.origin = kind;
    return Fail{attempt, failure, report->isRetryable, random, report->leftover, {}, report->leastDelayMicros};
  }
  if (status.end == taskEnd::exited && status.code == 0 && report && report->result)
    return Succeed{attempt, *report->result, {}};
  return failureOf(attempt, kind, status, isCanceled, random);
}

Fail verbOfLoss(const AttemptRef& attempt, std::string_view kind, std::uint32_t random) {
  return failureOf(attempt, kind, "lost", "its process is gone, and nobody knows how it ended", true, random);
}

Fail verbOfFailedStart(const AttemptRef& attempt, std::string_view kind, const std::string& sentence, bool mayTryAgain,
                       std::uint32_t random) {
  return failureOf(attempt, kind, mayTryAgain ? "spawn" : "payload", sentence, mayTryAgain, random);
}

}  // namespace v1
}  // namespace callsheet
