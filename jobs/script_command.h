#pragma once
#include <string>

#include "callsheet/script_options.h"
#include "jobs/command_spec.h"

namespace callsheet {
inline namespace v1 {

/// The command that executes a script; it reads the job's parameters by itself, when it begins.
/// `program` is the `callsheet` command.
[[nodiscard]] CommandSpec commandOfScript(const std::string& program, const std::string& parameters,
                                          const ScriptOptions& options);

}  // namespace v1
}  // namespace callsheet
