#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "api/fields.h"
#include "api/job_json.h"
#include "api/query.h"
#include "api/routes.h"
#include "api/work_fields.h"
#include "callsheet/errors.h"
#include "callsheet/job_key.h"
#include "callsheet/limits.h"
#include "core/names.h"
#include "core/new_job.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Call = std::shared_ptr<RouteCall>;

constexpr const char* jobNotFound = "job/not-found";
constexpr const char* jobAmbiguous = "job/ambiguous";
constexpr const char* jobConflict = "job/conflict";
constexpr const char* jobDone = "job/has-been-done";
constexpr const char* jobNotDone = "job/not-done";
constexpr std::size_t candidatesShown = 5;

OwnerNames namesOf(ApiStore& store) {
  return OwnerNames(store.reads().incarnations());
}

/// By a full id, a short one, or an unambiguous beginning of either.
JobID jobCalled(ApiStore& store, const std::string& text) {
  const auto found = store.reads().resolve(text, candidatesShown + 1);
  if (found.size() == 1) return found.front();
  if (found.empty()) throw ApiError(404, jobNotFound, "no job is called '" + text.substr(0, 64) + "'");
  std::string candidates;
  for (std::size_t i = 0; i < std::min(found.size(), candidatesShown); ++i) candidates += " " + found[i].toString();
  throw ApiError(409, jobAmbiguous,
                 "'" + text + "' is the beginning of several jobs, give more of the id:" + candidates);
}

JobID jobOf(ApiStore& store, const Call& call) {
  return jobCalled(store, call->part(0));
}

JobView viewOf(ApiStore& store, JobID id) {
  auto view = store.reads().find(id);
  if (!view) throw ApiError(404, jobNotFound, "no job has the id " + id.toString());
  return std::move(*view);
}

JobFilter filterOf(ApiStore& store, const Call& call) {
  JobFilter filter;
  for (const auto& [name, value] : call->request().query) {
    if (name == "state") {
      const auto state = jobStateNamed(value);
      if (!state)
        throw ApiError(422, errorTypes::invalidParams,
                       "state is one of waiting, ready, requested, in-progress and done");
      filter.states.push_back(*state);
    } else if (name == "outcome") {
      filter.outcome = jobOutcomeNamed(value);
      if (!filter.outcome)
        throw ApiError(422, errorTypes::invalidParams, "outcome is one of succeeded, failed and canceled");
    } else if (name == "owner") {
      filter.owner = namesOf(store).ownerNamed(value);
    } else if (name == "kind") {
      filter.kind = value;
    } else if (name == "queue") {
      filter.queue = value;
    } else if (name == "label") {
      const std::size_t equals = value.find('=');
      filter.labelName = value.substr(0, equals);
      if (equals != std::string::npos) filter.labelValue = value.substr(equals + 1);
    } else if (name == "newest") {
      filter.newestFirst = Query(call->request()).flag("newest");
    } else if (name == "forgotten") {
      filter.forgottenToo = Query(call->request()).flag("forgotten");
    } else if (name != "limit" && name != "page") {
      throw ApiError(422, errorTypes::invalidParams, "there is no filter '" + name.substr(0, 64) + "'");
    }
  }
  return filter;
}

void list(ApiStore& store, const Call& call) {
  const auto limit =
      static_cast<std::size_t>(Query(call->request()).integer("limit", 1, limits::pageRowsMax).value_or(100));
  const std::string* const page = call->request().queryValue("page");
  const JobPage found = store.reads().list(filterOf(store, call), page == nullptr ? std::string() : *page, limit);
  const OwnerNames names = namesOf(store);
  Json json = versioned();
  json["jobs"] = Json::array();
  for (const JobView& job : found.jobs) json["jobs"].push_back(jobSummaryJson(job, names));
  json["unreadable"] = Json::array();
  for (const JobID id : found.unreadable) json["unreadable"].push_back(id.toString());
  json["next"] = textJson(found.next);
  call->answer(200, json);
}

void show(ApiStore& store, const Call& call) {
  call->answer(200, jobJson(viewOf(store, jobOf(store, call)), namesOf(store)));
}

void log(ApiStore& store, const Call& call) {
  const JobID id = jobOf(store, call);
  const Query query(call->request());
  const auto from = static_cast<std::uint32_t>(query.integer("from", 0, UINT32_MAX).value_or(0));
  const auto limit = static_cast<std::size_t>(query.integer("limit", 1, limits::logEntriesMax).value_or(100));
  const OwnerNames names = namesOf(store);
  Json json = versioned();
  json["id"] = id.toString();
  json["entries"] = Json::array();
  for (const LogEntry& entry : store.reads().readLog(id, from, limit))
    json["entries"].push_back(logEntryJson(entry, names));
  const std::size_t count = json["entries"].size();
  json["next"] = count == limit ? Json(json["entries"].back()["index"].get<std::uint32_t>() + 1) : Json(nullptr);
  call->answer(200, json);
}

