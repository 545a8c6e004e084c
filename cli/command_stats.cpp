#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "ipc/presence_lock.h"
#include "ipc/principal_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct Living {
  bool principal = false;
  std::uint64_t assistants = 0;
};

Living livingOf(Session& session) {
  Living living;
  living.principal = PrincipalLock::holder(session.access().directory()).has_value();
  for (const IncarnationRow& row : session.store().incarnations())
    if (row.isOpen() && row.role == Role::assistant &&
        presenceStateOf(session.access().directory(), row.id) == PresenceState::held)
      ++living.assistants;
  return living;
}

/// What an acknowledged job survives, in words.
std::string durabilityText(const std::string& durability) {
  if (durability == "power") return "power (every acknowledged change survives a power cut)";
  if (durability == "process") return "process (survives the death of any process; a power cut may cost the store)";
  return durability;
}

template <class Enum, std::size_t size>
Json countsJson(const std::uint64_t (&counts)[size]) {
  Json json = Json::object();
  for (std::size_t i = 1; i < size; ++i) json[std::string(toString(static_cast<Enum>(i)))] = counts[i];
  return json;
}

void printAsJson(Session& session, const Totals& totals, const StoreInfo& info, const Living& living) {
  Json json = versioned();
  json["store"] = session.access().directory().dataPath();
  json["backend"] = info.backend;
  json["durability"] = info.durability;
  json["format"] = info.format;
  json["library"] = info.libraryVersion;
  json["bytesUsed"] = info.bytesUsed;
  json["bytesMax"] = info.bytesMax;
  json["commits"] = info.commits;
  json["submitted"] = totals.submitted;
  json["jobs"] = totals.jobs();
  json["waiting"] = countsJson<WaitReason>(totals.waiting);
  json["ready"] = totals.ready;
  json["requested"] = totals.requested;
  json["inProgress"] = totals.inProgress;
  json["done"] = countsJson<JobOutcome>(totals.done);
  json["principalAlive"] = living.principal;
  json["assistantsAlive"] = living.assistants;
  printJson(json);
}

template <class Enum, std::size_t size>
std::string countsText(const std::uint64_t (&counts)[size]) {
  std::uint64_t sum = 0;
  std::string parts;
  for (std::size_t i = 1; i < size; ++i) {
    sum += counts[i];
    if (counts[i] > 0)
      parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", counts[i], toString(static_cast<Enum>(i)));
  }
  return parts.empty() ? "0" : fmt::format("{} ({})", sum, parts);
}

void printText(Session& session, const Totals& totals, const StoreInfo& info, const Living& living) {
  const auto field = [](std::string_view name, const std::string& value) {
    printLine(fmt::format("{:<12}{}", name, value));
  };
  field("store", session.access().directory().dataPath());
  field("backend", fmt::format("{}, format {} ({})", info.backend, info.format, info.libraryVersion));
  field("durability", durabilityText(info.durability));
  field("size", fmt::format("{} of at most {}", bytesText(info.bytesUsed), bytesText(info.bytesMax)));
  field("commits", std::to_string(info.commits));
  field("submitted", std::to_string(totals.submitted));
  field("waiting", countsText<WaitReason>(totals.waiting));
  field("ready", std::to_string(totals.ready));
  if (totals.requested > 0) field("requested", std::to_string(totals.requested));
  field("in-progress", std::to_string(totals.inProgress));
  field("done", countsText<JobOutcome>(totals.done));
  field("principal", living.principal ? "alive" : "none alive");
  field("assistants", fmt::format("{} alive", living.assistants));
}

}  // namespace

Work defineStats(CLI::App& app) {
  app.footer("What `callsheet check` recounts, as it is kept; cheap however many jobs there are.");
  return [](Session& session) {
    const Totals totals = session.store().totals();
    const StoreInfo info = session.store().info();
    const Living living = livingOf(session);
    session.json ? printAsJson(session, totals, info, living) : printText(session, totals, info, living);
    return 0;
  };
}

}  // namespace v1
}  // namespace callsheet
