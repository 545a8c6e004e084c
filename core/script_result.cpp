#include "core/script_result.h"

#include <nlohmann/json.hpp>

#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/json_payload.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Json = nlohmann::ordered_json;  // a result keeps the order in which it was written

ScriptResult failed(const std::string& message, const Json& payload) {
  JobFailure failure;
  failure.type = "script";
  failure.message = message.substr(0, limits::errorBytesMax);
  failure.message = replaceInvalidUtf8(failure.message);  // a character may have been cut
  failure.message.resize(std::min<std::size_t>(failure.message.size(), limits::errorBytesMax));
  failure.origin = scriptKind;
  failure.payload = payload.dump();
  return {"null", failure};
}

ScriptResult ofValue(const Json& value) {
  const std::string text = value.dump();
  if (text.size() <= limits::payloadBytesMax) return {text, {}};
  return failed("its result has more than " + std::to_string(limits::payloadBytesMax) + " bytes", Json::object());
}
}  // namespace

ScriptResult scriptResultOf(std::string_view text) {
  if (text.empty()) return {};
  try {
    validateJson(text, limits::payloadBytesMax + 64);
  } catch (const Error&) {
    return ofValue(replaceInvalidUtf8(text));
  }
  const Json value = Json::parse(text);
  if (!value.is_object() || value.size() != 1) return ofValue(value);
  if (const auto result = value.find("result"); result != value.end()) return ofValue(*result);
  const auto error = value.find("error");
  if (error == value.end()) return ofValue(value);
  const auto message = error->is_object() ? error->find("message") : error->end();
  const bool isText = error->is_object() && message != error->end() && message->is_string();
  return failed(isText ? message->get<std::string>() : error->dump(), *error);
}

}  // namespace v1
}  // namespace callsheet