/// A list of {"job": ID, "condition": …}, or of nothing but ids.
std::vector<Prerequisite> prerequisitesFrom(ApiStore& store, const Fields& fields, const Json& list) {
  if (!list.is_array() || list.size() > limits::prerequisitesMax)
    fields.refuse("after", "it is a list of at most " + std::to_string(limits::prerequisitesMax) + " jobs");
  std::vector<Prerequisite> after;
  for (const Json& one : list) {
    if (one.is_string()) {
      after.push_back({jobCalled(store, one.get<std::string>())});
      continue;
    }
    const Fields named(one, "after");
    named.allowOnly({"job", "condition"});
    const std::string condition = named.text("condition").value_or("success");
    after.push_back({jobCalled(store, named.requiredText("job")), {}});
    try {
      after.back().condition = endConditionFrom(condition);
    } catch (const Error& error) {
      named.refuse("condition", error.what());
    }
  }
  return after;
}

NewJob newJobFrom(ApiStore& store, const Json& body) {
  const Fields fields(body, "job");
  fields.allowOnly({"id", "kind", "parameters", "queue", "priority", "delay", "notBefore", "key", "keyWindow", "labels",
                    "after", "attempts", "retryDelay", "limit", "to", "requester", "traceparent"});
  NewJob job = workFrom(store, fields);
  job.id = makeJobID();
  if (const auto id = fields.uuid("id")) job.id = JobID{*id};
  job.delayMicros = fields.millis("delay").value_or(0);
  job.notBeforeMicros = std::max<std::int64_t>(fields.time("notBefore").value_or(0), 0);
  if (const auto key = fields.text("key")) job.body.key = JobKey::parse(*key).bytes();
  job.keyWindowMicros = fields.millis("keyWindow");
  if (const Json* const after = fields.find("after")) job.body.after = prerequisitesFrom(store, fields, *after);
  return job;
}

void answerMade(ApiStore& store, const Call& call, const Submit::Answer& answer) {
  if (answer.jobs.empty()) throw errorOf(answer);
  const SubmittedJob& job = answer.jobs.front();
  if (job.verdict == Verdict::conflict) throw ApiError(409, jobConflict, job.why);
  const bool isOld = job.verdict == Verdict::duplicate || job.verdict == Verdict::alreadyApplied;
  if (!isOld && job.verdict != Verdict::ok) throw errorOf(Answer{job.verdict, job.why});
  Json json = jobJson(viewOf(store, job.id), namesOf(store));
  json["submission"] = isOld ? "duplicate" : "accepted";
  call->answer(isOld ? 200 : 201, json);
}

void submit(ApiStore& store, const Call& call) {
  const Json body = call->body();
  Submit verb;
  verb.jobs.push_back(newJobFrom(store, body));
  const std::string to = Fields(body, "job").text("to").value_or("");
  verb.ownerName = to == principalWord ? "" : to;
  store.post(std::move(verb),
             [&store, call](const Submit::Answer& answer) { call->guard([&] { answerMade(store, call, answer); }); });
}

void cancel(ApiStore& store, const Call& call) {
  Cancel verb;
  verb.job = jobOf(store, call);
  if (!call->request().body.empty()) verb.why = Fields(call->body(), "body").text("reason").value_or("");
  const JobID id = verb.job;
  store.post(std::move(verb), [&store, call, id](const AttemptAnswer& answer) {
    call->guard([&] {
      if (answer.verdict == Verdict::illegal) throw ApiError(409, jobDone, "job " + id.toString() + ": " + answer.why);
      if (answer.verdict == Verdict::notFound) throw ApiError(404, jobNotFound, answer.why);
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      call->answer(200, jobJson(viewOf(store, id), namesOf(store)));
    });
  });
}

void retry(ApiStore& store, const Call& call) {
  const JobView view = viewOf(store, jobOf(store, call));
  if (view.row.state != JobState::done)
    throw ApiError(409, jobNotDone,
                   "job " + view.row.id.toString() + " is " + std::string(toString(view.row.state)) +
                       ", only a done job can be done again");
  const OwnerNames names = namesOf(store);
  Submit verb;
  // To the former owner's queue while it lives, else to the principal's.
  if (view.row.owner != principalOwner && names.isOpen(view.row.owner)) verb.ownerName = names.nameOf(view.row.owner);
  verb.jobs.push_back(againOf(view.row, view.body));
  store.post(std::move(verb),
             [&store, call](const Submit::Answer& answer) { call->guard([&] { answerMade(store, call, answer); }); });
}
}  // namespace

std::vector<Route> jobRoutes(ApiStore& store) {
  return {{"GET", "/v1/jobs", [&store](const Call& call) { list(store, call); }},
          {"POST", "/v1/jobs", [&store](const Call& call) { submit(store, call); }},
          {"GET", "/v1/jobs/{id}", [&store](const Call& call) { show(store, call); }},
          {"GET", "/v1/jobs/{id}/log", [&store](const Call& call) { log(store, call); }},
          {"POST", "/v1/jobs/{id}/cancel", [&store](const Call& call) { cancel(store, call); }},
          {"POST", "/v1/jobs/{id}/retry", [&store](const Call& call) { retry(store, call); }}};
}

}  // namespace v1
}  // namespace callsheet
