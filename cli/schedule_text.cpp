#include "cli/schedule_text.h"

#include <fmt/format.h>

#include "api/schedule_json.h"
#include "cli/job_text.h"
#include "cli/values.h"
#include "core/duration_text.h"
#include "ipc/principal_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {

Colour colourOf(std::string_view state) {
  if (state == "paused") return Colour::yellow;
  if (state == "still") return Colour::red;
  return state == "over" ? Colour::grey : Colour::green;
}

std::string secondsText(std::int64_t at) {
  return at == 0 || at == never ? "-" : utcSecondsText(at);
}

void printField(std::string_view name, const std::string& value) {
  if (!value.empty()) printLine(fmt::format("{:<12}{}", name, value));
}

std::string durationText(std::int64_t micros) {
  return formatDuration(std::chrono::microseconds(micros));
}

std::string missedText(const FiringPolicy& policy) {
  const std::string after = " (later than " + durationText(policy.startDeadlineMicros) + ")";
  if (policy.missed == MissedRuns::skip) return "skip" + after;
  if (policy.missed == MissedRuns::once) return "one job for all of it" + after;
  return fmt::format("the last {}", policy.missedMax) + after;
}

std::string skipText(const SkippedFirings& skip) {
  const std::string what =
      skip.count == 1 ? "the firing of " + utcSecondsText(skip.at) + " was skipped: "
                      : fmt::format("{} firings, the last of {}, were skipped: ", skip.count, utcSecondsText(skip.at));
  if (skip.why == SkippedFirings::Why::missed) return what + "no principal was there in time";
  return what + "job " + shortIDOf(skip.because) + " had not ended";
}

std::string lastText(const ScheduleView& view, JobStore& store) {
  const ScheduleRow& row = view.row;
  if (row.firedAt == 0) return "has not fired yet";
  std::string became = "is not kept any more";
  if (const auto job = store.peek(row.lastJob)) became = "is " + stateText(*job);
  return fmt::format("fired for {}; its job {} {}", utcSecondsText(row.firedAt), shortIDOf(row.lastJob), became);
}

std::string nextText(const ScheduleView& view, bool hasPrincipal, std::int64_t now) {
  const ScheduleRow& row = view.row;
  const std::string state = stateOf(row, now);
  const std::string name = row.name;
  if (state == "paused") return "is paused; `callsheet schedule resume " + name + "` has it go on";
  if (state == "over") return "will not come: nothing of '" + printable(view.settings.spec) + "' is left";
  std::string text = fmt::format("{}, as '{}' says", utcSecondsText(row.next), printable(view.settings.spec));
  if (state == "still")
    text += fmt::format(
        "; all up to {} was fired before the clock was set back, and `callsheet schedule reset {}` begins anew",
        utcSecondsText(row.cursor), name);
  else if (row.next > now)
    text += ", in " + durationText(row.next - now);
  if (!hasPrincipal) text += "; no principal is running, and nothing fires before one starts";
  if (!view.open.empty()) {
    const std::string job = "job " + shortIDOf(view.open.back().id) + ", which is " + stateText(view.open.back());
    if (view.settings.overlap == Overlap::forbid) text += "; it is skipped unless " + job + ", has ended by then";
    if (view.settings.overlap == Overlap::replace) text += "; it replaces " + job;
  }
  return text;
}

}  // namespace

std::vector<Table::Cell> rowTextOf(const ScheduleView& view, std::int64_t now) {
  const ScheduleRow& row = view.row;
  const std::string state = stateOf(row, now);
  return {{row.name},
          {state, colourOf(state)},
          {secondsText(row.isPaused ? never : row.next)},
          {secondsText(row.firedAt)},
          {std::to_string(row.fired)},
          {std::to_string(row.skipped)},
          {shortened(printable(view.settings.spec), 60)}};
}

void printSchedule(const ScheduleView& view, std::int64_t now) {
  const ScheduleRow& row = view.row;
  const Schedule& settings = view.settings;
  const std::string state = stateOf(row, now);
  printField("schedule", row.name);
  printField("state", coloured(colourOf(state), state));
  printField("timing", printable(settings.spec));
  printField("next", row.isPaused || row.next == never ? "" : formatUtc(row.next));
  printField("end", row.end == never ? "" : formatUtc(row.end));
  JobView job;
  job.row.kind = settings.job.kind;
  job.row.runner = settings.job.runner;
  job.body = settings.job.body;
  printField("work", workText(job));
  printField("queue", settings.job.queue);
  printField("overlap", std::string(toString(settings.overlap)));
  printField("missed", missedText(settings.policy));
  printField("jitter", settings.jitterMicros == 0 ? "" : "up to " + durationText(settings.jitterMicros));
  printField("fired", std::to_string(row.fired));
  printField("last",
             row.firedAt == 0 ? "" : fmt::format("{} (job {})", formatUtc(row.firedAt), shortIDOf(row.lastJob)));
  printField("skipped", row.skipped == 0 ? "" : std::to_string(row.skipped));
  for (const SkippedFirings& skip : row.skips) printField("", skipText(skip));
  for (const JobRow& open : view.open)
    printField("running", fmt::format("{} ({})", open.id.toString(), stateText(open)));
  printField("kept by", settings.keeper);
}

ScheduleReasons reasonsOf(const ScheduleView& view, Session& session, std::int64_t now) {
  const bool hasPrincipal = PrincipalLock::holder(session.access().directory()).has_value();
  ScheduleReasons reasons{lastText(view, session.store()), {}, nextText(view, hasPrincipal, now)};
  if (!view.row.skips.empty()) reasons.skipped = skipText(view.row.skips.back());
  return reasons;
}

}  // namespace v1
}  // namespace callsheet
