#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/define.h"
#include "api/definition_json.h"
#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

int defineFiles(const std::vector<std::string>& files, Session& session) {
  // All are read before the first is stored, so that a wrong one changes nothing.
  std::vector<Definition> definitions;
  for (const std::string& file : files)
    for (Definition& one : definitionsInFile(file)) definitions.push_back(std::move(one));
  if (definitions.empty()) throw Error(ErrorKind::invalid, "there is no definition in what was given");
  JobStore& store = session.accessOrMake().store();
  Json json = versioned();
  json["definitions"] = Json::array();
  const std::vector<std::string> changed = define(store, definitions);
  for (const Definition& definition : definitions) {
    const bool isChanged = std::find(changed.begin(), changed.end(), definition.kind) != changed.end();
    if (!session.json) printLine(definition.kind + (isChanged ? "" : "  (as it was)"));
    Json one{{"kind", definition.kind}, {"changed", isChanged}};
    json["definitions"].push_back(std::move(one));
  }
  if (session.json) printJson(json);
  return 0;
}

int listDefinitions(const std::string& kind, Session& session) {
  std::vector<DefinitionRow> rows;
  if (kind.empty()) {
    rows = session.store().definitions();
  } else if (auto row = session.store().definition(kind)) {
    rows.push_back(std::move(*row));
  } else {
    throw Error(ErrorKind::notFound, "the kind '" + printable(kind) + "' is not defined; `callsheet define FILE` does");
  }
  if (session.json || !kind.empty()) {
    Json json = versioned();
    if (!kind.empty()) {
      json.update(definitionJson(rows.front()));
    } else {
      json["definitions"] = Json::array();
      for (const DefinitionRow& row : rows) json["definitions"].push_back(definitionJson(row));
    }
    printJson(json);
    return 0;
  }
  Table table({"KIND", "RUNNER", "VERSION", "SETTINGS"});
  for (const DefinitionRow& row : rows) {
    Json settings = definitionJson(row);
    for (const char* name : {"kind", "runner", "version", "updatedAt"}) settings.erase(name);
    for (const char* name : {"paramsSchema", "resultSchema", "errorSchema"})
      if (settings.contains(name)) settings[name] = true;
    table.add({{row.kind},
               {row.runner ? std::string(toString(*row.runner)) : "-"},
               {std::to_string(row.version)},
               {settings.empty() ? "-" : settings.dump()}});
  }
  if (!table.isEmpty()) table.print();
  return 0;
}

int removeDefinitions(const std::vector<std::string>& kinds, Session& session) {
  for (const std::string& kind : kinds)
    if (!session.store().definition(kind))
      throw Error(ErrorKind::notFound, "the kind '" + printable(kind) + "' is not defined; nothing was removed");
  Json json = versioned();
  json["removed"] = Json::array();
  for (const std::string& kind : kinds) {
    (void)undefine(session.store(), kind);
    json["removed"].push_back(kind);
    if (!session.json) printLine(kind);
  }
  if (session.json) printJson(json);
  return 0;
}

}  // namespace

Work defineDefine(CLI::App& app) {
  struct Options {
    std::vector<std::string> names;
    bool isRemoval = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_flag("--remove", options->isRemoval, "Remove the definitions of these kinds");
  app.add_option("files", options->names,
                 "Files with one definition or a list, in JSON or YAML; - is stdin.\nWith --remove: kinds")
      ->required()
      ->type_name("FILE");
  app.footer(
      "Stores the settings of kinds: who runs them, time-outs, retries, limits, schemas. For example\n"
      "  {\"kind\": \"resize\", \"runner\": \"remote\", \"inProgressTimeout\": 60000, \"concurrencyLimit\": 4}\n"
      "Times are in milliseconds. They apply to what is handed out from now on. Needs no daemon, and makes the store "
      "when there\n"
      "is none. When one definition is wrong, none is stored.");
  return [options](Session& session) {
    return options->isRemoval ? removeDefinitions(options->names, session) : defineFiles(options->names, session);
  };
}

Work defineDefinitions(CLI::App& app) {
  const auto kind = std::make_shared<std::string>();
  app.add_option("kind", *kind, "Only this one, with all that it sets")->type_name("KIND");
  app.footer("What `callsheet define` and the API stored.");
  return [kind](Session& session) { return listDefinitions(*kind, session); };
}

}  // namespace v1
}  // namespace callsheet
