#include "core/schedule_changes.h"

#include <algorithm>

#include "core/record_archive.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::int64_t hourMicros = 3'600'000'000;
constexpr int triesMax = 5;

/// From where on a timing counts that begins now. One that fires once is not late before it is there.
std::int64_t beginOf(const Timing& timing, std::int64_t now) {
  const auto* const once = std::get_if<OnceTiming>(&timing);
  return once == nullptr ? now : std::min(now, once->at - 1);
}

PutSchedule changeOf(const ScheduleView& known, Schedule settings) {
  PutSchedule put;
  put.schedule = std::make_shared<const Schedule>(std::move(settings));
  put.change = Uuid::makeV7();
  put.revision = known.row.revision;
  put.generation = known.row.generation;
  put.isPaused = known.row.isPaused;
  put.cursor = known.row.cursor;
  return put;
}

PutSchedule withNext(PutSchedule put) {
  put.next = nextFiring(put.schedule->timing, put.cursor).value_or(never);
  return put;
}
}  // namespace

PutSchedule putOf(const std::optional<ScheduleView>& known, Schedule wanted, bool isPaused, std::int64_t now) {
  if (!known) {
    ScheduleView fresh;
    fresh.row.generation = Uuid::makeV4();
    fresh.row.cursor = beginOf(wanted.timing, now);
    PutSchedule put = changeOf(fresh, std::move(wanted));
    put.isPaused = isPaused;
    return withNext(std::move(put));
  }
  if (wanted.spec == known->settings.spec) wanted.timing = known->settings.timing;
  const bool beginsAnew = wanted.timing != known->settings.timing || (known->row.isPaused && !isPaused);
  PutSchedule put = changeOf(*known, std::move(wanted));
  put.isPaused = isPaused;
  if (beginsAnew) put.cursor = std::max(put.cursor, beginOf(put.schedule->timing, now));
  return withNext(std::move(put));
}

std::optional<std::string> whyKept(const std::optional<ScheduleView>& known) {
  if (!known || known->settings.keeper.empty()) return std::nullopt;
  return "schedule '" + known->row.name + "' is kept by '" + known->settings.keeper + "', which changes it";
}

PutSchedule pauseOf(const ScheduleView& known, bool isPaused, std::int64_t now) {
  return putOf(known, known.settings, isPaused, now);
}

PutSchedule resetOf(const ScheduleView& known, std::int64_t now) {
  PutSchedule put = changeOf(known, known.settings);
  put.generation = Uuid::makeV4();
  put.cursor = now;
  return withNext(std::move(put));
}

NewJob runOf(const ScheduleView& known, std::int64_t now) {
  NewJob job = known.settings.job;
  job.id = makeJobID();
  job.body.schedule = known.settings.name;
  job.body.occurrence = now;
  return job;
}

std::optional<Verb> dueVerbOf(const ScheduleView& known, IncarnationID principal, std::int64_t now, std::size_t limit) {
  const ScheduleRow& row = known.row;
  if (!row.isPaused && row.next <= now) {
    const FiringPlan plan = planFirings(known.settings.timing, known.settings.policy, row.cursor, now, limit);
    const std::int64_t next = plan.next.value_or(never);
    if (plan.cursor != row.cursor || next != row.next)
      return Fire{principal,       row.name,          row.generation, row.revision, plan.fire,
                  plan.passedOver, plan.passedOverAt, plan.cursor,    next};
  }
  if (row.end <= now) return DeleteSchedule{row.name, row.revision};
  return std::nullopt;
}

bool standsStill(const ScheduleRow& row, std::int64_t now) {
  return !row.isPaused && row.cursor > now + hourMicros;
}

bool areAlike(const Schedule& one, const Schedule& other) {
  return one.name == other.name && toRecord(one) == toRecord(other);
}

Answer changeSchedule(JobStore& store, const std::string& name,
                      const std::function<PutSchedule(const std::optional<ScheduleView>&)>& change) {
  Answer answer;
  for (int tries = 0; tries < triesMax; ++tries) {
    answer = store.applySurely(change(store.schedule(name)));
    if (answer.verdict != Verdict::conflict) break;
  }
  return answer;
}

}  // namespace v1
}  // namespace callsheet
