#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/command_facts.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/man_page.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

namespace {

Error unwritable(const std::string& path, int errnoValue) {
  return systemError(path + " cannot be written; name another directory for the man pages", errnoValue);
}

void writeFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw unwritable(path, errno);
}

int writePages(const std::string& directory, const CommandFacts& root, bool asJson) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw unwritable(directory, error.value());
  std::vector<std::pair<std::string, std::string>> pages{{root.name + ".1", manPageOf(root)}};
  for (const CommandFacts& command : root.commands)
    pages.emplace_back(root.name + "-" + command.name + ".1", manPageOf(root, command));
  Json json = versioned();
  json["pages"] = Json::array();
  for (const auto& [name, text] : pages) {
    const std::string path = fmt::format("{}/{}", directory, name);
    writeFile(path, text);
    json["pages"].push_back(path);
    if (!asJson) printLine(printable(path));
  }
  if (asJson) printJson(json);
  return 0;
}

}  // namespace

Work defineMan(CLI::App& app) {
  const auto directory = std::make_shared<std::string>();
  app.add_option("dir", *directory, "Where they are written to")->required()->type_name("DIR");
  app.footer(
      "Writes callsheet.1 and a page for each command, and prints their paths. An installed callsheet has them "
      "already.\n"
      "`man -l DIR/callsheet.1` shows one.");
  return
      [directory, &app](Session& session) { return writePages(*directory, factsOf(*app.get_parent()), session.json); };
}

}  // namespace v1
}  // namespace callsheet
