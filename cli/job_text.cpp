#include "cli/job_text.h"

#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"

namespace callsheet {
inline namespace v1 {

namespace {

using nlohmann::json;

constexpr std::string_view plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_^";

/// As a shell would have to be given it.
std::string quoted(const std::string& argument) {
  if (!argument.empty() && argument.find_first_not_of(plainLetters) == std::string::npos) return argument;
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string stateText(const JobRow& row) {
  std::string text(toString(row.state));
  if (row.state == JobState::waiting) text += "/" + std::string(toString(row.waitingFor));
  if (row.state == JobState::done) text += "/" + std::string(toString(row.outcome));
  if (row.cancelRequested) text += " (to be canceled)";
  if (row.transferRequested) text += " (to be transferred)";
  if (row.stalled) text += " (stalled)";
  return text;
}

Colour stateColour(const JobRow& row) {
  if (row.outcome == JobOutcome::succeeded) return Colour::green;
  if (row.outcome == JobOutcome::failed || row.waitingFor == WaitReason::quarantine) return Colour::red;
  if (row.outcome == JobOutcome::canceled || row.waitingFor == WaitReason::backoff) return Colour::yellow;
  if (row.state == JobState::inProgress) return Colour::cyan;
  return Colour::none;
}

std::string workText(const JobView& job) {
  if (job.body.binary) return "(binary)";
  if (job.row.runner != Runner::command) return printable(job.body.parameters);
  const json spec = json::parse(job.body.parameters, nullptr, false);
  if (!spec.is_object() || !spec.contains("argv") || !spec["argv"].is_array()) return printable(job.body.parameters);
  std::string text;
  for (const json& argument : spec["argv"])
    if (argument.is_string()) text += (text.empty() ? "" : " ") + quoted(argument.get<std::string>());
  return printable(text);
}

std::optional<CommandOutcome> commandOutcomeOf(const JobView& job) {
  if (job.row.runner != Runner::command || !job.result || job.result->value.empty()) return std::nullopt;
  try {
    return fromJson<CommandOutcome>(job.result->value);
  } catch (const Error&) {
    return std::nullopt;
  }
}

int exitCodeOfJob(const JobView& job) {
  if (job.row.outcome == JobOutcome::succeeded) return 0;
  if (job.row.outcome == JobOutcome::canceled) return exitCanceled;
  if (job.result && job.result->failure.type == "deadline") return exitTimeOut;
  const auto command = commandOutcomeOf(job);
  if (command && command->signal.value_or(0) > 0) return 128 + *command->signal;
  // A command that ended with 0 and failed all the same is a failure.
  if (command && command->exitCode.value_or(0) != 0) return *command->exitCode;
  return exitFailed;
}

}  // namespace v1
}  // namespace callsheet
