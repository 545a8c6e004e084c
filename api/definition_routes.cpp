#include <nlohmann/json.hpp>

#include "api/definition_json.h"
#include "api/fields.h"
#include "api/job_json.h"
#include "api/routes.h"
#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Call = std::shared_ptr<RouteCall>;

Json storedJson(const DefinitionRow& row) {
  Json json = versioned();
  json.update(definitionJson(row));
  return json;
}

ApiError notDefined(const std::string& kind) {
  return {404, errorTypes::definitionNotFound,
          "the kind '" + kind.substr(0, limits::kindLengthMax) + "' is not defined"};
}

/// Puts jobs into lanes until all stand there, slice by slice, so that others write in between.
void relaneAll(ApiStore& store, std::function<void(const SweepAnswer&)> done) {
  store.post(Relane{}, [&store, done = std::move(done)](const SweepAnswer& answer) mutable {
    if (isAccepted(answer.verdict) && answer.more) return relaneAll(store, std::move(done));
    done(answer);
  });
}

/// Calls `done` when the definition is in force.
template <class OneVerb>
void change(ApiStore& store, const Call& call, OneVerb verb, std::function<void()> done) {
  store.post(std::move(verb), [&store, call, done = std::move(done)](const SweepAnswer& answer) {
    call->guard([&] {
      if (answer.verdict == Verdict::notFound) throw ApiError(404, errorTypes::definitionNotFound, answer.why);
      if (answer.verdict == Verdict::refused) throw ApiError(422, errorTypes::definitionInvalid, answer.why);
      if (!isAccepted(answer.verdict)) throw errorOf(answer);
      if (!answer.more) return done();
      relaneAll(store, [call, done](const SweepAnswer& last) {
        call->guard([&] {
          if (!isAccepted(last.verdict)) throw errorOf(last);
          done();
        });
      });
    });
  });
}

void put(ApiStore& store, const Call& call, const Json& json) {
  Definition definition = definitionFrom(json);
  const std::string kind = definition.kind;
  const bool isNew = !store.reads().definition(kind);
  change(store, call, PutDefinitions{{std::move(definition)}}, [&store, call, kind, isNew] {
    const auto row = store.reads().definition(kind);
    if (!row) throw notDefined(kind);
    call->answer(isNew ? 201 : 200, storedJson(*row));
  });
}

/// All or, when one is refused, none.
void putAll(ApiStore& store, const Call& call, const Json& list) {
  if (list.empty() || list.size() > limits::batchJobsMax)
    throw ApiError(422, errorTypes::definitionInvalid, "a list has 1 to 1000 definitions");
  PutDefinitions put;
  std::vector<std::string> kinds;
  for (const Json& one : list) {
    put.definitions.push_back(definitionFrom(one));
    kinds.push_back(put.definitions.back().kind);
  }
  change(store, call, std::move(put), [&store, call, kinds = std::move(kinds)] {
    Json stored = Json::array();
    for (const std::string& kind : kinds)
      if (const auto row = store.reads().definition(kind)) stored.push_back(definitionJson(*row));
    call->answer(200, {{"v", 1}, {"definitions", std::move(stored)}});
  });
}

void post(ApiStore& store, const Call& call) {
  const Json body = call->body();
  if (body.is_array()) return putAll(store, call, body);
  put(store, call, body);
}

void list(ApiStore& store, const Call& call) {
  Json all = Json::array();
  for (const DefinitionRow& row : store.reads().definitions()) all.push_back(definitionJson(row));
  call->answer(200, {{"v", 1}, {"definitions", std::move(all)}});
}

void get(ApiStore& store, const Call& call) {
  const auto row = store.reads().definition(call->part(0));
  if (!row) throw notDefined(call->part(0));
  call->answer(200, storedJson(*row));
}

void remove(ApiStore& store, const Call& call) {
  const std::string kind = call->part(0);
  if (!store.reads().definition(kind)) throw notDefined(kind);
  change(store, call, DeleteDefinition{kind}, [call, kind] { call->answer(200, {{"v", 1}, {"deleted", kind}}); });
}
}  // namespace

std::vector<Route> definitionRoutes(ApiStore& store) {
  return {{"GET", "/v1/definitions", [&store](const Call& call) { list(store, call); }},
          {"POST", "/v1/definitions", [&store](const Call& call) { post(store, call); }},
          {"GET", "/v1/definitions/{kind+}", [&store](const Call& call) { get(store, call); }},
          {"DELETE", "/v1/definitions/{kind+}", [&store](const Call& call) { remove(store, call); }}};
}

std::vector<Route> rpcRoutes(const RpcContext& context) {
  return {
      {"POST", "/rpc", [context](const Call& call) {
         carryOut(
             context, call->body(), [call] { return call->isClientGone(); },
             [call](RpcResult result) { call->answer(result.status, *result.body, std::move(result.undelivered)); });
       }}};
}

}  // namespace v1
}  // namespace callsheet
