#include "api/job_json.h"

#include <nlohmann/json.hpp>

#include "callsheet/job_key.h"
#include "core/clock.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

namespace {

Json idJson(const Uuid& id) {
  return id.isNil() ? Json(nullptr) : Json(id.toString());
}

/// A deadline stands on the boot clock; people are told what that is in UTC, as far as the clocks agree now.
Json deadlineJson(const JobRow& row) {
  if (row.deadlineNanos == 0) return nullptr;
  const Moment now = SystemClock().now();
  if (row.deadlineBootID != now.bootID) return "expired";
  return formatUtc(now.utcMicros + (row.deadlineNanos - now.bootNanos) / 1000);
}

}  // namespace

void addParameters(Json& json, const JobBody& body) {
  if (body.binary)
    json["parametersHex"] = hexOf(body.parameters);
  else
    json["parameters"] = valueJson(body.parameters);
}

Json retryJson(const RetryPolicy& retry) {
  return {{"maxAttempts", retry.maxAttempts},
          {"firstDelayMs", retry.firstDelay.count() / 1000.0},
          {"factor", retry.factor},
          {"maxDelayMs", retry.maxDelay.count() / 1000.0},
          {"jitter", retry.jitter}};
}

std::string keyText(const JobBody& body) {
  const auto key = JobKey::fromBytes(body.key);
  return key ? key->toString() : body.key;
}

Json versioned() {
  return Json{{"v", 1}};
}

Json timeJson(std::int64_t utcMicros) {
  return utcMicros == 0 || utcMicros == never ? Json(nullptr) : Json(formatUtc(utcMicros));
}

std::string hexOf(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

Json textJson(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json valueJson(const std::string& text) {
  if (text.empty()) return nullptr;
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

Json jobSummaryJson(const JobView& job, const OwnerNames& names) {
  const JobRow& row = job.row;
  Json json;
  json["id"] = row.id.toString();
  json["shortId"] = shortIDOf(row.id);
  json["kind"] = row.kind;
  json["runner"] = toString(row.runner);
  json["queue"] = row.queue;
  json["priority"] = row.priority;
  json["state"] = toString(row.state);
  json["waitingFor"] = textJson(std::string(toString(row.waitingFor)));
  json["outcome"] = textJson(std::string(toString(row.outcome)));
  json["owner"] = names.nameOf(row.owner);
  json["ownerIncarnation"] = idJson(row.owner.value);
  json["holder"] = textJson(names.holderOf(row));
  json["attempt"] = row.attempt;
  json["started"] = row.started;
  json["failures"] = row.failures;
  json["holderDeaths"] = row.holderDeaths;
  json["cancelRequested"] = row.cancelRequested;
  json["transferRequested"] = row.transferRequested;
  json["stalled"] = row.stalled;
  json["progress"] = row.progress;
  json["progressText"] = row.progressText;
  json["createdAt"] = timeJson(row.createdAt);
  json["wakeAt"] = timeJson(row.state == JobState::waiting ? row.wakeAt : 0);
  json["startedAt"] = timeJson(row.startedAt);
  json["finishedAt"] = timeJson(row.finishedAt);
  json["schedule"] = textJson(job.body.schedule);
  json["occurrence"] = timeJson(job.body.occurrence);
  json["labels"] = job.body.labels.empty() ? Json::object() : Json(job.body.labels);
  return json;
}

bool isOver(const JobRow& row) {
  return row.state == JobState::done || row.waitingFor == WaitReason::quarantine;
}

Json jobJson(const JobView& job, const OwnerNames& names) {
  const JobRow& row = job.row;
  const JobBody& body = job.body;
  Json json = versioned();
  json.update(jobSummaryJson(job, names));
  json["unclaimable"] = names.isUnclaimable(job);
  json["holderKind"] = row.holderKind == HolderKind::incarnation ? Json("director") : textJson(names.holderOf(row));
  json["holderId"] = idJson(row.holder);
  json["execId"] = idJson(row.execID.value);
  json["alone"] = row.alone;
  json["version"] = row.version;
  json["forgotten"] = row.isForgotten;
  json["deadlineAt"] = deadlineJson(row);
  json["kindVersion"] = body.kindVersion;
  addParameters(json, body);
  json["retry"] = retryJson(body.retry);
  json["attemptLimitMs"] = body.attemptLimitMicros == 0 ? Json(nullptr) : Json(body.attemptLimitMicros / 1000.0);
  json["submitter"] = textJson(body.submitterName);
  json["requester"] = valueJson(body.requester);
  json["key"] = textJson(keyText(body));
  json["keyUntil"] = timeJson(row.keyUntil);
  json["retryOf"] = idJson(body.retryOf.value);
  json["after"] = Json::array();
  for (const Prerequisite& one : body.after)
    json["after"].push_back({{"job", one.job.toString()}, {"condition", toString(one.condition)}});
  json["parent"] = idJson(body.parent.value);
  json["result"] = job.result ? valueJson(job.result->value) : Json(nullptr);
  json["failure"] = nullptr;
  if (row.outcome == JobOutcome::failed && job.result) {
    const JobFailure& failure = job.result->failure;
    json["failure"] = {{"type", failure.type},
                       {"message", failure.message},
                       {"origin", failure.origin},
                       {"payload", valueJson(failure.payload)}};
  }
  return json;
}

Json logEntryJson(const LogEntry& entry, const OwnerNames& names) {
  Json json;
  json["index"] = entry.index;
  json["at"] = timeJson(entry.at);
  json["move"] = toString(entry.move);
  json["before"] = toString(entry.before);
  json["after"] = toString(entry.after);
  json["waitingFor"] = textJson(std::string(toString(entry.waitingFor)));
  json["attempt"] = entry.attempt;
  json["actor"] = entry.actor.isNil() ? Json(nullptr) : Json(names.nameOf(IncarnationID{entry.actor}));
  json["actorId"] = idJson(entry.actor);
  json["timer"] = timeJson(entry.timer);
  json["note"] = textJson(entry.note);
  return json;
}

}  // namespace v1
}  // namespace callsheet
