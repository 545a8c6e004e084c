#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/limits.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct CancelOptions {
  std::vector<std::string> ids;
  std::string why;
};

/// What became of one cancel, in a word.
std::string_view becameOf(const AttemptAnswer& answer) {
  if (answer.state == JobState::done) return answer.verdict == Verdict::ok ? "canceled" : "canceled before";
  return answer.verdict == Verdict::ok ? "asked to end" : "asked to end before";
}

int cancel(const CancelOptions& options, Session& session) {
  const std::vector<JobID> ids = session.resolveAll(options.ids);
  std::vector<Verb> verbs;
  verbs.reserve(ids.size());
  for (const JobID id : ids) verbs.emplace_back(Cancel{id, options.why});
  const auto answers = session.store().applyAll(std::move(verbs));
  Json json = versioned();
  json["jobs"] = Json::array();
  std::optional<Error> failure;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto& answer = std::get<AttemptAnswer>(answers[i]);
    const bool accepted = isAccepted(answer.verdict);
    Json job;
    job["id"] = ids[i].toString();
    job["accepted"] = accepted;
    job["state"] = accepted ? Json(toString(answer.state)) : Json(nullptr);
    job["why"] = textJson(answer.why);
    json["jobs"].push_back(std::move(job));
    if (accepted && !session.json) printLine(fmt::format("{}  {}", ids[i].toString(), becameOf(answer)));
    if (accepted) continue;
    // All are told, the first one decides the exit code.
    if (failure) tell(failure->what());
    Error error = errorOf(answer, "job " + shortIDOf(ids[i]));
    if (answer.verdict == Verdict::corrupt)
      error = Error(error.kind(), fmt::format("{}, or remove the job with `callsheet discard`", error.what()));
    if (failure)
      failure = Error(failure->kind(), error.what());
    else
      failure = std::move(error);
  }
  if (session.json) printJson(json);
  if (failure) throw Error(*failure);
  return 0;
}

}  // namespace

Work defineCancel(CLI::App& app) {
  const auto options = std::make_shared<CancelOptions>();
  app.add_option("ids", options->ids, "The jobs")->required()->type_name("ID");
  app.add_option("--why", options->why, "The reason, for the job's log")->type_name("TEXT");
  app.footer(
      "A job that nobody runs is canceled at once. A running one is asked to end; `callsheet wait` waits until it has. "
      "When an id\n"
      "is wrong nothing is canceled.");
  return [options](Session& session) { return cancel(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
