#include "api/definition_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "api/fields.h"
#include "api/iso_time.h"
#include "api/json_schema.h"
#include "callsheet/errors.h"
#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t countMax = 1'000'000'000;

struct Times {
  const char* name;
  std::optional<std::int64_t> Definition::*micros;
};
constexpr Times times[] = {{"requestedToStartTimeout", &Definition::requestedToStartTimeoutMicros},
                           {"inProgressTimeout", &Definition::inProgressTimeoutMicros},
                           {"retryDelay", &Definition::retryDelayMicros},
                           {"retryDelayMax", &Definition::retryDelayMaxMicros}};

struct Schemas {
  const char* name;
  std::string Definition::*schema;
};
constexpr Schemas schemas[] = {{"paramsSchema", &Definition::paramsSchema},
                               {"resultSchema", &Definition::resultSchema},
                               {"errorSchema", &Definition::errorSchema}};

Json millisJson(std::int64_t micros) {
  if (micros % 1000 == 0) return micros / 1000;
  return static_cast<double>(micros) / 1000;
}

std::optional<Runner> runnerFrom(const Fields& fields) {
  const auto name = fields.text("runner");
  if (!name) return std::nullopt;
  for (const Runner runner : {Runner::native, Runner::remote})
    if (*name == toString(runner)) return runner;
  fields.refuse("runner", "is 'native' (a C++ type that some process registers) or 'remote' (an executor takes it)");
}

RateLimit rateFrom(const Json& json) {
  const Fields fields(json, "rateLimit", errorTypes::definitionInvalid);
  fields.allowOnly({"count", "per", "burst"});
  RateLimit rate;
  const auto count = fields.integer("count", 1, countMax);
  const auto per = fields.millis("per");
  if (!count) fields.refuse("count", "is required");
  if (!per) fields.refuse("per", "is required: the time in which so many may begin, in ms");
  rate.count = static_cast<std::uint32_t>(*count);
  rate.perMicros = *per;
  rate.burst = static_cast<std::uint32_t>(fields.integer("burst", 1, countMax).value_or(*count));
  return rate;
}
}  // namespace

Definition definitionFrom(const Json& json) {
  const Fields fields(json, "definition", errorTypes::definitionInvalid);
  fields.allowOnly({"v", "kind", "runner", "requestedToStartTimeout", "inProgressTimeout", "allowedRetryCount",
                    "retryDelay", "retryBackoff", "retryDelayMax", "retryOnFail", "concurrencyLimit", "concurrencyPath",
                    "rateLimit", "paramsSchema", "resultSchema", "errorSchema", "version", "updatedAt"});
  Definition definition;
  definition.kind = fields.requiredText("kind");
  definition.runner = runnerFrom(fields);
  for (const auto& [name, micros] : times)
    if (const auto time = fields.millis(name)) definition.*micros = *time;
  if (const auto count = fields.integer("allowedRetryCount", 1, countMax))
    definition.allowedRetryCount = static_cast<std::uint32_t>(*count);
  definition.retryBackoff = fields.number("retryBackoff", 1, 1000);
  definition.retryOnFail = fields.boolean("retryOnFail");
  definition.concurrencyLimit = static_cast<std::uint32_t>(fields.integer("concurrencyLimit", 1, countMax).value_or(0));
  definition.concurrencyPath = fields.text("concurrencyPath").value_or("");
  if (const Json* const rate = fields.find("rateLimit")) definition.rate = rateFrom(*rate);
  for (const auto& [name, schema] : schemas) {
    const Json* const value = fields.find(name);
    if (value == nullptr) continue;
    definition.*schema = value->dump();
    if ((definition.*schema).size() > limits::schemaBytesMax)
      fields.refuse(name, "has more than " + std::to_string(limits::schemaBytesMax) + " bytes");
    try {
      (void)JsonSchema::parse(definition.*schema);
    } catch (const Error& error) {
      fields.refuse(name, std::string("is no schema that can be checked: ") + error.what());
    }
  }
  if (const auto why = whyRefused(definition)) throw ApiError(422, errorTypes::definitionInvalid, *why);
  return definition;
}

Json definitionJson(const DefinitionRow& row) {
  Json json{{"kind", row.kind}};
  if (row.runner) json["runner"] = toString(*row.runner);
  for (const auto& [name, micros] : times)
    if (row.*micros) json[name] = millisJson(*(row.*micros));
  if (row.allowedRetryCount) json["allowedRetryCount"] = *row.allowedRetryCount;
  if (row.retryBackoff) json["retryBackoff"] = *row.retryBackoff;
  if (row.retryOnFail) json["retryOnFail"] = *row.retryOnFail;
  if (row.concurrencyLimit > 0) json["concurrencyLimit"] = row.concurrencyLimit;
  if (!row.concurrencyPath.empty()) json["concurrencyPath"] = row.concurrencyPath;
  if (row.rate.count > 0)
    json["rateLimit"] = {{"count", row.rate.count}, {"per", millisJson(row.rate.perMicros)}, {"burst", row.rate.burst}};
  for (const auto& [name, schema] : schemas)
    if (!(row.*schema).empty()) json[name] = Json::parse(row.*schema);
  json["version"] = row.version;
  json["updatedAt"] = formatUtcMicros(row.updatedAt);
  return json;
}

}  // namespace v1
}  // namespace callsheet
