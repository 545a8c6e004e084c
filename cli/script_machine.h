#pragma once
#include <string>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// Executes a script: reads its job's parameters from stdin, fetches or opens the script, and becomes the program that
/// runs it, with the configuration as its input and descriptor 3 for its result. `settings` are NAME=VALUE of the
/// director's. Returns only when that cannot be: then descriptor 3 was told why, and the exit code is its answer.
[[nodiscard]] int runScriptMachine(const std::vector<std::string>& settings);

}  // namespace v1
}  // namespace callsheet
