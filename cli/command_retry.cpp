#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "core/new_job.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// The new jobs by whose queue they go to: the former owner's while it lives, else the principal's. Before them, where
/// that is wanted, the end of those that are not done.
std::vector<Verb> verbsFor(const std::vector<JobID>& ids, LmdbJobStore& store, bool cancelsFirst) {
  const OwnerNames names(store.incarnations());
  std::map<std::string, Submit> byOwner;
  std::vector<Verb> verbs;
  for (const JobID id : ids) {
    const auto job = store.find(id);
    if (!job) throw Error(ErrorKind::notFound, "job " + id.toString() + " was removed just now; nothing was added");
    const bool isDone = job->row.state == JobState::done;
    if (!isDone && cancelsFirst) verbs.emplace_back(Cancel{id, "restarted"});
    if (!isDone && !cancelsFirst)
      throw Error(ErrorKind::invalid, fmt::format("job {} is {}, only a done job can be done again; nothing was added",
                                                  shortIDOf(id), stateText(job->row)));
    const IncarnationID owner = job->row.owner;
    const std::string name = owner != principalOwner && names.isOpen(owner) ? names.nameOf(owner) : std::string();
    Submit& submit = byOwner[name];
    submit.ownerName = name;
    submit.jobs.push_back(againOf(job->row, job->body));
  }
  for (auto& [name, submit] : byOwner) verbs.emplace_back(std::move(submit));
  return verbs;
}

struct Added {
  JobID id;
  JobID retryOf;
};

int again(const std::vector<std::string>& texts, Session& session, bool cancelsFirst) {
  const auto verbs = verbsFor(session.resolveAll(texts), session.store(), cancelsFirst);
  const auto answers = session.store().applyAll(verbs);
  std::vector<Added> added;
  std::optional<Error> failure;
  for (std::size_t i = 0; i < verbs.size(); ++i) {
    if (const auto* cancel = std::get_if<Cancel>(&verbs[i])) {
      const auto& answer = std::get<AttemptAnswer>(answers[i]);
      // One that has ended meanwhile is as good.
      if (!isAccepted(answer.verdict) && answer.verdict != Verdict::illegal && !failure)
        failure = errorOf(answer, "job " + shortIDOf(cancel->job) + " was not canceled");
      continue;
    }
    const auto& submit = std::get<Submit>(verbs[i]);
    const auto& answer = std::get<Submit::Answer>(answers[i]);
    for (std::size_t j = 0; j < submit.jobs.size(); ++j) {
      const NewJob& job = submit.jobs[j];
      Answer one{answer.verdict, answer.why};
      if (j < answer.jobs.size()) one = {answer.jobs[j].verdict, answer.jobs[j].why};
      if (isAccepted(one.verdict))
        added.push_back({job.id, job.body.retryOf});
      else if (!failure)
        failure = errorOf(one, "job " + shortIDOf(job.body.retryOf) + " was not added again");
    }
  }
  Json json = versioned();
  json["jobs"] = Json::array();
  for (const Added& one : added) {
    if (!session.json) printLine(one.id.toString());
    json["jobs"].push_back(
        {{"id", one.id.toString()}, {"shortId", shortIDOf(one.id)}, {"retryOf", one.retryOf.toString()}});
  }
  if (session.json) printJson(json);
  if (failure) throw Error(*failure);
  return 0;
}

}  // namespace

Work defineRetry(CLI::App& app) {
  const auto ids = std::make_shared<std::vector<std::string>>();
  app.add_option("ids", *ids, "Done jobs, however they ended")->required()->type_name("ID");
  app.footer(
      "Makes a new job of the same kind, parameters and options for each and prints its id; the done job stays as it "
      "is. The new\n"
      "one has no key. When an id is wrong or a job is not done, nothing is added.");
  return [ids](Session& session) { return again(*ids, session, false); };
}

Work defineRestart(CLI::App& app) {
  const auto ids = std::make_shared<std::vector<std::string>>();
  app.add_option("ids", *ids, "Jobs in any state")->required()->type_name("ID");
  app.footer(
      "Cancels those that are not done, and makes a new job like each, as `retry` does. A running one is asked\n"
      "to end, and the new one does not wait for that.");
  return [ids](Session& session) { return again(*ids, session, true); };
}

}  // namespace v1
}  // namespace callsheet
