// What whoever has work to be done calls: it makes tasks, looks at them and cancels them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/definition_json.h"
#include "api/fields.h"
#include "api/rpc.h"
#include "api/task_resource.h"
#include "callsheet/limits.h"
#include "callsheet/submit_options.h"
#include "core/names.h"
#include "core/new_job.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t logLimitDefault = 100;

NewJob newTaskFrom(const RpcContext& context, const Json& json, const std::string& what) {
  const Fields fields(json, what);
  const std::string kind = fields.requiredText("definition");
  const auto definition = context.store.reads().definition(kind);
  if (!definition)
    throw ApiError(422, errorTypes::unknownDefinition,
                   "the definition '" + kind.substr(0, limits::kindLengthMax) +
                       "' does not exist; POST it to /v1/definitions first");
  const Json none = Json::object();
  const Json* const params = fields.find("params");
  context.store.schemas().require(definition->paramsSchema, params == nullptr ? none : *params, "params");
  NewJob job = newJobOf(kind, 1, (params == nullptr ? none : *params).dump(), {});
  if (const auto id = fields.uuid("id")) job.id = JobID{*id};
  if (const auto label = fields.text("label")) job.body.labels["label"] = *label;
  if (const Json* const requester = fields.find("requester")) job.body.requester = requester->dump();
  if (const auto parent = fields.uuid("parent")) job.body.parent = JobID{*parent};
  job.notBeforeMicros = std::max<std::int64_t>(fields.time("executeAt").value_or(0), 0);
  if (const auto priority = fields.integer("priority", limits::priorityMin, limits::priorityMax))
    job.priority = static_cast<std::int32_t>(*priority);
  if (const auto queue = fields.text("queue")) job.queue = *queue;
  return job;
}

void refuseUnlessMade(const SubmittedJob& job) {
  if (job.verdict == Verdict::ok && job.row) return;
  if (job.verdict == Verdict::alreadyApplied || job.verdict == Verdict::conflict || job.verdict == Verdict::duplicate)
    throw ApiError(422, errorTypes::alreadyExists, "Task id:'" + job.id.toString() + "' exists already.");
  throw errorOf(Answer{job.verdict, job.why});
}

void createAll(const RpcContext& context, const RpcCall& call, std::vector<NewJob> jobs, bool isList) {
  Submit submit;
  submit.allOrNothing = true;
  submit.wantsRows = true;
  std::vector<JobBody> bodies;
  for (const NewJob& job : jobs) bodies.push_back(job.body);
  submit.jobs = std::move(jobs);
  context.store.post(std::move(submit), [reply = call.reply, bodies = std::move(bodies),
                                         isList](const Submit::Answer& answer) {
    guarded(reply, [&] {
      for (const SubmittedJob& job : answer.jobs)
        if (job.verdict == Verdict::alreadyApplied || job.verdict == Verdict::conflict) refuseUnlessMade(job);
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      Json resources = Json::array();
      for (std::size_t i = 0; i < answer.jobs.size(); ++i) {
        refuseUnlessMade(answer.jobs[i]);
        resources.push_back(taskResource(*answer.jobs[i].row, bodies[i], nullptr));
      }
      reply(resultOf(isList ? Json{{"resources", std::move(resources)}} : Json{{"resource", std::move(resources[0])}}));
    });
  });
}

JobView viewOf(const RpcContext& context, JobID id) {
  auto view = context.store.reads().find(id);
  if (!view) throw ApiError(422, errorTypes::notFound, "Task id:'" + id.toString() + "' does not exist.");
  return std::move(*view);
}

Json resourceOf(const JobView& view) {
  return taskResource(view.row, view.body, view.result ? &*view.result : nullptr);
}

}  // namespace

void taskCreateAndExecute(const RpcContext& context, const RpcCall& call) {
  std::vector<NewJob> jobs;
  if (!call.params.is_array()) {
    jobs.push_back(newTaskFrom(context, call.params, "params"));
    return createAll(context, call, std::move(jobs), false);
  }
  if (call.params.empty() || call.params.size() > limits::batchJobsMax)
    throw ApiError(422, errorTypes::invalidParams,
                   "params has 1 to " + std::to_string(limits::batchJobsMax) + " tasks");
  for (std::size_t i = 0; i < call.params.size(); ++i)
    jobs.push_back(newTaskFrom(context, call.params[i], "params[" + std::to_string(i) + "]"));
  createAll(context, call, std::move(jobs), true);
}

void taskStatus(const RpcContext& context, const RpcCall& call) {
  const Fields fields(call.params, "params");
  const JobID id{fields.requiredUuid("id")};
  const JobView view = viewOf(context, id);
  Json result{{"resource", resourceOf(view)}};
  if (fields.boolean("include-log").value_or(false)) {
    const auto from = static_cast<std::uint32_t>(fields.integer("log-from", 0, UINT32_MAX).value_or(0));
    const auto limit =
        static_cast<std::size_t>(fields.integer("log-limit", 1, limits::logEntriesMax).value_or(logLimitDefault));
    Json log = Json::array();
    for (const LogEntry& entry : context.store.reads().readLog(id, from, limit)) log.push_back(taskLogEntry(id, entry));
    result["log"] = std::move(log);
  }
  if (fields.boolean("include-settings").value_or(false)) {
    const auto definition = context.store.reads().definition(view.row.kind);
    result["settings"] = definition ? definitionJson(*definition) : Json(nullptr);
  }
  call.reply(resultOf(std::move(result)));
}

void taskCancel(const RpcContext& context, const RpcCall& call) {
  const Fields fields(call.params, "params");
  Cancel cancel;
  cancel.job.value = fields.requiredUuid("id");
  cancel.why = fields.text("reason").value_or("");
  cancel.wantsRow = true;
  const Cancel kept{cancel.job, {}};
  context.store.post(std::move(cancel), [context, kept, reply = call.reply](const AttemptAnswer& answer) {
    guarded(reply, [&] {
      if (answer.verdict != Verdict::ok || !answer.row) throw errorOf(kept, kept.job, answer);
      const JobView view = viewOf(context, kept.job);
      reply(resultOf({{"resource", taskResource(*answer.row, view.body, nullptr)}}));
    });
  });
}

}  // namespace v1
}  // namespace callsheet
