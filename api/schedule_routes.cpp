#include <nlohmann/json.hpp>

#include "api/fields.h"
#include "api/job_json.h"
#include "api/query.h"
#include "api/routes.h"
#include "api/schedule_json.h"
#include "api/work_fields.h"
#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/clock.h"
#include "core/schedule/timing_text.h"
#include "core/schedule_changes.h"
#include "core/upcoming_firings.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Call = std::shared_ptr<RouteCall>;

constexpr const char* scheduleNotFound = "schedule/not-found";
constexpr const char* scheduleInvalid = "schedule/invalid";
constexpr const char* scheduleConflict = "schedule/conflict";

std::int64_t utcNow() {
  return SystemClock().now().utcMicros;
}

ApiError noSuchSchedule(const std::string& name) {
  return {404, scheduleNotFound, "there is no schedule '" + name.substr(0, limits::nameLengthMax) + "'"};
}

ScheduleView viewOf(ApiStore& store, const std::string& name) {
  auto view = store.reads().schedule(name);
  if (!view) throw noSuchSchedule(name);
  return std::move(*view);
}

Json viewJson(ApiStore& store, const std::string& name) {
  Json json = versioned();
  json.update(scheduleJson(viewOf(store, name), utcNow()));
  return json;
}

void list(ApiStore& store, const Call& call) {
  const Query query(call->request());
  query.allowOnly({"limit", "after"});
  const auto limit = static_cast<std::size_t>(query.integer("limit", 1, limits::pageRowsMax).value_or(100));
  const std::int64_t now = utcNow();
  Json json = versioned();
  json["schedules"] = Json::array();
  const auto some = store.reads().schedules(query.text("after").value_or(""), limit);
  for (const ScheduleView& view : some) json["schedules"].push_back(scheduleJson(view, now));
  json["next"] = some.size() == limit ? Json(some.back().row.name) : Json(nullptr);
  call->answer(200, json);
}

