// What whoever has work to be done calls: it makes tasks, looks at them and cancels them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/definition_json.h"
#include "api/fields.h"
#include "api/json_schema.h"
#include "api/rpc.h"
#include "api/task_resource.h"
#include "callsheet/limits.h"
#include "core/names.h"
#include "core/new_job.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t listLimitDefault = 100;
constexpr std::int64_t logLimitDefault = 100;
// What one call of list looks at before it says where to go on.
constexpr std::size_t pagesLookedAtMax = 5;

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
  if (!definition->paramsSchema.empty())
    if (const auto why = JsonSchema::parse(definition->paramsSchema).whyInvalid(params == nullptr ? none : *params))
      throw ApiError(422, errorTypes::schemaMismatch, "params do not fit the definition's schema: " + *why);
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

/// Which tasks a list shows, as it was asked for.
class ListFilter {
 public:
  explicit ListFilter(const Fields& fields) {
    included_ = fields.texts("includeDefinitions");
    excluded_ = fields.texts("excludeDefinitions").value_or(std::vector<std::string>{});
    ilike_ = lowered(fields.text("ilike").value_or(""));
    if (const auto states = valuesOf(fields, "status"))
      for (const std::string& name : *states) filter.states.push_back(stateNamed(fields, name));
    if (const auto outcome = fields.text("outcome")) filter.outcome = outcomeNamed(fields, *outcome);
    // One kind is what the store finds fastest.
    if (included_ && included_->size() == 1) filter.kind = included_->front();
  }
  [[nodiscard]] bool matches(const JobView& view) const {
    const auto isIn = [&](const std::vector<std::string>& kinds) {
      return std::find(kinds.begin(), kinds.end(), view.row.kind) != kinds.end();
    };
    if ((included_ && !isIn(*included_)) || isIn(excluded_)) return false;
    if (ilike_.empty()) return true;
    const auto label = view.body.labels.find("label");
    const std::string text = view.row.id.toString() + " " + view.row.kind + " " + view.body.parameters +
                             (label == view.body.labels.end() ? std::string() : " " + label->second);
    return lowered(text).find(ilike_) != std::string::npos;
  }
  JobFilter filter;

 private:
  static std::string lowered(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
  }
  static std::optional<std::vector<std::string>> valuesOf(const Fields& fields, const char* name) {
    const Json* const value = fields.find(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_string()) return std::vector<std::string>{value->get<std::string>()};
    return fields.texts(name);
  }
  static JobState stateNamed(const Fields& fields, const std::string& name) {
    for (int i = 0; i <= static_cast<int>(JobState::done); ++i)
      if (name == toString(static_cast<JobState>(i))) return static_cast<JobState>(i);
    fields.refuse("status", "is one of waiting, ready, requested, in-progress and done");
  }
  static JobOutcome outcomeNamed(const Fields& fields, const std::string& name) {
    for (const JobOutcome outcome : {JobOutcome::succeeded, JobOutcome::failed, JobOutcome::canceled})
      if (name == toString(outcome)) return outcome;
    fields.refuse("outcome", "is one of succeeded, failed and canceled");
  }

  std::optional<std::vector<std::string>> included_;
  std::vector<std::string> excluded_;
  std::string ilike_;
};

/// "createdAt", "-createdAt" or {"createdAt":"desc"}: whether the newest come first.
bool isNewestFirst(const Fields& fields) {
  const Json* const sort = fields.find("sort");
  if (sort == nullptr) return false;
  const auto fromName = [&](std::string name) {
    const bool isDescending = name.starts_with('-');
    if (isDescending) name.erase(0, 1);
    if (name != "createdAt") fields.refuse("sort", "is createdAt or -createdAt");
    return isDescending;
  };
  if (sort->is_string()) return fromName(sort->get<std::string>());
  const bool isPair = sort->is_object() && sort->size() == 1 && sort->begin()->is_string();
  const std::string order = isPair ? sort->begin()->get<std::string>() : std::string();
  if (order != "asc" && order != "desc") fields.refuse("sort", R"(is a name, or as {"createdAt":"desc"})");
  return fromName((order == "desc" ? "-" : "") + sort->items().begin().key());
}
}  // namespace

void taskCreateAndExecute(const RpcContext& context, RpcCall call) {
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

void taskStatus(const RpcContext& context, RpcCall call) {
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

void taskCancel(const RpcContext& context, RpcCall call) {
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

void taskList(const RpcContext& context, RpcCall call) {
  const Fields fields(call.params, "params");
  ListFilter wanted(fields);
  wanted.filter.newestFirst = isNewestFirst(fields);
  const auto limit = static_cast<std::size_t>(
      fields.integer("limit", 1, static_cast<std::int64_t>(limits::pageRowsMax)).value_or(listLimitDefault));
  std::string page = fields.text("page").value_or("");
  Json resources = Json::array();
  for (std::size_t pages = 0; pages < pagesLookedAtMax; ++pages) {
    // One row at a time near the end, so that the token stands behind the last one shown.
    const JobPage found = context.store.reads().list(wanted.filter, page, limit - resources.size());
    for (const JobView& view : found.jobs) {
      if (!wanted.matches(view)) continue;
      const bool hasResult = view.row.state == JobState::done;
      const auto whole = hasResult ? context.store.reads().find(view.row.id) : std::nullopt;
      resources.push_back(resourceOf(whole ? *whole : view));
    }
    page = found.next;
    if (page.empty() || resources.size() == limit) break;
  }
  Json result{{"resources", std::move(resources)}};
  if (!page.empty()) result["next"] = page;
  call.reply(resultOf(std::move(result)));
}

}  // namespace v1
}  // namespace callsheet
