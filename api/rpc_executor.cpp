// What an executor calls: it takes tasks, shows that it is alive, and says how they ended.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/fields.h"
#include "api/iso_time.h"
#include "api/rpc.h"
#include "api/task_resource.h"
#include "callsheet/errors.h"
#include "callsheet/limits.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t longPollDefaultMillis = 60'000;
constexpr std::int64_t longPollMaxMillis = 3'600'000;

/// What both ways of polling ask for.
struct PollParams {
  explicit PollParams(const Fields& fields) {
    const auto tasks = fields.texts("taskDefinitions");
    // Nothing defines workflows yet, so none of their decision tasks is ever there.
    const auto workflows = fields.texts("workflowDefinitions");
    if (!tasks && !workflows)
      throw ApiError(422, errorTypes::invalidParams,
                     "params.taskDefinitions or params.workflowDefinitions is required");
    for (const std::string& kind : tasks.value_or(std::vector<std::string>{}))
      if (isValidKind(kind)) kinds.push_back(kind);  // nothing else can be defined
    if (kinds.size() > limits::claimKindsMax)
      fields.refuse("taskDefinitions", "has more than " + std::to_string(limits::claimKindsMax) + " names");
    max = static_cast<std::uint32_t>(
        fields.integer("maxBatchSize", 1, static_cast<std::int64_t>(limits::claimJobsMax)).value_or(1));
  }
  std::vector<std::string> kinds;
  std::uint32_t max = 1;
};

/// What was claimed, as the answer; it is given back when that does not reach the client.
void replyWithClaimed(const RpcContext& context, const RpcReply& reply, Claim::Answer answer) {
  guarded(reply, [&] {
    if (!isAccepted(answer.verdict)) throw errorOf(answer);
    Json resources = Json::array();
    for (const Claim::Item& item : answer.jobs) context.expiry.heard(item.row);
    for (const Claim::Item& item : answer.jobs) resources.push_back(taskResource(item.row, item.body, nullptr));
    RpcResult result = resultOf({{"resources", std::move(resources)}});
    if (!answer.jobs.empty())
      result.undelivered = [&claims = context.claims, items = std::move(answer.jobs)] {
        claims.giveBack(items, "the answer did not reach whoever polled");
      };
    reply(std::move(result));
  });
}

AttemptRef attemptFrom(const Fields& fields) {
  AttemptRef attempt;
  attempt.job.value = fields.requiredUuid("id");
  attempt.exec.value = fields.requiredUuid("execId");
  attempt.wantsRow = true;
  return attempt;
}

/// Posts an attempt's verb; a refusal is the answer, otherwise `accepted` makes it of the row.
template <class OneVerb>
void postAttempt(const RpcContext& context, const RpcReply& reply, OneVerb verb,
                 std::function<Json(const JobRow&)> accepted) {
  // A repeat is none of the first time's business: whoever did not hear the answer asks for the status.
  OneVerb named;
  named.attempt = verb.attempt;
  const Verb kept = std::move(named);
  context.store.post(std::move(verb),
                     [context, reply, kept, accepted = std::move(accepted)](const AttemptAnswer& answer) {
                       guarded(reply, [&] {
                         const JobID job = std::get<OneVerb>(kept).attempt.job;
                         if (answer.verdict != Verdict::ok || !answer.row) throw errorOf(kept, job, answer);
                         context.expiry.heard(*answer.row);
                         reply(resultOf(accepted(*answer.row)));
                       });
                     });
}

/// The resource as a verb left the row, with what never changes.
std::function<Json(const JobRow&)> resourceReader(const RpcContext& context) {
  return [&store = context.store](const JobRow& row) -> Json {
    const auto view = store.reads().find(row.id);
    const bool isSame = view && view->row.state == JobState::done && row.state == JobState::done;
    return {{"resource",
             taskResource(row, view ? view->body : JobBody{}, isSame && view->result ? &*view->result : nullptr)}};
  };
}

