#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/event_folder.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "core/clock.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

constexpr int exitInvalid = 1;

/// UTC us; `never` for an invalid one too.
std::int64_t nextOf(const EventFile& event, std::int64_t now) {
  if (!event.schedule) return never;
  const auto* const once = std::get_if<OnceTiming>(&event.schedule->timing);
  return once != nullptr ? once->at : nextFiring(event.schedule->timing, now).value_or(never);
}

int check(const std::string& folder, const Session& session) {
  const std::int64_t now = SystemClock().now().utcMicros;
  const auto events = readEvents(folder, now);
  Json json = versioned();
  json["events"] = Json::array();
  Table table({"FILE", "EVENT", "NEXT"});
  for (const EventFile& event : events) {
    const std::int64_t next = nextOf(event, now);
    if (session.json) {
      Json one;
      one["file"] = event.file;
      one["event"] = event.schedule ? Json(event.schedule->name) : Json(nullptr);
      one["next"] = timeJson(next);
      one["error"] = textJson(event.why);
      json["events"].push_back(one);
    } else if (event.schedule) {
      table.add({{printable(event.file)}, {event.schedule->name}, {next != never ? formatUtc(next) : "never fires"}});
    } else {
      table.add({{printable(event.file)}, {"-"}, {printable(event.why), Colour::red}});
    }
  }
  if (session.json)
    printJson(json);
  else if (!table.isEmpty())
    table.print();
  else
    tell("there is no event in " + printable(folder));
  const bool areGood =
      std::all_of(events.begin(), events.end(), [](const auto& one) { return one.schedule.has_value(); });
  return areGood ? 0 : exitInvalid;
}

}  // namespace

Work defineEvents(CLI::App& app) {
  struct Options {
    std::string action;
    std::string folder;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("action", options->action, "What to do: check")
      ->required()
      ->type_name("ACTION")
      ->check(CLI::IsMember(std::vector<std::string>{"check"}));
  app.add_option("folder", options->folder, "The folder of events")->required()->type_name("DIR");
  app.footer(
      "callsheet events check DIR\n"
      "\nReads the .json files of a folder of events as `callsheet principal --events DIR` does, and says of each when "
      "it\n"
      "fires next or what is wrong with it. Exits with 1 when one is invalid. Needs no store.");
  return [options](Session& session) { return check(options->folder, session); };
}

}  // namespace v1
}  // namespace callsheet
