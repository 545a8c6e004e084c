#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "api/json.h"
#include "core/schedule_views.h"

// The periodic script tasks of /api/v1/tasks (docs/scripts.md) as values: JSON objects on one side, schedules on the
// other. What is wrong with one throws ApiError 400 that says what.
namespace callsheet {
inline namespace v1 {

/// Who keeps the schedules that are tasks.
inline constexpr const char* periodicTasksKeeper = "tasks";

/// A task as somebody sent it: id, script, running, config, init, end, interval.
struct PeriodicTask {
  std::string id;
  std::string script;
  bool isRunning = false;
  std::string config;  ///< JSON
  std::string init;    ///< as it was written; empty: not given, as the next two
  std::string end;
  std::optional<double> intervalMillis;
};

[[nodiscard]] PeriodicTask periodicTaskFrom(const Json& body);
/// Fills in what the task leaves out from the file of its script's name that ends in .json: init, end, interval.
void fillIn(PeriodicTask& task, const Json& twin);
/// The name of that file, for a script of that name or address.
[[nodiscard]] std::string twinOf(const std::string& script);

/// `now`, UTC us, is `init` where none is given. The interval must be there.
[[nodiscard]] Schedule scheduleOf(PeriodicTask task, std::int64_t now);
/// Whether a schedule is one of these tasks.
[[nodiscard]] bool isPeriodicTask(const Schedule& schedule);
/// With the same spelling of its times that it came in.
[[nodiscard]] Json periodicTaskJson(const ScheduleView& view);
[[nodiscard]] Json periodicStatusJson(const ScheduleView& view);

}  // namespace v1
}  // namespace callsheet
