#include "api/schedule_json.h"

#include <nlohmann/json.hpp>

#include "api/job_json.h"
#include "core/schedule_changes.h"

namespace callsheet {
inline namespace v1 {

namespace {
Json numbersJson(std::uint64_t set) {
  Json numbers = Json::array();
  for (unsigned number = 0; number < 64; ++number)
    if ((set >> number & 1) != 0) numbers.push_back(number);
  return numbers;
}

Json timingOf(const IntervalTiming& timing) {
  return {{"kind", "interval"},
          {"init", timeJson(timing.init)},
          {"intervalMs", timing.intervalMicros / 1000.0},
          {"end", timeJson(timing.end)}};
}

Json timingOf(const CalendarTiming& timing) {
  Json json;
  json["kind"] = "calendar";
  json["secondsOfDay"] = timing.times;
  json["hours"] = numbersJson(timing.hours);
  json["minutes"] = numbersJson(timing.minutes);
  json["seconds"] = numbersJson(timing.seconds);
  json["days"] = numbersJson(timing.days);
  json["daysFromEnd"] = numbersJson(timing.daysFromEnd);
  json["months"] = numbersJson(timing.months);
  json["weekdays"] = numbersJson(timing.weekdays);
  json["eitherDay"] = timing.eitherDay;
  json["years"] = Json::array();
  for (const YearRange& range : timing.years)
    json["years"].push_back({{"first", range.first}, {"last", range.last}, {"step", range.step}});
  json["timezone"] = timing.zone.empty() ? "UTC" : timing.zone;
  return json;
}

Json timingOf(const OnceTiming& timing) {
  return {{"kind", "once"}, {"at", timeJson(timing.at)}};
}

Json jobOf(const NewJob& job) {
  Json json;
  json["kind"] = job.kind;
  json["runner"] = toString(job.runner);
  json["queue"] = job.queue;
  json["priority"] = job.priority;
  addParameters(json, job.body);
  json["retry"] = retryJson(job.body.retry);
  json["attemptLimitMs"] =
      job.body.attemptLimitMicros == 0 ? Json(nullptr) : Json(job.body.attemptLimitMicros / 1000.0);
  json["labels"] = job.body.labels.empty() ? Json::object() : Json(job.body.labels);
  return json;
}

Json skipsJson(const std::vector<SkippedFirings>& skips) {
  Json list = Json::array();
  for (const SkippedFirings& one : skips)
    list.push_back({{"at", timeJson(one.at)},
                    {"count", one.count},
                    {"why", toString(one.why)},
                    {"because", one.because.isNil() ? Json(nullptr) : Json(one.because.toString())}});
  return list;
}
}  // namespace

const char* stateOf(const ScheduleRow& row, std::int64_t now) {
  if (row.isPaused) return "paused";
  if (standsStill(row, now)) return "still";
  return row.next == never ? "over" : "waiting";
}

Json timingJson(const Timing& timing) {
  return std::visit([](const auto& one) { return timingOf(one); }, timing);
}

Json scheduleJson(const ScheduleView& view, std::int64_t now) {
  const Schedule& settings = view.settings;
  const ScheduleRow& row = view.row;
  Json json;
  json["name"] = row.name;
  json["state"] = stateOf(row, now);
  json["keeper"] = textJson(settings.keeper);
  json["spec"] = settings.spec;
  json["timing"] = timingJson(settings.timing);
  json["next"] = timeJson(row.isPaused ? never : row.next);
  json["lastFired"] = timeJson(row.firedAt);
  json["lastJob"] = row.lastJob.isNil() ? Json(nullptr) : Json(row.lastJob.toString());
  json["fired"] = row.fired;
  json["skipped"] = row.skipped;
  json["skips"] = skipsJson(row.skips);
  json["running"] = Json::array();
  for (const JobRow& job : view.open) json["running"].push_back(job.id.toString());
  json["overlap"] = toString(settings.overlap);
  json["missed"] = toString(settings.policy.missed);
  json["missedMax"] = settings.policy.missedMax;
  json["startDeadlineMs"] = settings.policy.startDeadlineMicros / 1000.0;
  json["jitterMs"] = settings.jitterMicros / 1000.0;
  json["job"] = jobOf(settings.job);
  json["createdAt"] = timeJson(row.createdAt);
  json["updatedAt"] = timeJson(row.updatedAt);
  json["generation"] = row.generation.toString();
  json["dealtWithUntil"] = timeJson(row.cursor);
  return json;
}

}  // namespace v1
}  // namespace callsheet
