#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "ipc/presence_lock.h"
#include "ipc/principal_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// What the store and the locks together say of one incarnation.
struct Director {
  IncarnationRow row;
  bool isHeld = false;
  pid_t pid = 0;  ///< 0: unknown
  QueueCounts counts;

  [[nodiscard]] bool isAlive() const { return row.isOpen() && isHeld; }
  [[nodiscard]] std::string name() const { return row.role == Role::principal ? std::string(principalWord) : row.name; }
  [[nodiscard]] std::string state() const {
    if (isAlive()) return "alive";
    if (row.isOpen()) return "dead";
    return row.isUnreadable ? "unreadable" : std::string(toString(row.closing));
  }
};

QueueCounts countsOf(const CountsByOwner& counts, IncarnationID owner) {
  const auto found = counts.find(owner);
  return found == counts.end() ? QueueCounts{} : found->second;
}

std::vector<Director> directorsOf(Session& session, const CountsByOwner& counts, bool all) {
  // A director is present before it is registered and closed before it leaves. So one that is open before and after the
  // look at the presences, and is not among them, is dead; one that is open only after it has just come.
  const OwnerNames before(session.store().incarnations());
  std::map<IncarnationID, Presence> presences;
  for (Presence& presence : listPresences(session.access().directory())) {
    const IncarnationID id = presence.incarnation;
    presences.emplace(id, std::move(presence));
  }
  std::vector<Director> directors;
  for (const IncarnationRow& row : session.store().incarnations()) {
    Director director{row, !before.isOpen(row.id), 0, {}};
    if (const auto found = presences.find(row.id); found != presences.end()) {
      director.isHeld = found->second.held;
      if (found->second.held) director.pid = found->second.info.pid;
    }
    // The principal's queue is one for all principals; it is shown with the open one.
    if (row.role == Role::assistant || (row.role == Role::principal && row.isOpen()))
      director.counts = countsOf(counts, row.queueOwner());
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
  json["pid"] = director.pid != 0 ? Json(director.pid) : Json(nullptr);
  json["incarnation"] = director.row.id.toString();
  json["waiting"] = director.counts.waiting;
  json["ready"] = director.counts.ready;
  json["running"] = director.counts.running;
  json["adopted"] = director.row.adopted;
  json["emptied"] = director.row.emptied;
  json["unreadable"] = director.row.isUnreadable;
  json["openedAt"] = timeJson(director.row.openedAt);
  json["closedAt"] = timeJson(director.row.closedAt);
  json["kinds"] = director.row.kinds;
  return json;
}

void printAsJson(const std::vector<Director>& directors, const std::optional<PresenceInfo>& principal,
                 const QueueCounts& principalQueue) {
  Json json = versioned();
  json["principalAlive"] = principal.has_value();
  json["principalPid"] = principal && principal->pid != 0 ? Json(principal->pid) : Json(nullptr);
  json["principalQueue"] = {
      {"waiting", principalQueue.waiting}, {"ready", principalQueue.ready}, {"running", principalQueue.running}};
  json["directors"] = Json::array();
  for (const Director& director : directors) json["directors"].push_back(directorJson(director));
  printJson(json);
}

void printText(const std::vector<Director>& directors, bool hasPrincipal, const QueueCounts& principalQueue) {
  Table table({"NAME", "ROLE", "STATE", "PID", "WAITING", "READY", "RUNNING", "SINCE", "INCARNATION"});
  for (const Director& director : directors) {
    table.add({{director.name()},
               {std::string(toString(director.row.role))},
               {director.state(), director.isAlive() ? Colour::green : Colour::red},
               {director.pid != 0 ? std::to_string(director.pid) : "-"},
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
      "STATE is alive; dead (its lock is free, the principal will adopt its jobs); or how it was closed (stopped, "
      "died, hung)\n"
      "while something of it is left to adopt. WAITING, READY and RUNNING count the jobs of its queue.");
  return [all](Session& session) {
    const CountsByOwner counts = session.store().countByOwner();
    const auto directors = directorsOf(session, counts, *all);
    const auto principal = PrincipalLock::holder(session.access().directory());
    const QueueCounts principalQueue = countsOf(counts, principalOwner);
    if (session.json)
      printAsJson(directors, principal, principalQueue);
    else
      printText(directors, principal.has_value(), principalQueue);
    return 0;
  };
}

}  // namespace v1
}  // namespace callsheet
