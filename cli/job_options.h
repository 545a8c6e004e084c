#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cli/command_options.h"
#include "core/new_job.h"

namespace callsheet {
inline namespace v1 {

/// What the command line says of the work itself: a command behind --, or a kind with parameters, and how it is tried.
struct JobOptions {
  int priority = 0;
  std::uint32_t retries = 0;
  std::string retryDelay;
  std::string queue = "default";
  std::vector<std::string> labels;
  std::string limit;
  CommandOptions command;
  std::string kind;
  std::string parameters;
  std::string parametersFile;
  std::vector<std::string> stray;

  void define(CLI::App& app);
  /// Error(usage) unless it is one of both; its example begins with `usage`, such as "callsheet add".
  void requireOneKindOfWork(const std::vector<std::string>& argv, const std::string& usage) const;
  /// Without an id.
  [[nodiscard]] NewJob jobOf(const std::vector<std::string>& argv) const;
};

}  // namespace v1
}  // namespace callsheet
