#include "core/task_body.h"

#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/json_payload.h"

namespace callsheet {
inline namespace v1 {

namespace {

using Json = nlohmann::json;

constexpr const char* machineName = "machine";
constexpr const char* parametersName = "parameters";

[[noreturn]] void refuse(const std::string& sentence) {
  throw Error(ErrorKind::invalid, sentence);
}

void requireFields(const Json& body) {
  if (!body.is_object()) refuse("A task is an object with 'machine' and 'parameters'.");
  std::string missing;
  for (const char* name : {machineName, parametersName})
    if (!body.contains(name)) missing.append(missing.empty() ? "'" : " and '").append(name).append("'");
  std::string foreign;
  for (const auto& [name, value] : body.items())
    if (name != machineName && name != parametersName)
      foreign.append(foreign.empty() ? "'" : ", '").append(name).append("'");
  if (!missing.empty() && foreign.empty()) refuse("A task needs " + missing + ".");
  if (!missing.empty()) refuse("A task needs " + missing + ", and nothing else: it has " + foreign + ".");
  if (!foreign.empty()) refuse("A task has 'machine' and 'parameters' and nothing else, but not " + foreign + ".");
  if (!body[machineName].is_string()) refuse("A task's 'machine' is a name, not " + body[machineName].dump() + ".");
}

}  // namespace

TaskBody parseTaskBody(std::string_view json) {
  validateJson(json, limits::payloadBytesMax);
  const Json body = Json::parse(json);
  requireFields(body);
  return {body[machineName].get<std::string>(), body[parametersName].dump()};
}

}  // namespace v1
}  // namespace callsheet
