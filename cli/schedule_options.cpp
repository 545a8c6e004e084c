#include "cli/schedule_options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/schedule/timing_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

Overlap overlapOf(const std::string& text) {
  for (const Overlap one : {Overlap::forbid, Overlap::allow, Overlap::replace})
    if (text == toString(one)) return one;
  throw Error(ErrorKind::usage, "--overlap is one of forbid, allow and replace");
}

/// "skip", "once", "all" or "all:N".
void setMissed(FiringPolicy& policy, const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  bool isKnown = false;
  for (const MissedRuns one : {MissedRuns::skip, MissedRuns::once, MissedRuns::all})
    if (text.substr(0, colon) == toString(one)) {
      policy.missed = one;
      isKnown = true;
    }
  if (isKnown && colon < text.size()) {
    const char* const end = text.data() + text.size();
    const auto number = std::from_chars(text.data() + colon + 1, end, policy.missedMax);
    isKnown = policy.missed == MissedRuns::all && number.ec == std::errc() && number.ptr == end;
  }
  if (!isKnown) throw Error(ErrorKind::usage, "--missed is one of skip, once, all and all:N");
}

constexpr const char* footer =
    "callsheet schedule add NAME SPEC [OPTIONS] -- COMMAND...\n"
    "callsheet schedule add NAME SPEC [OPTIONS] --kind KIND [--params JSON]\n"
    "callsheet schedule list\n"
    "callsheet schedule show|why|run-now|pause|resume|reset|rm NAME\n"
    "callsheet schedule next [SPEC] [-n N] [--within DURATION] [--from TIME]\n"
    "\nThe store's principal makes the jobs; a schedule that nobody was there for is dealt with as --missed says when\n"
    "one starts. Each firing makes one job, whatever dies and wherever the clock jumps. A SPEC is one word of the\n"
    "shell:\n"
    "  'every 90s [from TIME] [until TIME]'  an interval; the schedule is removed at its end\n"
    "  '*/5 8-18 * * mon-fri [ZONE]'         a line of cron, or @daily\n"
    "  'Mon..Fri *-*-* 09:00 [ZONE]'         a calendar event of systemd\n"
    "  2030-01-31T06:20:00Z                  once\n"
    "  '{\"time\": [\"09:00\"], \"weekday\": [7]}' or '{\"interval\": 60000}', in ms\n"
    "Without a ZONE, such as Europe/Madrid, it is UTC. A time that the change to summer time leaves out fires at the\n"
    "end of that gap, one that comes twice fires once.\n"
    "\nnext shows when a SPEC fires, which needs no store, or without one what the store's schedules fire next. why\n"
    "says what became of the last firing and what the next one waits for. reset is for a schedule that stands still\n"
    "because the clock was set back over what it has fired: it begins anew now. STATE is waiting, paused, still (such "
    "a\n"
    "one) or over (nothing more will fire).";

}  // namespace

void ScheduleOptions::define(CLI::App& app, const std::vector<std::string>& actions) {
  app_ = &app;
  std::string all;
  for (const std::string& one : actions) all += (all.empty() ? "" : one == actions.back() ? " or " : ", ") + one;
  app.add_option("action", action, "What to do: " + all)
      ->required()
      ->type_name("ACTION")
      ->check(CLI::IsMember(actions));
  app.add_option("schedule", name, "The schedule; with next the timing")->type_name("SCHEDULE|SPEC");
  app.add_option("spec", spec, "With add: when it fires")->type_name("SPEC");
  app.add_option("--overlap", overlap,
                 "While a job of it has not ended: forbid (make none), allow, or replace (cancel that\none) "
                 "(default: forbid)")
      ->type_name("POLICY");
  app.add_option("--missed", missed,
                 "What nobody was there for: skip, once (one job for all of it), all or all:N (the last N)\n"
                 "(default: once)")
      ->type_name("POLICY");
  app.add_option("--start-deadline", startDeadline, "Later than so long is missed (default: 60s)")
      ->type_name("DURATION");
  app.add_option("--jitter", jitter, "Each job begins later by chance, by at most so long")->type_name("DURATION");
  app.add_flag("--paused", isPaused, "It fires only when it is resumed");
  app.add_flag("--replace", replaces, "Change a schedule of that name if there is one");
  job.define(app);
  app.add_option("-n,--count", count, "With next: how many firings to show (default: 10)")
      ->type_name("N")
      ->check(CLI::Range(1u, 10'000u));
  app.add_option("--within", within, "With next: only those that come within so long")->type_name("DURATION");
  app.add_option("--from", from, "With next: as if it were this time now")->type_name("TIME");
  app.footer(footer);
}

void ScheduleOptions::requireFitting(bool takesName, const std::vector<std::string>& argv) const {
  const auto usage = [](const std::string& sentence) { return Error(ErrorKind::usage, sentence); };
  const bool isAdd = action == "add";
  const bool isNext = action == "next";
  if (takesName && name.empty()) throw usage("name the schedule: callsheet schedule " + action + " NAME");
  if (action == "list" && !name.empty()) throw usage("list takes no name; callsheet schedule show has one");
  if (isAdd && spec.empty())
    throw usage("say when: callsheet schedule add " + printable(name) + " 'every 90s' -- COMMAND...");
  if (!isAdd && !spec.empty()) throw usage("only `callsheet schedule add` takes a timing behind the name");
  if (!isAdd && !argv.empty()) throw usage("only `callsheet schedule add` takes a command");
  for (const CLI::Option* const option : app_->get_options()) {
    if (option->count() == 0 || option->get_positional() || option->get_lnames().empty()) continue;
    const std::string& lname = option->get_lnames().front();
    const bool isOfNext = lname == "count" || lname == "within" || lname == "from";
    if (lname == "help" || (isOfNext ? isNext : isAdd)) continue;
    throw usage("--" + lname + " is for `callsheet schedule " + (isOfNext ? "next`" : "add`"));
  }
}

Schedule ScheduleOptions::scheduleOf(const std::vector<std::string>& argv, std::int64_t now) const {
  Schedule schedule;
  schedule.name = name;
  schedule.spec = spec;
  schedule.timing = timingOfText(spec, now);
  schedule.overlap = overlapOf(overlap);
  setMissed(schedule.policy, missed);
  if (!startDeadline.empty())
    schedule.policy.startDeadlineMicros = durationOf("--start-deadline", startDeadline).count();
  if (!jitter.empty()) schedule.jitterMicros = durationOf("--jitter", jitter).count();
  schedule.job = job.jobOf(argv);
  return schedule;
}

}  // namespace v1
}  // namespace callsheet
