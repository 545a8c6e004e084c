#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/clock.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct CleanOptions {
  std::vector<std::string> ids;
  bool succeeded = false;
  std::string kind;
  std::string queue;
  std::string olderThan;
};

/// What was named, all of which must be done.
std::vector<JobID> named(const std::vector<std::string>& texts, Session& session) {
  std::vector<JobID> ids = session.resolveAll(texts);
  for (const JobID id : ids) {
    const auto row = session.store().peek(id);
    if (row && row->state != JobState::done)
      throw Error(ErrorKind::invalid, fmt::format("job {} is {}, and only done jobs are cleaned away; nothing was done",
                                                  shortIDOf(id), stateText(*row)));
  }
  return ids;
}

std::size_t forgetAll(const std::vector<JobID>& ids, Session& session) {
  std::vector<Verb> verbs;
  verbs.reserve(ids.size());
  for (const JobID id : ids) verbs.emplace_back(Forget{id});
  std::size_t count = 0;
  const auto answers = session.store().applyAll(std::move(verbs));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& answer = std::get<AttemptAnswer>(answers[i]);
    if (answer.verdict == Verdict::ok) ++count;
    // Retention may have been there first.
    if (!isAccepted(answer.verdict) && answer.verdict != Verdict::notFound)
      throw errorOf(answer, "job " + shortIDOf(ids[i]));
  }
  return count;
}

/// Whatever is done and passes the filters, a page at a time.
std::size_t cleanAll(const CleanOptions& options, Session& session) {
  JobFilter filter;
  filter.states = {JobState::done};
  filter.kind = options.kind;
  filter.queue = options.queue;
  if (options.succeeded) filter.outcome = JobOutcome::succeeded;
  std::int64_t before = never;
  if (!options.olderThan.empty())
    before = SystemClock().now().utcMicros - durationOf("--older-than", options.olderThan).count();
  std::size_t count = 0;
  std::string page;
  do {
    const JobPage found = session.store().list(filter, page, limits::pageRowsMax);
    std::vector<JobID> ids;
    for (const JobView& job : found.jobs)
      if (job.row.finishedAt < before) ids.push_back(job.row.id);
    if (!ids.empty()) count += forgetAll(ids, session);
    page = found.next;
  } while (!page.empty());
  return count;
}

int clean(const CleanOptions& options, Session& session) {
  const bool hasFilters =
      options.succeeded || !options.kind.empty() || !options.queue.empty() || !options.olderThan.empty();
  if (!options.ids.empty() && hasFilters) throw Error(ErrorKind::usage, "name jobs, or say which: not both");
  const std::size_t count =
      options.ids.empty() ? cleanAll(options, session) : forgetAll(named(options.ids, session), session);
  if (!session.json) {
    printLine(fmt::format("{} {} forgotten", count, count == 1 ? "job" : "jobs"));
    return 0;
  }
  Json json = versioned();
  json["forgotten"] = count;
  printJson(json);
  return 0;
}

}  // namespace

Work defineClean(CLI::App& app) {
  const auto options = std::make_shared<CleanOptions>();
  app.add_option("ids", options->ids, "Done jobs (default: all of them)")->type_name("ID");
  app.add_flag("--succeeded", options->succeeded, "Only those that succeeded");
  app.add_option("--kind", options->kind, "Only those of this kind")->type_name("KIND");
  app.add_option("--queue", options->queue, "Only those in this queue")->type_name("QUEUE");
  app.add_option("--older-than", options->olderThan, "Only those that ended so long ago")->type_name("DURATION");
  app.footer(
      "Takes done jobs out of sight; a principal then takes what their commands printed off the disk.\n"
      "`list --forgotten` and `show` still know them until retention removes them.");
  return [options](Session& session) { return clean(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
