#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/log_text.h"
#include "cli/step_tree.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr std::size_t entriesShown = 10;
constexpr std::size_t outputLinesShown = 20;

void printField(std::string_view name, const std::string& value) {
  if (!value.empty()) printLine(fmt::format("{:<12}{}", name, value));
}

void printTime(std::string_view name, std::int64_t utcMicros) {
  if (utcMicros != 0 && utcMicros != never) printField(name, formatUtc(utcMicros));
}

std::string retryText(const RetryPolicy& retry) {
  if (retry.maxAttempts <= 1) return "never";
  return fmt::format("up to {} attempts, first after {}, then x{:g}, at most {}", retry.maxAttempts,
                     formatDuration(retry.firstDelay), retry.factor, formatDuration(retry.maxDelay));
}

std::string lastLines(const std::string& text, std::size_t count) {
  std::size_t end = text.size();
  if (end > 0 && text[end - 1] == '\n') --end;
  std::size_t start = end;
  for (std::size_t lines = 0; start > 0; --start)
    if (text[start - 1] == '\n' && ++lines == count) break;
  return text.substr(start, end - start);
}

/// What a queue holds back from running; empty when it does not.
std::string heldBackText(const JobRow& row, JobStore& store) {
  const auto queue = row.state == JobState::ready ? store.queue(row.queue) : std::nullopt;
  if (!queue || queue->room() > 0) return "";
  if (queue->isPaused) return "its queue is paused; `callsheet queue resume` lets it go on";
  return fmt::format("its queue is full: {} of {} run", queue->running, queue->parallel);
}

void printPrerequisites(const JobBody& body, JobStore& store) {
  for (const Prerequisite& one : body.after) {
    std::string state = "removed";
    try {
      if (const auto row = store.peek(one.job)) state = stateText(*row);
    } catch (const Error&) {
      state = "unreadable";
    }
    printField("after", fmt::format("{} ({}), {}", one.job.toString(), toString(one.condition), state));
  }
}

void printIdentity(const JobView& job, const OwnerNames& names, JobStore& store) {
  const JobRow& row = job.row;
  const JobBody& body = job.body;
  printField("job", fmt::format("{} (short {})", row.id.toString(), shortIDOf(row.id)));
  printField("kind", fmt::format("{} (version {}, {})", row.kind, body.kindVersion, toString(row.runner)));
  printField("state", coloured(stateColour(row), stateText(row)));
  if (names.isUnclaimable(job)) printField("", "nobody alive who takes from its queue knows its kind and version");
  printField("", heldBackText(row, store));
  printField("owner", names.nameOf(row.owner));
  printField("holder", names.holderOf(row));
  printField("queue", fmt::format("{}, priority {}", row.queue, row.priority));
  printField("counts", fmt::format("{} handed out, {} started, {} failed, {} deaths in a row", row.attempt, row.started,
                                   row.failures, row.holderDeaths));
  if (row.state == JobState::inProgress && (row.progress > 0 || !row.progressText.empty()))
    printField("progress", fmt::format("{:.0f}% {}", row.progress * 100, printable(row.progressText)));
  printPrerequisites(job.body, store);
  printTime("created", row.createdAt);
  if (row.state == JobState::waiting) printTime("wakes", row.wakeAt);
  printTime("started", row.startedAt);
  printTime("finished", row.finishedAt);
}

void printBody(const JobView& job) {
  const JobBody& body = job.body;
  printField("retries", retryText(body.retry));
  if (body.attemptLimitMicros != 0)
    printField("limit", formatDuration(std::chrono::microseconds{body.attemptLimitMicros}));
  printField("submitter", printable(body.submitterName));
  printField("requester", printable(body.requester));
  if (!body.key.empty())
    printField("key",
               fmt::format("{} until {}", printable(keyText(body)),
                           job.row.keyUntil == never ? "retention removes the job" : formatUtc(job.row.keyUntil)));
  if (!body.retryOf.isNil()) printField("retry of", body.retryOf.toString());
  if (job.row.answersWait) printField("answers", fmt::format("a wait of job {}", body.parent.toString()));
  for (const auto& [name, value] : body.labels) printField("label", fmt::format("{}={}", name, printable(value)));
  printField("work", workText(job));
}

void printOutcome(const JobView& job) {
  if (!job.result) return;
  if (job.row.outcome == JobOutcome::failed)
    printField("failure",
               fmt::format("{}: {}", printable(job.result->failure.type), printable(job.result->failure.message)));
  const auto command = commandOutcomeOf(job);
  if (!command) return printField("result", printable(job.result->value));
  if (command->exitCode) printField("exit code", std::to_string(*command->exitCode));
  if (command->signal) printField("signal", std::to_string(*command->signal));
  const std::string tail = printableLines(lastLines(command->output, outputLinesShown));
  if (tail.empty()) return;
  printLine("\noutput (the end; `callsheet log --output` prints what is kept):");
  printLine(tail);
}

void printText(const JobView& job, const std::vector<MemoRow>& steps, const std::vector<LogEntry>& log,
               const OwnerNames& names, JobStore& store) {
  printIdentity(job, names, store);
  printBody(job);
  printOutcome(job);
  printSteps(steps, job.row);
  printLine(log.size() > entriesShown ? "\nlog (the end; `callsheet log` prints all):" : "\nlog:");
  for (std::size_t i = log.size() > entriesShown ? log.size() - entriesShown : 0; i < log.size(); ++i)
    printLine(logLine(log[i], names));
}

}  // namespace

Work defineShow(CLI::App& app) {
  const auto id = std::make_shared<std::string>();
  app.add_option("id", *id, "The job")->required()->type_name("ID");
  return [id](Session& session) {
    const JobID job = session.resolve(*id);
    const auto view = session.store().find(job);
    if (!view) throw Error(ErrorKind::notFound, "job " + job.toString() + " was removed just now");
    const auto log = readWholeLog(session.store(), job);
    const std::vector<MemoRow> steps = readSteps(session.store(), view->row);
    const OwnerNames names(session.store().incarnations(), session.living());
    if (!session.json) {
      printText(*view, steps, log, names, session.store());
      return 0;
    }
    Json json = jobJson(*view, names);
    if (!steps.empty()) json["steps"] = stepsJson(steps, view->row);
    json["log"] = Json::array();
    for (const LogEntry& entry : log) json["log"].push_back(logEntryJson(entry, names));
    printJson(json);
    return 0;
  };
}

}  // namespace v1
}  // namespace callsheet