/// The value of a field as it is stored; empty when it is missing. Refused when the kind's definition has a schema that
/// it does not fit.
std::string payloadFrom(const RpcContext& context, const Fields& fields, const char* name, JobID job,
                        std::string Definition::*schema) {
  const Json* const value = fields.find(name);
  std::string text = value == nullptr ? std::string() : value->dump();
  if (text.size() > limits::payloadBytesMax)
    fields.refuse(name, "has more than " + std::to_string(limits::payloadBytesMax) + " bytes");
  const auto row = value == nullptr ? std::nullopt : context.store.reads().peek(job);
  const auto definition = row ? context.store.reads().definition(row->kind) : std::nullopt;
  if (definition) context.store.schemas().require((*definition).*schema, *value, name);
  return text;
}
}  // namespace

void taskPoll(const RpcContext& context, const RpcCall& call) {
  PollParams params(Fields(call.params, "params"));
  // Whoever is gone already would only get what must be given back.
  if (params.kinds.empty() || call.isClientGone()) return call.reply(resultOf({{"resources", Json::array()}}));
  context.claims.claim(std::move(params.kinds), params.max, [context, reply = call.reply](Claim::Answer answer) {
    replyWithClaimed(context, reply, std::move(answer));
  });
}

void taskLongPoll(const RpcContext& context, const RpcCall& call) {
  const Fields fields(call.params, "params");
  PollParams params(fields);
  LongPolls::Poll poll;
  poll.timeout =
      std::chrono::milliseconds(fields.integer("timeout", 0, longPollMaxMillis).value_or(longPollDefaultMillis));
  poll.kinds = std::move(params.kinds);
  poll.max = params.max;
  poll.isGone = call.isClientGone;
  poll.feed = [context, reply = call.reply](Claim::Answer answer) {
    replyWithClaimed(context, reply, std::move(answer));
  };
  context.polls.add(std::move(poll));
}

void taskStart(const RpcContext& context, const RpcCall& call) {
  postAttempt(context, call.reply, Start{attemptFrom(Fields(call.params, "params"))}, resourceReader(context));
}

void taskNotify(const RpcContext& context, const RpcCall& call) {
  const Fields fields(call.params, "params");
  Notify notify;
  notify.attempt = attemptFrom(fields);
  notify.logged = true;
  std::string kind = fields.requiredText("notification");
  if (kind.starts_with("awf.task/")) kind.erase(0, 9);
  Json note{{"notification", kind}};
  if (kind == "heartbeat") {
    if (const auto message = fields.text("message")) note["message"] = notify.text = *message;
  } else if (kind == "progress") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const auto current = fields.integer("progress-current", 0, most);
    if (!current) fields.refuse("progress-current", "is required");
    const auto total = fields.integer("progress-total", 1, most);
    const auto unit = fields.text("progress-unit");
    note["progress-current"] = *current;
    notify.text = std::to_string(*current);
    if (total) {
      note["progress-total"] = *total;
      notify.text += " of " + std::to_string(*total);
      notify.progress = std::min(1.0F, static_cast<float>(*current) / static_cast<float>(*total));
    }
    if (unit) note["progress-unit"] = *unit, notify.text += " " + *unit;
  } else {
    fields.refuse("notification", "must be 'heartbeat' or 'progress'");
  }
  notify.note = note.dump();
  postAttempt(context, call.reply, std::move(notify), [](const JobRow& row) -> Json {
    const std::int64_t timer = row.recentLog.empty() ? 0 : row.recentLog.back().timer;
    return {{"inProgressTimeoutAt", timer == 0 ? Json(nullptr) : Json(formatUtcMicros(timer))}};
  });
}

void taskSuccess(const RpcContext& context, const RpcCall& call) {
  const Fields fields(call.params, "params");
  Succeed succeed{attemptFrom(fields), {}, {}};
  succeed.value = payloadFrom(context, fields, "result", succeed.attempt.job, &Definition::resultSchema);
  postAttempt(context, call.reply, std::move(succeed), resourceReader(context));
}

void taskFail(const RpcContext& context, const RpcCall& call) {
  const Fields fields(call.params, "params");
  Fail fail;
  fail.attempt = attemptFrom(fields);
  // Some executors send their error as a result.
  const char* const name = fields.find("error") != nullptr ? "error" : "result";
  fail.failure = {failedByExecutor, "Failed by executor", {}, {}};
  fail.failure.payload = payloadFrom(context, fields, name, fail.attempt.job, &Definition::errorSchema);
  postAttempt(context, call.reply, std::move(fail), resourceReader(context));
}

}  // namespace v1
}  // namespace callsheet
