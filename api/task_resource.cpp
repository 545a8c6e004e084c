#include "api/task_resource.h"

#include <nlohmann/json.hpp>

#include "api/iso_time.h"
#include "api/job_json.h"

namespace callsheet {
inline namespace v1 {

namespace {
Json reasonOf(const JobFailure& failure) {
  if (failure.type == failedByExecutor) return {{"type", failure.type}, {"message", "Failed by executor"}};
  if (failure.type == "deadline") return {{"type", failedByTimeout}, {"message", "Failed due to in-progress timeout"}};
  return {{"type", unknownError}, {"message", failure.message}};
}

/// When it is due, or until its first start, when it was asked to begin; 0 where there is no such time.
std::int64_t executeAtOf(const JobRow& row) {
  if (row.state == JobState::waiting) return row.wakeAt == never ? 0 : row.wakeAt;
  if (row.started > 0 || row.state == JobState::done || row.recentLog.empty()) return 0;
  const LogEntry& first = row.recentLog.front();
  const bool isBeginning = first.move == Move::submit || first.move == Move::submitLater;
  return isBeginning ? first.timer : 0;
}

void addOutcome(Json& json, const JobRow& row, const ResultRow* result) {
  if (row.outcome == JobOutcome::none) return;
  json["outcome"] = toString(row.outcome);
  if (result == nullptr) return;
  if (row.outcome == JobOutcome::succeeded && !result->value.empty()) json["result"] = valueJson(result->value);
  if (row.outcome != JobOutcome::failed) return;
  json["outcomeReason"] = reasonOf(result->failure);
  if (!result->failure.payload.empty()) json["error"] = valueJson(result->failure.payload);
}

const char* timerOf(const LogEntry& entry) {
  if (entry.after == JobState::waiting) return "promote";
  return entry.after == JobState::requested ? "start-time-out" : "deadline";
}
}  // namespace

std::int64_t lastUpdatedOf(const JobRow& row) {
  return row.recentLog.empty() ? row.createdAt : row.recentLog.back().at;
}

Json taskResource(const JobRow& row, const JobBody& body, const ResultRow* result) {
  Json json;
  json["definition"] = row.kind;
  json["meta"] = {{"lastUpdated", formatUtcMicros(lastUpdatedOf(row))},
                  {"createdAt", formatUtcMicros(row.createdAt)},
                  {"versionId", std::to_string(row.version)}};
  json["params"] = body.binary ? Json(nullptr) : valueJson(body.parameters);
  if (row.started > 0) json["retryCount"] = row.started;
  addOutcome(json, row, result);
  if (const std::int64_t at = executeAtOf(row); at != 0) json["executeAt"] = formatUtcMicros(at);
  if (const auto label = body.labels.find("label"); label != body.labels.end()) json["label"] = label->second;
  if (!body.requester.empty()) json["requester"] = valueJson(body.requester);
  if (!body.parent.isNil()) json["parent"] = {{"resourceType", "AidboxTask"}, {"id", body.parent.toString()}};
  json["resourceType"] = "AidboxTask";
  json["status"] = toString(row.state);
  if (!row.execID.isNil()) json["execId"] = row.execID.toString();
  json["id"] = row.id.toString();
  return json;
}

Json taskLogEntry(JobID job, const LogEntry& entry) {
  Json json;
  json["resourceType"] = "AidboxTaskLog";
  json["index"] = entry.index;
  json["time"] = formatUtcMicros(entry.at);
  json["subject"] = {{"resourceType", "AidboxTask"}, {"id", job.toString()}};
  json["action"] = toString(entry.move);
  const bool hasParameters = entry.move == Move::notify && !entry.note.empty();
  if (hasParameters) json["action-params"] = valueJson(entry.note);
  if (!hasParameters && !entry.note.empty()) json["note"] = entry.note;
  const bool isFirst = entry.move == Move::submit || entry.move == Move::submitLater;
  if (!isFirst) json["status-before"] = toString(entry.before);
  json["status-after"] = toString(entry.after);
  if (entry.attempt > 0) json["attempt"] = entry.attempt;
  if (entry.timer > 0 && entry.after != JobState::ready)
    json[entry.move == Move::notify ? "re-scheduled" : "scheduled"] = {
        {"action", timerOf(entry)}, {"at", formatUtcMicros(entry.timer)}, {"delay", (entry.timer - entry.at) / 1000}};
  return json;
}

}  // namespace v1
}  // namespace callsheet
