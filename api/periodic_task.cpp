#include "api/periodic_task.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/api_error.h"
#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/duration_text.h"
#include "core/names.h"
#include "http/fetch.h"

namespace callsheet {
inline namespace v1 {

namespace {
[[noreturn]] void refuse(const std::string& why) {
  throw ApiError(400, "task/invalid", why);
}

std::string shown(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 64);
}

std::string textOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string() || found->get_ref<const std::string&>().empty())
    refuse(std::string(name) + " must be a text, not " + shown(*found));
  return found->get<std::string>();
}

/// With `Z` or an offset; without either, or without a time of the day, it is UTC.
std::int64_t timeOf(const char* name, const std::string& text) {
  std::string whole = text;
  const std::size_t clock = whole.find('T');
  if (clock == std::string::npos)
    whole += "T00:00:00Z";
  else if (whole.find_first_of("Zz+-", clock) == std::string::npos)
    whole += 'Z';
  try {
    return parseUtc(whole);
  } catch (const Error&) {
    refuse(std::string(name) + " must be a date such as 2030-01-31T06:20:00Z, not '" + text.substr(0, 64) + "'");
  }
}

std::optional<double> intervalOf(const Json& object) {
  const auto found = object.find("interval");
  if (found == object.end() || found->is_null()) return std::nullopt;
  double millis = 0;
  if (found->is_number()) {
    millis = found->get<double>();
  } else if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto read = std::from_chars(text.data(), text.data() + text.size(), millis);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) millis = 0;
  }
  if (!(millis >= 1) || millis > static_cast<double>(limits::delayMax.count()) / 1000)
    refuse("interval must be a number of milliseconds from 1 to ten years, not " + shown(*found));
  return millis;
}

/// Whole numbers as such.
Json numberJson(double number) {
  return number == std::floor(number) ? Json(static_cast<std::int64_t>(number)) : Json(number);
}

void requireScript(const std::string& script) {
  if (script.empty()) refuse("script is missing: the address of a script, or its name in the directory of scripts");
  if (script.size() > limits::scheduleSpecBytesMax) refuse("script is too long");
  if (isHttpUrl(script)) return;
  const bool isName = script.find("://") == std::string::npos && script.front() != '/' &&
                      ("/" + script + "/").find("/../") == std::string::npos;
  if (!isName) refuse("script must be an http or https address, or a name in the directory of scripts");
}
}  // namespace

PeriodicTask periodicTaskFrom(const Json& body) {
  if (!body.is_object()) refuse("a task is an object");
  for (const auto& [name, value] : body.items())
    if (name != "id" && name != "script" && name != "running" && name != "config" && name != "init" && name != "end" &&
        name != "interval")
      refuse("a task has no field '" + name.substr(0, 64) + "'");
  PeriodicTask task;
  task.id = textOf(body, "id");
  if (!task.id.empty() && !isValidName(task.id))
    refuse("id must be at most 64 of letters, digits, '.', '_' and '-', not starting with a dot");
  task.script = textOf(body, "script");
  requireScript(task.script);
  if (const auto running = body.find("running"); running != body.end()) {
    if (!running->is_boolean()) refuse("running must be true or false, not " + shown(*running));
    task.isRunning = running->get<bool>();
  }
  const auto config = body.find("config");
  if (config == body.end() || !config->is_object()) refuse("config must be an object");
  task.config = config->dump();
  task.init = textOf(body, "init");
  task.end = textOf(body, "end");
  task.intervalMillis = intervalOf(body);
  return task;
}

void fillIn(PeriodicTask& task, const Json& twin) {
  if (!twin.is_object()) refuse("the file beside the script is no object");
  if (task.init.empty()) task.init = textOf(twin, "init");
  if (task.end.empty()) task.end = textOf(twin, "end");
  if (!task.intervalMillis) task.intervalMillis = intervalOf(twin);
}

std::string twinOf(const std::string& script) {
  std::string name = script;
  if (isHttpUrl(name)) name.resize(std::min(name.find_first_of("?#"), name.size()));
  const std::size_t dot = name.rfind('.');
  const std::size_t slash = name.rfind('/');
  if (dot != std::string::npos && (slash == std::string::npos || dot > slash)) name.resize(dot);
  return name + ".json";
}

Schedule scheduleOf(PeriodicTask task, std::int64_t now) {
  if (!task.intervalMillis) refuse("interval is missing, and no file beside the script names one");
  if (task.init.empty()) task.init = formatUtc(now);
  IntervalTiming timing;
  timing.init = timeOf("init", task.init);
  timing.intervalMicros = static_cast<std::int64_t>(*task.intervalMillis * 1000);
  Json spec = {{"init", task.init}, {"interval", numberJson(*task.intervalMillis)}};
  if (!task.end.empty()) {
    timing.end = timeOf("end", task.end);
    if (timing.end <= timing.init) refuse("end must lie behind init");
    if (timing.end <= now) refuse("end is over already");
    spec["end"] = task.end;
  }
  Schedule schedule;
  schedule.name = task.id;
  schedule.keeper = periodicTasksKeeper;
  schedule.spec = spec.dump();
  schedule.timing = timing;
  schedule.policy.missed = MissedRuns::skip;
  schedule.job.kind = scriptKind;
  schedule.job.runner = runnerOf(scriptKind);
  schedule.job.body.parameters = Json{{"script", task.script}, {"config", Json::parse(task.config)}}.dump();
  schedule.job.body.retry.maxAttempts = 1;
  return schedule;
}

bool isPeriodicTask(const Schedule& schedule) {
  return schedule.keeper == periodicTasksKeeper;
}

Json periodicTaskJson(const ScheduleView& view) {
  const Json spec = Json::parse(view.settings.spec);
  const Json parameters = Json::parse(view.settings.job.body.parameters);
  Json json;
  json["id"] = view.row.name;
  json["script"] = parameters.at("script");
  json["running"] = !view.row.isPaused;
  json["config"] = parameters.at("config");
  for (const char* name : {"init", "end", "interval"})
    if (spec.contains(name)) json[name] = spec.at(name);
  return json;
}

Json periodicStatusJson(const ScheduleView& view) {
  Json json;
  json["id"] = view.row.name;
  json["running"] = !view.row.isPaused;
  json["state"] = !view.open.empty() ? "executing" : view.row.isPaused ? "stopped" : "idle";
  if (!view.row.isPaused && view.row.next != never) json["nextExecution"] = std::to_string(view.row.next / 1000);
  return json;
}

}  // namespace v1
}  // namespace callsheet
