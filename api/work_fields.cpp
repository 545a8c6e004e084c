#include "api/work_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "callsheet/limits.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

NewJob workFrom(ApiStore& store, const Fields& fields) {
  const Json none = Json::object();
  const Json* const found = fields.find("parameters");
  const Json& parameters = found == nullptr ? none : *found;
  NewJob job;
  job.kind = fields.requiredText("kind");
  job.runner = runnerOf(job.kind);
  job.body.parameters = parameters.dump();
  if (const auto definition = store.reads().definition(job.kind))
    store.schemas().require(definition->paramsSchema, parameters, "parameters");
  if (const auto queue = fields.text("queue")) job.queue = *queue;
  job.priority =
      static_cast<std::int32_t>(fields.integer("priority", limits::priorityMin, limits::priorityMax).value_or(0));
  if (const Json* const labels = fields.find("labels")) {
    const Fields named(*labels, "labels");
    for (const auto& [name, value] : labels->items()) job.body.labels[name] = named.requiredText(name.c_str());
  }
  job.body.retry.maxAttempts = static_cast<std::uint32_t>(fields.integer("attempts", 1, 1'000'000).value_or(1));
  if (const auto delay = fields.millis("retryDelay")) {
    job.body.retry.firstDelay = std::chrono::microseconds(*delay);
    job.body.retry.maxDelay = std::max(job.body.retry.maxDelay, job.body.retry.firstDelay);
  }
  job.body.attemptLimitMicros = fields.millis("limit").value_or(0);
  if (const Json* const requester = fields.find("requester")) job.body.requester = requester->dump();
  if (const auto traceparent = fields.text("traceparent")) job.body.traceparent = *traceparent;
  return job;
}

}  // namespace v1
}  // namespace callsheet
