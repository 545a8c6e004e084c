#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cli/job_options.h"
#include "core/schedule_row.h"

namespace callsheet {
inline namespace v1 {

/// What `schedule` is told on the command line.
struct ScheduleOptions {
  std::string action;
  std::string name;  ///< of `next`, the timing
  std::string spec;
  JobOptions job;
  std::string overlap = "forbid";
  std::string missed = "once";
  std::string startDeadline;
  std::string jitter;
  bool isPaused = false;
  bool replaces = false;
  std::uint32_t count = 10;
  std::string within;
  std::string from;

  void define(CLI::App& app, const std::vector<std::string>& actions);
  /// Error(usage) for what does not go with the action.
  void requireFitting(bool takesName, const std::vector<std::string>& argv) const;
  /// Of `add`. Error(invalid) for a timing that cannot be.
  [[nodiscard]] Schedule scheduleOf(const std::vector<std::string>& argv, std::int64_t now) const;

 private:
  const CLI::App* app_ = nullptr;
};

}  // namespace v1
}  // namespace callsheet
