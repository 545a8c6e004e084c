#include "http/event_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/json_payload.h"
#include "core/names.h"
#include "core/schedule/timing_text.h"
#include "http/fetch.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Json = nlohmann::ordered_json;

constexpr const char* usualKey = "WORDWARE_API_KEY";

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid, why);
}

void allowOnly(const Json& object, const char* what, std::initializer_list<std::string_view> names) {
  for (const auto& [name, value] : object.items())
    if (std::find(names.begin(), names.end(), name) == names.end())
      refuse(std::string(what) + " has no member '" + name.substr(0, 64) + "'");
}

std::string textOf(const Json& object, const char* what, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
    refuse(std::string(what) + " needs a text '" + name + "'");
  return found->get<std::string>();
}

/// The name of a variable of the environment.
std::string keyOf(const Json& event) {
  if (!event.contains("apiKeyEnv")) return usualKey;
  std::string name = textOf(event, "an event", "apiKeyEnv");
  const bool isName =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
  if (!isName) refuse("apiKeyEnv must be the name of a variable of the environment");
  return name;
}

std::string requestOf(const Json& event) {
  const Json& flow = event.at("flow");
  if (!flow.is_object()) refuse("flow must be an object");
  allowOnly(flow, "flow", {"input", "version", "api"});
  const std::string api = textOf(flow, "flow", "api");
  if (!isHttpUrl(api)) refuse("flow.api must begin with http:// or https://");
  Json body;
  body["inputs"] = flow.value("input", Json::object());
  body["version"] = textOf(flow, "flow", "version");
  Json request;
  request["url"] = api;
  request["method"] = "POST";
  request["headers"] = {{"Content-Type", "application/json"}, {"Authorization", "Bearer ${env:" + keyOf(event) + "}"}};
  request["body"] = body;
  return request.dump();
}

void setTiming(Schedule& schedule, const Json& event, std::int64_t now) {
  const auto given = event.find("schedule");
  if (given == event.end() || given->is_null()) {
    schedule.spec = "once";
    schedule.timing = OnceTiming{now};
    return;
  }
  if (!given->is_object()) refuse("schedule must be an object");
  schedule.spec = given->dump();
  schedule.timing = timingOfJson(schedule.spec, now);
}
}  // namespace

Schedule scheduleOfEvent(const std::string& text, const std::string& file, std::int64_t now) {
  validateJson(text, limits::payloadBytesMax);
  const Json event = Json::parse(text);
  if (!event.is_object()) refuse("an event is an object");
  allowOnly(event, "an event", {"name", "flow", "schedule", "apiKeyEnv", "pipeline"});
  Schedule schedule;
  schedule.name = textOf(event, "an event", "name");
  schedule.keeper = eventsKeeper;
  if (event.contains("pipeline"))
    refuse("event " + schedule.name + " has a pipeline, which is a module of another program; only flows are called");
  if (!event.contains("flow")) refuse("event " + schedule.name + " has neither flow nor pipeline configuration");
  setTiming(schedule, event, now);
  schedule.job.kind = httpKind;
  schedule.job.runner = runnerOf(httpKind);
  schedule.job.body.parameters = requestOf(event);
  schedule.job.body.labels[eventFileLabel] = file;
  RetryPolicy& retry = schedule.job.body.retry;
  retry.maxAttempts = 3;
  retry.firstDelay = std::chrono::seconds{2};
  retry.factor = 2;
  retry.jitter = 0;
  if (const auto why = whyRefused(schedule)) refuse(*why);
  return schedule;
}

}  // namespace v1
}  // namespace callsheet
