#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "callsheet/limits.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "ipc/presence_lock.h"
#include "ipc/principal_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// Jobs that are not done, of one owner.
struct Counts {
  std::uint64_t waiting = 0;
  std::uint64_t ready = 0;
  std::uint64_t running = 0;
  [[nodiscard]] std::uint64_t all() const { return waiting + ready + running; }
};

/// What the store and the locks together say of one incarnation.
struct Director {
  IncarnationRow row;
  std::optional<Presence> presence;
  Counts counts;

  [[nodiscard]] bool isAlive() const { return row.isOpen() && presence && presence->held; }
  [[nodiscard]] std::string name() const { return row.role == Role::principal ? std::string(principalWord) : row.name; }
  [[nodiscard]] std::string state() const {
    if (isAlive()) return "alive";
    if (row.isOpen()) return "dead";
    return std::string(toString(row.closing));
  }
};

std::map<IncarnationID, Counts> countByOwner(LmdbJobStore& store) {
  std::map<IncarnationID, Counts> counts;
  JobFilter filter;
  filter.states = {JobState::waiting, JobState::ready, JobState::requested, JobState::inProgress};
  std::string next;
  do {
    const JobPage page = store.list(filter, next, limits::pageRowsMax);
    for (const JobView& job : page.jobs) {
      Counts& one = counts[job.row.owner];
      if (job.row.state == JobState::waiting)
        ++one.waiting;
      else if (job.row.state == JobState::ready)
        ++one.ready;
      else
        ++one.running;
    }
    next = page.next;
  } while (!next.empty());
  return counts;
}

std::vector<Director> directorsOf(Session& session, bool all) {
  // Presences first: a director is registered after it is present, so a row that is read later is never taken for dead.
  std::map<IncarnationID, Presence> presences;
  const auto listed = listPresences(session.access().directory());
  for (const IncarnationRow& row : session.store().incarnations())
    if (const auto state = presenceStateOf(session.access().directory(), row.id); state != PresenceState::absent)
      presences[row.id] = Presence{row.id, {}, state == PresenceState::held};
  for (const Presence& presence : listed)
    if (const auto known = presences.find(presence.incarnation); known != presences.end()) known->second.info = presence.info;
  const auto counts = countByOwner(session.store());
  std::vector<Director> directors;
  for (const IncarnationRow& row : session.store().incarnations()) {
    Director director{row, std::nullopt, {}};
    if (const auto found = presences.find(row.id); found != presences.end()) director.presence = found->second;
    // The principal's queue is one for all principals; it is shown with the open one.
    const bool ownsQueue = row.role == Role::assistant || row.isOpen();
    if (const auto found = counts.find(row.queueOwner()); found != counts.end() && ownsQueue && row.role != Role::executor)
      director.counts = found->second;
    // A closed incarnation matters as long as something of it is to be adopted.
    if (all || row.isOpen() || !row.emptied || director.counts.all() > 0) directors.push_back(std::move(director));
  }
  return directors;
}

Json directorJson(const Director& director) {
  Json json;
  json["name"] = director.name();
  json["role"] = toString(director.row.role);
  json["alive"] = director.isAlive();
  json["state"] = director.state();
  json["pid"] = director.presence && director.presence->held && director.presence->info.pid != 0
                    ? Json(director.presence->info.pid)
                    : Json(nullptr);
  json["incarnation"] = director.row.id.toString();
  json["waiting"] = director.counts.waiting;
  json["ready"] = director.counts.ready;
  json["running"] = director.counts.running;
  json["adopted"] = director.row.adopted;
  json["emptied"] = director.row.emptied;
  json["openedAt"] = timeJson(director.row.openedAt);
  json["closedAt"] = timeJson(director.row.closedAt);
  json["kinds"] = director.row.kinds;
  return json;
}

void printAsJson(const std::vector<Director>& directors, const std::optional<PresenceInfo>& principal, const Counts& principalQueue) {
  Json json = versioned();
  json["principalAlive"] = principal.has_value();
  json["principalPid"] = principal && principal->pid != 0 ? Json(principal->pid) : Json(nullptr);
  json["principalQueue"] = {
      {"waiting", principalQueue.waiting}, {"ready", principalQueue.ready}, {"running", principalQueue.running}};
  json["directors"] = Json::array();
  for (const Director& director : directors) json["directors"].push_back(directorJson(director));
  printJson(json);
}

void printText(const std::vector<Director>& directors, bool hasPrincipal, const Counts& principalQueue) {
  Table table({"NAME", "ROLE", "STATE", "PID", "WAITING", "READY", "RUNNING", "SINCE", "INCARNATION"});
  for (const Director& director : directors) {
    const bool isKnown = director.presence && director.presence->held && director.presence->info.pid != 0;
    table.add({{director.name()},
               {std::string(toString(director.row.role))},
               {director.state(), director.isAlive() ? Colour::green : Colour::red},
               {isKnown ? std::to_string(director.presence->info.pid) : "-"},
               {std::to_string(director.counts.waiting)},
               {std::to_string(director.counts.ready)},
               {std::to_string(director.counts.running)},
               {utcSecondsText(director.row.openedAt)},
               {director.row.id.toString()}});
  }
  if (!table.isEmpty()) table.print();
  if (hasPrincipal) return;
  tell(fmt::format("no principal is alive: adoption and retention wait for one, and so do the {} jobs of its queue",
                   principalQueue.all()));
}

}  // namespace

Work defineDirectors(CLI::App& app) {
  const auto all = std::make_shared<bool>(false);
  app.add_flag("--all", *all, "Also closed ones of which nothing is left");
  app.footer(
      "STATE is alive; dead (its lock is free, the principal will adopt its jobs); or how it was closed (stopped, died, hung)\n"
      "while something of it is left to adopt. WAITING, READY and RUNNING count the jobs of its queue.");
  return [all](Session& session) {
    const auto directors = directorsOf(session, *all);
    const auto principal = PrincipalLock::holder(session.access().directory());
    const auto counts = countByOwner(session.store());
    const auto queue = counts.find(principalOwner);
    const Counts principalQueue = queue == counts.end() ? Counts{} : queue->second;
    if (session.json)
      printAsJson(directors, principal, principalQueue);
    else
      printText(directors, principal.has_value(), principalQueue);
    return 0;
  };
}

}  // namespace v1
}  // namespace callsheet
