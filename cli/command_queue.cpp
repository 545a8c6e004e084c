#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/queue_json.h"
#include "callsheet/errors.h"
#include "cli/answers.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

struct QueueOptions {
  std::string action;
  std::string name;
  std::optional<std::uint32_t> number;
  std::optional<std::uint32_t> parallel;
};

std::string stateText(const QueueRow& row) {
  if (row.isPaused) return "paused";
  return row.room() == 0 ? "full" : "open";
}

Colour stateColour(const QueueRow& row) {
  if (row.isPaused) return Colour::yellow;
  return row.room() == 0 ? Colour::cyan : Colour::green;
}

void printQueues(const std::vector<QueueState>& states, bool asJson) {
  if (asJson) {
    Json json = versioned();
    json["queues"] = Json::array();
    for (const QueueState& state : states) json["queues"].push_back(queueJson(state));
    return printJson(json);
  }
  Table table({"QUEUE", "STATE", "PARALLEL", "RUNNING", "READY", "WAITING"});
  for (const QueueState& state : states)
    table.add({{state.row.name},
               {stateText(state.row), stateColour(state.row)},
               {state.row.parallel == 0 ? "-" : std::to_string(state.row.parallel)},
               {std::to_string(state.counts.running)},
               {std::to_string(state.counts.ready)},
               {std::to_string(state.counts.waiting)}});
  if (!table.isEmpty()) table.print();
}

int list(const QueueOptions& options, Session& session) {
  std::vector<QueueState> states = session.store().queues();
  if (!options.name.empty()) {
    std::erase_if(states, [&](const QueueState& state) { return state.row.name != options.name; });
    if (states.empty())
      throw Error(ErrorKind::notFound, "there is no queue '" + printable(options.name) +
                                           "': it has no settings and no job that is not done");
  }
  printQueues(states, session.json);
  return 0;
}

/// Shows the queue as it stands now.
int report(const std::string& name, Session& session) {
  std::vector<QueueState> states = session.store().queues();
  std::erase_if(states, [&](const QueueState& state) { return state.row.name != name; });
  if (states.empty()) {  // nothing is set, and no job is in it
    states.emplace_back();
    states.back().row.name = name;
  }
  printQueues(states, session.json);
  return 0;
}

int change(const QueueOptions& options, Session& session) {
  SetQueue verb;
  verb.name = options.name;
  if (options.action == "add") {
    verb.parallel = options.parallel;
    verb.mustBeNew = true;
  } else if (options.action == "limit") {
    verb.parallel = options.number;
  } else {
    verb.isPaused = options.action == "pause";
  }
  const Answer answer = session.accessOrMake().store().applySurely(verb);
  if (answer.verdict == Verdict::conflict)
    throw Error(ErrorKind::conflict, answer.why + "; `callsheet queue limit` changes them");
  if (!isAccepted(answer.verdict)) throw errorOf(answer, "the queue is as it was");
  return report(options.name, session);
}

int remove(const QueueOptions& options, Session& session) {
  const Answer answer = session.store().apply(DeleteQueue{options.name});
  if (!isAccepted(answer.verdict)) throw errorOf(answer, "nothing was removed");
  return report(options.name, session);
}

constexpr std::array actions{"list", "add", "limit", "pause", "resume", "rm"};

void requireFitting(const QueueOptions& options) {
  const auto usage = [](const std::string& sentence) { return Error(ErrorKind::usage, sentence); };
  if (options.action != "list" && options.name.empty())
    throw usage("name the queue: callsheet queue " + options.action + " QUEUE");
  if (options.action == "limit" && !options.number)
    throw usage("say how many may run at once: callsheet queue limit " + printable(options.name) + " N; 0 is no limit");
  if (options.action != "limit" && options.number)
    throw usage("only `callsheet queue limit` takes a number behind the queue");
  if (options.action != "add" && options.parallel) throw usage("--parallel is for `callsheet queue add`");
}

}  // namespace

Work defineQueue(CLI::App& app) {
  const auto options = std::make_shared<QueueOptions>();
  app.add_option("action", options->action, "What to do: list, add, limit, pause, resume or rm")
      ->required()
      ->type_name("ACTION")
      ->check(CLI::IsMember(std::vector<std::string>(actions.begin(), actions.end())));
  app.add_option("queue", options->name, "The queue; with list only this one")->type_name("QUEUE");
  app.add_option("number", options->number, "With limit: how many of its jobs run at once; 0 is no limit")
      ->type_name("N");
  app.add_option("--parallel", options->parallel, "With add: how many of its jobs run at once (default: no limit)")
      ->type_name("N");
  app.footer(
      "callsheet queue list [QUEUE]\n"
      "callsheet queue add QUEUE [--parallel N]\n"
      "callsheet queue limit QUEUE N\n"
      "callsheet queue pause QUEUE\n"
      "callsheet queue resume QUEUE\n"
      "callsheet queue rm QUEUE\n"
      "\nA queue is a name that jobs are added with; it needs no settings, and none means no limit. The limit holds\n"
      "for all processes of the store together, and jobs that are handed out already go on. A paused queue hands\n"
      "nothing out. rm forgets what was set; the jobs stay. Needs no daemon, and makes the store when there is none.\n"
      "STATE is open, full (as many run as may) or paused.");
  return [options](Session& session) {
    requireFitting(*options);
    if (options->action == "list") return list(*options, session);
    return options->action == "rm" ? remove(*options, session) : change(*options, session);
  };
}

}  // namespace v1
}  // namespace callsheet