void upcoming(ApiStore& store, const Call& call) {
  const Query query(call->request());
  query.allowOnly({"limit", "within"});
  const auto limit = static_cast<std::size_t>(query.integer("limit", 1, limits::pageRowsMax).value_or(100));
  // Ten minutes, where nobody says how far he wants to see.
  const std::int64_t within = query.integer("within", 0, limits::delayMax.count() / 1000).value_or(600'000);
  Json json = versioned();
  json["firings"] = Json::array();
  for (const UpcomingFiring& one : upcomingFirings(store.reads(), utcNow() + within * 1000, limit))
    json["firings"].push_back({{"at", timeJson(one.at)}, {"schedule", one.schedule}});
  call->answer(200, json);
}

template <class Value>
Value oneOf(const Fields& fields, const char* name, std::initializer_list<Value> values, Value otherwise) {
  const auto text = fields.text(name);
  if (!text) return otherwise;
  std::string all;
  for (const Value value : values) {
    if (*text == toString(value)) return value;
    all += (all.empty() ? "" : ", ") + std::string(toString(value));
  }
  fields.refuse(name, "it is one of " + all);
}

Schedule scheduleFrom(ApiStore& store, const Call& call, const Json& body, std::int64_t now) {
  const Fields fields(body, "schedule", scheduleInvalid);
  fields.allowOnly({"spec", "overlap", "missed", "missedMax", "startDeadline", "jitter", "paused", "job"});
  Schedule schedule;
  schedule.name = call->part(0);
  const Json* const spec = fields.find("spec");
  if (spec == nullptr) fields.refuse("spec", "it is missing");
  if (!spec->is_string() && !spec->is_object()) fields.refuse("spec", "it is a text or an object");
  schedule.spec = spec->is_string() ? spec->get<std::string>() : spec->dump();
  try {
    schedule.timing = timingOfText(schedule.spec, now);
  } catch (const Error& error) {
    fields.refuse("spec", error.what());
  }
  schedule.overlap = oneOf(fields, "overlap", {Overlap::forbid, Overlap::allow, Overlap::replace}, schedule.overlap);
  schedule.policy.missed =
      oneOf(fields, "missed", {MissedRuns::skip, MissedRuns::once, MissedRuns::all}, schedule.policy.missed);
  if (const auto most = fields.integer("missedMax", 1, limits::missedRunsMax))
    schedule.policy.missedMax = static_cast<std::uint32_t>(*most);
  if (const auto deadline = fields.millis("startDeadline")) schedule.policy.startDeadlineMicros = *deadline;
  schedule.jitterMicros = fields.millis("jitter").value_or(0);
  const Json* const job = fields.find("job");
  if (job == nullptr) fields.refuse("job", "it is missing");
  const Fields work(*job, "job", scheduleInvalid);
  work.allowOnly({"kind", "parameters", "queue", "priority", "labels", "attempts", "retryDelay", "limit", "requester",
                  "traceparent"});
  schedule.job = workFrom(store, work);
  return schedule;
}

void answerChanged(ApiStore& store, const Call& call, int status, const std::string& name, const Answer& answer) {
  call->guard([&] {
    if (answer.verdict == Verdict::refused) throw ApiError(422, scheduleInvalid, answer.why);
    if (answer.verdict == Verdict::conflict) throw ApiError(409, scheduleConflict, answer.why);
    if (answer.verdict == Verdict::notFound) throw noSuchSchedule(name);
    if (!isAccepted(answer.verdict)) throw errorOf(answer);
    call->answer(status, viewJson(store, name));
  });
}

void put(ApiStore& store, const Call& call) {
  const Json body = call->body();
  const std::int64_t now = utcNow();
  const std::string name = call->part(0);
  const auto known = store.reads().schedule(name);
  if (const auto why = whyKept(known)) throw ApiError(409, scheduleConflict, *why);
  const Schedule wanted = scheduleFrom(store, call, body, now);
  const bool isPaused = Fields(body, "schedule", scheduleInvalid).boolean("paused").value_or(false);
  store.post(putOf(known, wanted, isPaused, now), [&store, call, name, isNew = !known](const Answer& answer) {
    answerChanged(store, call, isNew ? 201 : 200, name, answer);
  });
}

/// What is done to a schedule that is there.
void change(ApiStore& store, const Call& call, PutSchedule (*made)(const ScheduleView& known, std::int64_t now)) {
  const std::string name = call->part(0);
  store.post(made(viewOf(store, name), utcNow()),
             [&store, call, name](const Answer& answer) { answerChanged(store, call, 200, name, answer); });
}

void remove(ApiStore& store, const Call& call) {
  const std::string name = call->part(0);
  store.post(DeleteSchedule{name}, [call, name](const Answer& answer) {
    call->guard([&] {
      if (answer.verdict == Verdict::notFound) throw noSuchSchedule(name);
      if (answer.verdict == Verdict::refused) throw ApiError(422, scheduleInvalid, answer.why);
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      call->answer(200, {{"v", 1}, {"deleted", name}});
    });
  });
}

void run(ApiStore& store, const Call& call) {
  Submit verb;
  verb.jobs.push_back(runOf(viewOf(store, call->part(0)), utcNow()));
  store.post(std::move(verb), [call](const Submit::Answer& answer) {
    call->guard([&] {
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      const SubmittedJob& job = answer.jobs.at(0);
      if (!isAccepted(job.verdict)) throw errorOf(Answer{job.verdict, job.why});
      call->answer(201, {{"v", 1}, {"id", job.id.toString()}, {"shortId", shortIDOf(job.id)}});
    });
  });
}

/// Its jobs, the newest first.
void occurrences(ApiStore& store, const Call& call) {
  const Query query(call->request());
  query.allowOnly({"limit", "before"});
  const auto limit = static_cast<std::size_t>(query.integer("limit", 1, limits::pageRowsMax).value_or(100));
  const std::string name = call->part(0);
  JobID before;
  if (const auto text = query.text("before")) {
    const auto id = JobID::parse(*text);
    if (!id) throw ApiError(422, errorTypes::invalidParams, "before is the id of a job");
    before = *id;
  }
  const OwnerNames names(store.reads().incarnations());
  Json json = versioned();
  json["jobs"] = Json::array();
  const auto ids = store.reads().occurrences(name, before, limit);
  if (ids.empty()) static_cast<void>(viewOf(store, name));
  for (const JobID id : ids)
    if (const auto job = store.reads().find(id)) json["jobs"].push_back(jobSummaryJson(*job, names));
  json["next"] = ids.size() == limit ? Json(ids.back().toString()) : Json(nullptr);
  call->answer(200, json);
}
}  // namespace

std::vector<Route> scheduleRoutes(ApiStore& store) {
  const auto changing = [&store](PutSchedule (*made)(const ScheduleView&, std::int64_t)) {
    return [&store, made](const Call& call) { change(store, call, made); };
  };
  return {{"GET", "/v1/schedules", [&store](const Call& call) { list(store, call); }},
          {"GET", "/v1/schedules/{schedule}",
           [&store](const Call& call) { call->answer(200, viewJson(store, call->part(0))); }},
          {"PUT", "/v1/schedules/{schedule}", [&store](const Call& call) { put(store, call); }},
          {"DELETE", "/v1/schedules/{schedule}", [&store](const Call& call) { remove(store, call); }},
          {"GET", "/v1/schedules/{schedule}/jobs", [&store](const Call& call) { occurrences(store, call); }},
          {"POST", "/v1/schedules/{schedule}/run", [&store](const Call& call) { run(store, call); }},
          {"POST", "/v1/schedules/{schedule}/pause",
           changing([](const ScheduleView& known, std::int64_t now) { return pauseOf(known, true, now); })},
          {"POST", "/v1/schedules/{schedule}/resume",
           changing([](const ScheduleView& known, std::int64_t now) { return pauseOf(known, false, now); })},
          {"POST", "/v1/schedules/{schedule}/reset", changing(resetOf)},
          {"GET", "/v1/firings", [&store](const Call& call) { upcoming(store, call); }}};
}

}  // namespace v1
}  // namespace callsheet
