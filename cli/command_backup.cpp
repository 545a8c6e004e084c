#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "cli/commands.h"
#include "cli/json_output.h"
#include "cli/terminal.h"

namespace callsheet {
inline namespace v1 {

Work defineBackup(CLI::App& app) {
  const auto target = std::make_shared<std::string>();
  app.add_option("dir", *target, "The new directory")->required()->type_name("DIR");
  app.footer(
      "The copy is synced and checked before it gets its name, so a directory of that name is a whole one. Named "
      "NAME.callsheet it\n"
      "is a store itself: callsheet --location (the directory above it) --id NAME list. To restore it, stop all "
      "daemons and put it in\n"
      "the place of the store. When it is killed it leaves DIR.partial-XXXXXXXX, which can be removed.");
  return [target](Session& session) {
    if (target->empty()) throw Error(ErrorKind::usage, "name the directory that the copy is to be made in");
    session.store().backup(*target);
    const std::string path = std::filesystem::absolute(*target).lexically_normal().string();
    if (!session.json) {
      printLine(path);
      return 0;
    }
    Json json = versioned();
    json["backup"] = path;
    printJson(json);
    return 0;
  };
}

}  // namespace v1
}  // namespace callsheet
