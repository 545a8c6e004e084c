#include "api/rpc.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "api/api_error.h"
#include "callsheet/errors.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::size_t batchCallsMax = 100;

constexpr RpcMethod methods[] = {{"awf.task/poll", taskPoll},
                                 {"awf.task/long-poll", taskLongPoll},
                                 {"awf.task/start", taskStart},
                                 {"awf.task/notify", taskNotify},
                                 {"awf.task/success", taskSuccess},
                                 {"awf.task/fail", taskFail},
                                 {"awf.task/create-and-execute", taskCreateAndExecute},
                                 {"awf.task/status", taskStatus},
                                 {"awf.task/cancel", taskCancel},
                                 {"awf.task/list", taskList}};

const RpcMethod& methodOf(const Json& request) {
  if (!request.is_object())
    throw ApiError(422, errorTypes::invalidParams, "a call is an object with method and params");
  const auto named = request.find("method");
  if (named == request.end() || !named->is_string())
    throw ApiError(422, errorTypes::invalidParams, "method is required: the name of what is to be done");
  const auto& name = named->get_ref<const std::string&>();
  const auto found =
      std::find_if(std::begin(methods), std::end(methods), [&](const RpcMethod& one) { return one.name == name; });
  if (found == std::end(methods))
    throw ApiError(422, errorTypes::unknownMethod, "there is no method '" + name.substr(0, 64) + "'");
  return *found;
}

void carryOutOne(const RpcContext& context, const Json& request, const std::function<bool()>& isClientGone,
                 const RpcReply& done) {
  guarded(done, [&] {
    const RpcMethod& method = methodOf(request);
    const auto params = request.find("params");
    const Json none = Json::object();
    method.run(context, {params == request.end() || params->is_null() ? none : *params, isClientGone, done});
  });
}

/// The answers of a batch, until all are there.
struct Batch {
  std::vector<RpcResult> results;
  std::size_t missing = 0;
  RpcReply done;

  void finish() {
    RpcResult whole;
    whole.body = std::make_shared<Json>(Json::array());
    std::vector<std::function<void()>> undelivered;
    for (RpcResult& one : results) {
      whole.body->push_back(std::move(*one.body));
      if (one.undelivered) undelivered.push_back(std::move(one.undelivered));
    }
    whole.undelivered = [undelivered = std::move(undelivered)] {
      for (const auto& one : undelivered) one();
    };
    done(std::move(whole));
  }
};
}  // namespace

RpcResult resultOf(Json result) {
  RpcResult whole;
  whole.body = std::make_shared<Json>();
  (*whole.body)["result"] = std::move(result);
  return whole;
}

RpcResult errorResult(const ApiError& error) {
  return {error.status(), std::make_shared<Json>(error.toJson()), {}};
}

void guarded(const RpcReply& reply, const std::function<void()>& body) {
  try {
    body();
  } catch (const ApiError& error) {
    reply(errorResult(error));
  } catch (const Error& error) {
    reply(errorResult(errorOf(error)));
  } catch (const std::exception& error) {
    reply(errorResult({500, errorTypes::internal, error.what()}));  // no memory, or a defect: only this call's
  }
}

void carryOut(const RpcContext& context, const Json& request, const std::function<bool()>& isClientGone,
              RpcReply done) {
  if (!request.is_array()) return carryOutOne(context, request, isClientGone, done);
  if (request.empty() || request.size() > batchCallsMax)
    return done(
        errorResult({422, errorTypes::invalidParams, "a batch has 1 to " + std::to_string(batchCallsMax) + " calls"}));
  const auto batch = std::make_shared<Batch>();
  batch->results.resize(request.size());
  batch->missing = request.size();
  batch->done = std::move(done);
  for (std::size_t i = 0; i < request.size(); ++i) {
    carryOutOne(context, request[i], isClientGone, [batch, i](RpcResult result) {
      if (batch->results[i].body) return;  // it was answered before
      batch->results[i] = std::move(result);
      if (--batch->missing == 0) batch->finish();
    });
  }
}

}  // namespace v1
}  // namespace callsheet
