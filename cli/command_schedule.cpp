#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "core/clock.h"
#include "core/duration_text.h"
#include "core/schedule/timing_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct ScheduleOptions {
  std::string action;
  std::string spec;
  std::uint32_t count = 10;
  std::string within;
  std::string from;
};

int next(const ScheduleOptions& options, Session& session) {
  if (options.spec.empty())
    throw Error(ErrorKind::usage, "say for what: callsheet schedule next SPEC, for example '0 9 * * mon-fri'");
  const std::int64_t now = options.from.empty() ? SystemClock().now().utcMicros : utcOf("--from", options.from);
  const Timing timing = timingOfText(options.spec, now);
  const std::int64_t until = options.within.empty() ? never : now + durationOf("--within", options.within).count();
  Json json = versioned();
  json["next"] = Json::array();
  std::int64_t after = now;
  for (std::uint32_t shown = 0; shown < options.count; ++shown) {
    const auto at = nextFiring(timing, after);
    if (!at || *at >= until) break;
    after = *at;
    if (session.json)
      json["next"].push_back(timeJson(*at));
    else
      printLine(formatUtc(*at));
  }
  if (session.json) printJson(json);
  if (after == now) tell(options.within.empty() ? "it never fires" : "it does not fire so soon");
  return 0;
}

}  // namespace

Work defineSchedule(CLI::App& app) {
  const auto options = std::make_shared<ScheduleOptions>();
  app.add_option("action", options->action, "What to do: next")
      ->required()
      ->type_name("ACTION")
      ->check(CLI::IsMember(std::vector<std::string>{"next"}));
  app.add_option("spec", options->spec, "The timing, as one word of the shell")->type_name("SPEC");
  app.add_option("-n,--count", options->count, "How many firings to show (default: 10)")
      ->type_name("N")
      ->check(CLI::Range(1u, 10'000u));
  app.add_option("--within", options->within, "Only those that come within so long")->type_name("DURATION");
  app.add_option("--from", options->from, "As if it were this time now")->type_name("TIME");
  app.footer(
      "callsheet schedule next SPEC [-n N] [--within DURATION] [--from TIME]\n"
      "\nPrints when a timing fires next, in UTC. A SPEC is one of\n"
      "  every 90s [from TIME] [until TIME]    an interval\n"
      "  '*/5 8-18 * * mon-fri [ZONE]'         a line of cron, or @daily\n"
      "  'Mon..Fri *-*-* 09:00 [ZONE]'         a calendar event of systemd\n"
      "  2030-01-31T06:20:00Z                  once\n"
      "  '{\"time\": [\"09:00\"], \"weekday\": [7]}' or '{\"interval\": 60000}', in ms\n"
      "Without a ZONE, such as Europe/Madrid, it is UTC. A time that the change to summer time leaves out fires at "
      "the\n"
      "end of that gap, one that comes twice fires once. Needs no store.");
  return [options](Session& session) { return next(*options, session); };
}

}  // namespace v1
}  // namespace callsheet
