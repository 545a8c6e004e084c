#include "jobs/script_command.h"

namespace callsheet {
inline namespace v1 {

CommandSpec commandOfScript(const std::string& program, const std::string& parameters, const ScriptOptions& options) {
  CommandSpec command;
  command.argv = {program,
                  "machine",
                  "script",
                  "--",
                  "directory=" + options.directory,
                  "modules=" + options.modules,
                  "memory=" + std::to_string(options.memoryBytes)};
  command.input = parameters;
  command.result = true;
  return command;
}

}  // namespace v1
}  // namespace callsheet
