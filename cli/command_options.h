#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/command_spec.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace callsheet {
inline namespace v1 {

/// What `add` may say about the command behind --, besides the command itself.
struct CommandOptions {
  std::string cwd;
  std::vector<std::string> env;
  std::string input;
  std::optional<std::string> umask;
  std::optional<int> nice;
  std::optional<std::string> ionice;
  std::optional<std::uint64_t> memoryBytes;
  std::string cpuTime;
  std::string grace;
  bool separateStderr = false;
  std::optional<std::uint64_t> outputMaxBytes;

  void define(CLI::App& app);
  /// Whether any was given, which a kind cannot have.
  [[nodiscard]] bool isAny() const;
  /// The command as it is stored; reads stdin when that is its input. Error(invalid) for what could never run.
  [[nodiscard]] CommandSpec specOf(const std::vector<std::string>& argv) const;
};

}  // namespace v1
}  // namespace callsheet
