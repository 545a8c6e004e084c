#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/api_error.h"
#include "api/expiry.h"
#include "api/long_polls.h"

namespace callsheet {
inline namespace v1 {

/// What one call comes to: `{"result":…}` or `{"error":…}`.
struct RpcResult {
  int status = 200;
  std::shared_ptr<Json> body;
  /// Called when the answer could not be handed to the client.
  std::function<void()> undelivered;
};
using RpcReply = std::function<void(RpcResult)>;

/// What the methods work on. Lives on the loop's thread.
struct RpcContext {
  ApiStore& store;
  RemoteClaims& claims;
  LongPolls& polls;
  Expiry& expiry;
};

/// One call of a method.
struct RpcCall {
  const Json& params;  ///< gone when the method returns
  std::function<bool()> isClientGone;
  RpcReply reply;  ///< once, at once or later
};

/// A row of the table of methods. What `run` throws is the call's answer.
struct RpcMethod {
  std::string_view name;
  void (*run)(const RpcContext& context, const RpcCall& call);
};

/// `request` is a call `{"method","params"}` or an array of them, which are carried out beside each other; the answer
/// is an array in their order then. `done` comes once, on the loop's thread.
void carryOut(const RpcContext& context, const Json& request, const std::function<bool()>& isClientGone, RpcReply done);

// The methods, by those who call them.
void taskPoll(const RpcContext& context, const RpcCall& call);
void taskLongPoll(const RpcContext& context, const RpcCall& call);
void taskStart(const RpcContext& context, const RpcCall& call);
void taskNotify(const RpcContext& context, const RpcCall& call);
void taskSuccess(const RpcContext& context, const RpcCall& call);
void taskFail(const RpcContext& context, const RpcCall& call);
void taskCreateAndExecute(const RpcContext& context, const RpcCall& call);
void taskStatus(const RpcContext& context, const RpcCall& call);
void taskCancel(const RpcContext& context, const RpcCall& call);
void taskList(const RpcContext& context, const RpcCall& call);

// What they share.
[[nodiscard]] RpcResult resultOf(Json result);
[[nodiscard]] RpcResult errorResult(const ApiError& error);
/// Runs it; what it throws becomes the call's answer. For what comes after the first part of a method.
void guarded(const RpcReply& reply, const std::function<void()>& body);

}  // namespace v1
}  // namespace callsheet
