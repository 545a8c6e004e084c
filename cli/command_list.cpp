#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/limits.h"
#include "cli/commands.h"
#include "cli/job_text.h"
#include "cli/json_output.h"
#include "cli/values.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct ListOptions {
  std::vector<std::string> states;
  std::string owner;
  std::string kind;
  std::string queue;
  std::string label;
  bool unclaimable = false;
  bool quarantined = false;
  bool forgotten = false;
  bool newest = false;
  std::size_t limit = 100;
  std::string page;
};

/// What one word of --state lets through.
struct StateTest {
  std::string_view name;
  JobState state;
  WaitReason waitingFor = WaitReason::none;
  JobOutcome outcome = JobOutcome::none;

  [[nodiscard]] bool matches(const JobRow& row) const {
    return row.state == state && (waitingFor == WaitReason::none || row.waitingFor == waitingFor) &&
           (outcome == JobOutcome::none || row.outcome == outcome);
  }
};

constexpr std::array<StateTest, 14> stateTests{{
    {"waiting", JobState::waiting},
    {"ready", JobState::ready},
    {"requested", JobState::requested},
    {"in-progress", JobState::inProgress},
    {"done", JobState::done},
    {"succeeded", JobState::done, WaitReason::none, JobOutcome::succeeded},
    {"failed", JobState::done, WaitReason::none, JobOutcome::failed},
    {"canceled", JobState::done, WaitReason::none, JobOutcome::canceled},
    {"due", JobState::waiting, WaitReason::due},
    {"backoff", JobState::waiting, WaitReason::backoff},
    {"sleep", JobState::waiting, WaitReason::sleep},
    {"external", JobState::waiting, WaitReason::external},
    {"dependency", JobState::waiting, WaitReason::dependency},
    {"quarantine", JobState::waiting, WaitReason::quarantine},
}};

const StateTest& stateTestNamed(const std::string& name) {
  return *std::find_if(stateTests.begin(), stateTests.end(), [&](const StateTest& test) { return test.name == name; });
}

/// A CLI::IsMember with a sentence of its own.
CLI::Validator isState() {
  std::vector<std::string_view> names;
  for (const StateTest& test : stateTests) names.push_back(test.name);
  const auto refusal = [names](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end()
               ? ""
               : fmt::format("'{}' is none of {}", printable(name), fmt::join(names, ", "));
  };
  return {refusal, fmt::format("{{{}}}", fmt::join(names, ","))};
}

/// A page of the store's, and what --state asks beyond the store's filter.
class Listing {
 public:
  Listing(const ListOptions& options, const OwnerNames& names, Session& session) {
    for (const std::string& name : options.states) tests_.push_back(stateTestNamed(name));
    if (options.quarantined) tests_.push_back(stateTestNamed("quarantine"));
    for (const StateTest& test : tests_)
      if (std::find(filter_.states.begin(), filter_.states.end(), test.state) == filter_.states.end())
        filter_.states.push_back(test.state);
    if (!options.owner.empty()) filter_.owner = names.ownerNamed(options.owner);
    filter_.kind = options.kind;
    filter_.queue = options.queue;
    const std::size_t equals = options.label.find('=');
    filter_.labelName = options.label.substr(0, equals);
    if (equals != std::string::npos) filter_.labelValue = options.label.substr(equals + 1);
    filter_.unclaimable = options.unclaimable;
    if (options.unclaimable) filter_.living = session.living();
    filter_.newestFirst = options.newest;
    filter_.forgottenToo = options.forgotten;
  }

  /// Up to `limit` jobs from there on. The store's own pages may be shorter: it looks at so many rows at a time only.
  JobPage page(LmdbJobStore& store, const std::string& from, std::size_t limit) const {
    JobPage all;
    all.next = from;
    do {
      JobPage part = store.list(filter_, all.next, limit - all.jobs.size());
      std::move(part.unreadable.begin(), part.unreadable.end(), std::back_inserter(all.unreadable));
      for (JobView& job : part.jobs)
        if (passes(job.row)) all.jobs.push_back(std::move(job));
      all.next = std::move(part.next);
    } while (!all.next.empty() && all.jobs.size() < limit);
    return all;
  }

 private:
  [[nodiscard]] bool passes(const JobRow& row) const {
    return tests_.empty() ||
           std::any_of(tests_.begin(), tests_.end(), [&](const StateTest& test) { return test.matches(row); });
  }

  JobFilter filter_;
  std::vector<StateTest> tests_;
};

void printPageJson(const JobPage& page, const OwnerNames& names) {
  Json json = versioned();
  json["jobs"] = Json::array();
  for (const JobView& job : page.jobs) json["jobs"].push_back(jobSummaryJson(job, names));
  json["unreadable"] = Json::array();
  for (const JobID id : page.unreadable) json["unreadable"].push_back(id.toString());
  json["next"] = textJson(page.next);
  printJson(json);
}

void printPageText(const JobPage& page, const OwnerNames& names) {
  Table table({"ID", "STATE", "OWNER", "QUEUE", "PRIORITY", "STARTED", "CREATED", "KIND", "WORK"});
  for (const JobView& job : page.jobs) {
    const JobRow& row = job.row;
    std::string work = shortened(workText(job), 60);
    if (row.state == JobState::inProgress && row.progress > 0)
      work = fmt::format("{:.0f}% {}", row.progress * 100, work);
    table.add({{shortIDOf(row.id)},
               {stateText(row), stateColour(row)},
               {names.nameOf(row.owner)},
               {row.queue},
               {std::to_string(row.priority)},
               {std::to_string(row.started)},
               {utcSecondsText(row.createdAt)},
               {row.kind},
               {work}});
  }
  if (!table.isEmpty()) table.print();
  for (const JobID id : page.unreadable)
    tell("job " + id.toString() + " cannot be read; `callsheet check` says why, `callsheet discard` removes it");
  if (!page.next.empty()) tell("there may be more: the same command with --page " + page.next);
}

}  // namespace

Work defineList(CLI::App& app) {
  const auto options = std::make_shared<ListOptions>();
  app.add_option("--state", options->states,
                 "waiting (or why: due, backoff, sleep, external, dependency, quarantine), ready,\n"
                 "requested, in-progress, done (or how: succeeded, failed, canceled); may be repeated")
      ->type_name("STATE")
      ->check(isState())
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--owner", options->owner, "In whose queue: principal, or an assistant's name")->type_name("DIRECTOR");
  app.add_option("--kind", options->kind, "Of this kind")->type_name("KIND");
  app.add_option("--queue", options->queue, "In this queue")->type_name("QUEUE");
  app.add_option("--label", options->label, "With this label, of this value if one is given")
      ->type_name("NAME[=VALUE]");
  app.add_flag("--unclaimable", options->unclaimable,
               "Ready, and nobody alive who takes from its queue knows its kind");
  app.add_flag("--quarantined", options->quarantined, "The same as --state quarantine");
  app.add_flag("--forgotten", options->forgotten, "Also those that were forgotten");
  app.add_flag("--newest", options->newest, "The newest first (default: the oldest)");
  app.add_option("--limit", options->limit, "At most so many (default: 100)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, limits::pageRowsMax));
  app.add_option("--page", options->page, "Go on where a former page ended: its \"next\"")->type_name("TOKEN");
  return [options](Session& session) {
    const OwnerNames names(session.store().incarnations());
    const JobPage page = Listing(*options, names, session).page(session.store(), options->page, options->limit);
    session.json ? printPageJson(page, names) : printPageText(page, names);
    return 0;
  };
}

}  // namespace v1
}  // namespace callsheet
