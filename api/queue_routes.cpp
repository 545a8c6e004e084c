#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/fields.h"
#include "api/job_json.h"
#include "api/queue_json.h"
#include "api/routes.h"
#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Call = std::shared_ptr<RouteCall>;

constexpr const char* queueNotFound = "queue/not-found";
constexpr const char* queueInvalid = "queue/invalid";

ApiError noSuchQueue(const std::string& name) {
  return {404, queueNotFound, "there is no queue '" + name.substr(0, limits::nameLengthMax) + "'"};
}

Json stateJson(ApiStore& store, const std::string& name) {
  const auto all = store.reads().queues();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const QueueState& state) { return state.row.name == name; });
  if (found == all.end()) throw noSuchQueue(name);
  Json json = versioned();
  json.update(queueJson(*found));
  return json;
}

void list(ApiStore& store, const Call& call) {
  Json json = versioned();
  json["queues"] = Json::array();
  for (const QueueState& state : store.reads().queues()) json["queues"].push_back(queueJson(state));
  call->answer(200, json);
}

void set(ApiStore& store, const Call& call) {
  const Json body = call->body();
  const Fields fields(body, "queue", queueInvalid);
  fields.allowOnly({"parallel", "paused"});
  SetQueue verb;
  verb.name = call->part(0);
  if (const auto parallel = fields.integer("parallel", 0, UINT32_MAX))
    verb.parallel = static_cast<std::uint32_t>(*parallel);
  else if (body.contains("parallel"))
    verb.parallel = 0;  // null: no limit
  verb.isPaused = fields.boolean("paused");
  // To name a queue is to have it, also with nothing but the usual settings.
  if (!store.reads().queue(verb.name)) verb.mustBeNew = true;
  const std::string name = verb.name;
  const bool isNew = verb.mustBeNew;
  store.post(std::move(verb), [&store, call, name, isNew](const Answer& answer) {
    call->guard([&] {
      if (answer.verdict == Verdict::refused) throw ApiError(422, queueInvalid, answer.why);
      if (answer.verdict == Verdict::conflict) throw ApiError(409, queueInvalid, answer.why + "; try again");
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      call->answer(isNew ? 201 : 200, stateJson(store, name));
    });
  });
}

void remove(ApiStore& store, const Call& call) {
  const std::string name = call->part(0);
  store.post(DeleteQueue{name}, [call, name](const Answer& answer) {
    call->guard([&] {
      if (answer.verdict == Verdict::notFound) throw noSuchQueue(name);
      if (answer.verdict == Verdict::refused) throw ApiError(422, queueInvalid, answer.why);
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      call->answer(200, {{"v", 1}, {"deleted", name}});
    });
  });
}
}  // namespace

std::vector<Route> queueRoutes(ApiStore& store) {
  return {
      {"GET", "/v1/queues", [&store](const Call& call) { list(store, call); }},
      {"GET", "/v1/queues/{queue}", [&store](const Call& call) { call->answer(200, stateJson(store, call->part(0))); }},
      {"PUT", "/v1/queues/{queue}", [&store](const Call& call) { set(store, call); }},
      {"DELETE", "/v1/queues/{queue}", [&store](const Call& call) { remove(store, call); }}};
}

}  // namespace v1
}  // namespace callsheet
