#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/schedule_json.h"
#include "callsheet/errors.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/schedule_options.h"
#include "cli/schedule_text.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/clock.h"
#include "core/duration_text.h"
#include "core/each_schedule.h"
#include "core/schedule/timing_text.h"
#include "core/schedule_changes.h"
#include "core/upcoming_firings.h"

namespace callsheet {
inline namespace v1 {

namespace {

std::int64_t utcNow() {
  return SystemClock().now().utcMicros;
}

ScheduleView viewOf(const std::string& name, Session& session) {
  auto view = session.store().schedule(name);
  if (view) return std::move(*view);
  throw Error(ErrorKind::notFound,
              "there is no schedule '" + printable(name) + "'; `callsheet schedule list` shows them");
}

int show(const std::string& name, Session& session) {
  const ScheduleView view = viewOf(name, session);
  if (session.json) {
    Json json = versioned();
    json.update(scheduleJson(view, utcNow()));
    printJson(json);
  } else {
    printSchedule(view, utcNow());
  }
  return 0;
}

void requireAccepted(const Answer& answer, const std::string& name) {
  if (!isAccepted(answer.verdict)) throw errorOf(answer, "schedule '" + printable(name) + "' is as it was");
}

int add(const ScheduleOptions& options, Session& session) {
  options.job.requireOneKindOfWork(session.trailing, "callsheet schedule add NAME SPEC");
  const std::int64_t now = utcNow();
  const Schedule wanted = options.scheduleOf(session.trailing, now);
  const auto* const once = std::get_if<OnceTiming>(&wanted.timing);
  if (once != nullptr && once->at <= now)
    throw Error(ErrorKind::invalid, "that time is over; `callsheet add` has a command run at once");
  JobStore& store = session.accessOrMake().store();
  Answer answer;
  if (options.replaces)
    answer = changeSchedule(store, wanted.name, [&](const std::optional<ScheduleView>& known) {
      if (const auto why = whyKept(known)) throw Error(ErrorKind::conflict, *why);
      return putOf(known, wanted, options.isPaused, now);
    });
  else
    answer = store.applySurely(putOf({}, wanted, options.isPaused, now));
  if (answer.verdict == Verdict::conflict && !options.replaces)
    throw Error(ErrorKind::conflict, answer.why + "; --replace has it changed, and it goes on from where it is");
  requireAccepted(answer, wanted.name);
  const ScheduleView view = viewOf(wanted.name, session);
  if (!view.row.isPaused && view.row.next == never) tell("it will never fire");
  return show(wanted.name, session);
}

int list(Session& session) {
  const std::int64_t now = utcNow();
  if (session.json) {
    Json json = versioned();
    json["schedules"] = Json::array();
    forEachSchedule(session.store(),
                    [&](const ScheduleView& view) { json["schedules"].push_back(scheduleJson(view, now)); });
    printJson(json);
    return 0;
  }
  Table table({"SCHEDULE", "STATE", "NEXT", "LAST", "FIRED", "SKIPPED", "TIMING"});
  forEachSchedule(session.store(), [&](const ScheduleView& view) { table.add(rowTextOf(view, now)); });
  if (!table.isEmpty()) table.print();
  return 0;
}

/// Paused or not, or begun anew.
int change(const ScheduleOptions& options, Session& session) {
  const std::string& name = options.name;
  const auto answer =
      changeSchedule(session.store(), name, [&](const std::optional<ScheduleView>& known) -> PutSchedule {
        if (!known) static_cast<void>(viewOf(name, session));  // says that there is none
        if (options.action == "reset") return resetOf(*known, utcNow());
        return pauseOf(*known, options.action == "pause", utcNow());
      });
  requireAccepted(answer, name);
  return show(name, session);
}

int remove(const ScheduleOptions& options, Session& session) {
  const auto answer = session.store().apply(DeleteSchedule{options.name});
  requireAccepted(answer, options.name);
  if (session.json) {
    Json json = versioned();
    json["deleted"] = options.name;
    printJson(json);
  }
  return 0;
}

int runNow(const ScheduleOptions& options, Session& session) {
  Submit verb;
  verb.jobs.push_back(runOf(viewOf(options.name, session), utcNow()));
  const JobID id = verb.jobs.front().id;
  const auto answer = session.store().applySurely(verb);
  if (!isAccepted(answer.verdict)) throw errorOf(answer, "nothing was run");
  if (!isAccepted(answer.jobs.at(0).verdict))
    throw errorOf(Answer{answer.jobs[0].verdict, answer.jobs[0].why}, "nothing was run");
  if (session.json) {
    Json json = versioned();
    json["id"] = id.toString();
    json["shortId"] = shortIDOf(id);
    printJson(json);
  } else {
    printLine(id.toString());
  }
  return 0;
}

int why(const ScheduleOptions& options, Session& session) {
  const ScheduleReasons reasons = reasonsOf(viewOf(options.name, session), session, utcNow());
  if (session.json) {
    Json json = versioned();
    json["name"] = options.name;
    json["last"] = reasons.last;
    json["skipped"] = textJson(reasons.skipped);
    json["next"] = reasons.next;
    printJson(json);
    return 0;
  }
  printLine("last   " + reasons.last);
  if (!reasons.skipped.empty()) printLine("       " + reasons.skipped);
  printLine("next   " + reasons.next);
  return 0;
}

/// When a timing fires, which needs no store.
std::vector<UpcomingFiring> firingsOf(const Timing& timing, std::int64_t after, std::int64_t until, std::size_t count) {
  std::vector<UpcomingFiring> firings;
  for (auto at = nextFiring(timing, after); at && *at < until && firings.size() < count; at = nextFiring(timing, *at))
    firings.push_back({*at, {}});
  return firings;
}

int next(const ScheduleOptions& options, Session& session) {
  const bool ofStore = options.name.empty();
  if (ofStore && !options.from.empty()) throw Error(ErrorKind::usage, "--from needs a SPEC");
  const std::int64_t now = options.from.empty() ? utcNow() : utcOf("--from", options.from);
  const std::int64_t until = options.within.empty() ? never : now + durationOf("--within", options.within).count();
  const auto firings = ofStore ? upcomingFirings(session.store(), until, options.count)
                               : firingsOf(timingOfText(options.name, now), now, until, options.count);
  if (session.json) {
    Json json = versioned();
    json["next"] = Json::array();
    for (const UpcomingFiring& one : firings) {
      if (ofStore)
        json["next"].push_back({{"at", timeJson(one.at)}, {"schedule", one.schedule}});
      else
        json["next"].push_back(timeJson(one.at));
    }
    printJson(json);
    return 0;
  }
  for (const UpcomingFiring& one : firings)
    printLine(ofStore ? formatUtc(one.at) + "  " + printable(one.schedule) : formatUtc(one.at));
  if (!firings.empty()) return 0;
  if (ofStore)
    tell("no schedule fires" + std::string(options.within.empty() ? "" : " so soon"));
  else
    tell(options.within.empty() ? "it never fires" : "it does not fire so soon");
  return 0;
}

struct Action {
  std::string_view name;
  bool takesName = true;
  int (*run)(const ScheduleOptions& options, Session& session);
};

constexpr std::array<Action, 10> actions{{
    {"add", true, add},
    {"list", false, [](const ScheduleOptions&, Session& session) { return list(session); }},
    {"show", true, [](const ScheduleOptions& options, Session& session) { return show(options.name, session); }},
    {"run-now", true, runNow},
    {"pause", true, change},
    {"resume", true, change},
    {"reset", true, change},
    {"rm", true, remove},
    {"next", false, next},
    {"why", true, why},
}};

}  // namespace

Work defineSchedule(CLI::App& app) {
  const auto options = std::make_shared<ScheduleOptions>();
  std::vector<std::string> names;
  for (const Action& action : actions) names.emplace_back(action.name);
  options->define(app, names);
  return [options](Session& session) {
    const auto* const action =
        std::find_if(actions.begin(), actions.end(), [&](const Action& one) { return one.name == options->action; });
    options->requireFitting(action->takesName, session.trailing);
    return action->run(*options, session);
  };
}

}  // namespace v1
}  // namespace callsheet
