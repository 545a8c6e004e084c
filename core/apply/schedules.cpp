// Schedules. Whoever plans a firing reads and computes outside the transaction; the revision that a verb names makes
// sure that the plan still holds. A firing's job and the cursor behind it are one write.
#include <algorithm>

#include "callsheet/limits.h"
#include "core/apply/application.h"

namespace callsheet {
inline namespace v1 {

namespace {
Answer noSuchSchedule(const std::string& name) {
  return {Verdict::notFound, "there is no schedule '" + name + "'; `callsheet schedule list` shows them"};
}

Answer changedMeanwhile(const std::string& name) {
  return {Verdict::conflict, "the schedule '" + name + "' was changed by somebody else meanwhile; look at it again"};
}

void noteSkip(ScheduleRow& row, const SkippedFirings& skip) {
  row.skipped += skip.count;
  auto& skips = row.skips;
  // One long job makes one entry, not one for each firing that it keeps from happening.
  if (!skips.empty() && skips.back().why == skip.why && skips.back().because == skip.because) {
    skips.back().at = skip.at;
    skips.back().count += skip.count;
    return;
  }
  if (skips.size() == limits::skipsKept) skips.erase(skips.begin());
  skips.push_back(skip);
}

void addOpen(ScheduleRow& row, JobID id) {
  if (std::find(row.open.begin(), row.open.end(), id) != row.open.end()) return;
  if (row.open.size() == limits::openRunsMax) row.open.erase(row.open.begin());
  row.open.push_back(id);
}
}  // namespace

Answer Application::operator()(const PutSchedule& verb) {
  const std::string& name = verb.schedule->name;
  const auto stored = rows_.schedule(name);
  const std::uint64_t revision = stored ? stored->revision : 0;
  if (stored && stored->change == verb.change) return {Verdict::alreadyApplied, {}};
  if (revision != verb.revision) {
    if (verb.revision == 0) return {Verdict::conflict, "there is a schedule '" + name + "' already"};
    return stored ? changedMeanwhile(name) : noSuchSchedule(name);
  }
  ScheduleRow row;
  if (stored) {
    row = *stored;
  } else {
    if (rows_.countSchedules() >= limits::schedulesMax)
      return {Verdict::refused, "the store has " + std::to_string(limits::schedulesMax) +
                                    " schedules, which is the limit; remove one that is not needed"};
    row.name = name;
    row.createdAt = now_.utcMicros;
  }
  if (stored && row.generation == verb.generation && verb.cursor < row.cursor)
    return {Verdict::conflict, "the schedule '" + name + "' has come further than that by now; look at it again"};
  row.generation = verb.generation;
  row.change = verb.change;
  ++row.revision;
  row.updatedAt = now_.utcMicros;
  row.isPaused = verb.isPaused;
  row.cursor = verb.cursor;
  row.next = verb.next;
  row.end = verb.schedule->end();
  if (verb.cancelsUnstarted) cancelUnstarted(row);
  dropEnded(row);
  rows_.putSettings(*verb.schedule);
  rows_.putSchedule(stored, row);
  effects_.scheduled = true;
  return {Verdict::ok, {}};
}

Answer Application::operator()(const DeleteSchedule& verb) {
  std::optional<ScheduleRow> row;
  try {
    row = rows_.schedule(verb.name);
    if (!row) return noSuchSchedule(verb.name);
    if (verb.revision != 0 && row->revision != verb.revision) return changedMeanwhile(verb.name);
  } catch (const Error& error) {
    // A person's word for what cannot be read; a plan that was made for it is none.
    if (error.kind() != ErrorKind::corrupt || verb.revision != 0) throw;
  }
  if (row && verb.cancelsUnstarted) cancelUnstarted(*row);
  rows_.eraseSchedule(verb.name);
  effects_.scheduled = true;
  return {Verdict::ok, {}};
}

Answer Application::operator()(const Fire& verb) {
  const auto sender = rows_.incarnation(verb.sender);
  if (!sender || !sender->isOpen() || sender->role != Role::principal)
    return {Verdict::fenced, "only the store's principal fires schedules"};
  const auto stored = rows_.schedule(verb.schedule);
  if (!stored) return noSuchSchedule(verb.schedule);
  ScheduleRow row = *stored;
  if (row.revision != verb.revision) {
    if (row.generation == verb.generation && row.cursor >= verb.cursor) return {Verdict::alreadyApplied, {}};
    return changedMeanwhile(verb.schedule);
  }
  if (row.generation != verb.generation || verb.cursor < row.cursor ||
      (!verb.instants.empty() && verb.instants.front() <= row.cursor))
    return {Verdict::conflict, "the schedule '" + verb.schedule + "' has come further than that by now"};
  const auto settings = rows_.settingsOf(verb.schedule);
  if (!settings) return noSuchSchedule(verb.schedule);
  if (verb.passedOver > 0) noteSkip(row, {verb.passedOverAt, verb.passedOver, SkippedFirings::Why::missed, {}});
  dropEnded(row);
  // Where every missed run is to be made up for, those of one plan run one after the other instead.
  const bool queuesUp = settings->policy.missed == MissedRuns::all && row.open.empty();
  for (const std::int64_t instant : verb.instants) fire(*settings, row, instant, verb.sender, queuesUp);
  row.cursor = verb.cursor;
  row.next = verb.next;
  ++row.revision;
  rows_.putSchedule(stored, row);
  effects_.scheduled = true;
  return {Verdict::ok, {}};
}

void Application::fire(const Schedule& settings, ScheduleRow& row, std::int64_t instant, IncarnationID sender,
                       bool queuesUp) {
  const auto after = settings.overlap == Overlap::forbid && !row.open.empty() ? row.open.back() : JobID{};
  if (!after.isNil() && !queuesUp) return noteSkip(row, {instant, 1, SkippedFirings::Why::overlap, after});
  if (settings.overlap == Overlap::replace) {
    for (const JobID id : row.open)
      static_cast<void>((*this)(Cancel{id, "the next firing of schedule '" + row.name + "' replaces it"}));
    row.open.clear();
  }
  NewJob job = settings.job;
  job.id = occurrenceID(row.name, row.generation, instant);
  job.body.schedule = row.name;
  job.body.occurrence = instant;
  job.notBeforeMicros = instant + jitterOf(job.id, settings.jitterMicros);
  if (!after.isNil()) job.body.after = {Prerequisite{after, EndCondition::always}};
  // That it is there already can only be the same firing: no two have one id.
  if (judge(job, {}).verdict == Verdict::ok) static_cast<void>(insert(job, principalOwner, sender, "principal", false));
  addOpen(row, job.id);
  row.firedAt = std::max(row.firedAt, instant);
  row.lastJob = job.id;
  ++row.fired;
}

void Application::dropEnded(ScheduleRow& row) {
  std::erase_if(row.open, [&](JobID id) {
    try {
      const auto job = rows_.job(id);
      return !job || job->state == JobState::done;
    } catch (const UnreadableRow&) {
      return false;  // nobody knows that it has ended
    }
  });
}

void Application::cancelUnstarted(const ScheduleRow& row) {
  for (const JobID id : row.open) {
    try {
      const auto job = rows_.job(id);
      if (job && !isRunning(*job))
        static_cast<void>((*this)(Cancel{id, "schedule '" + row.name + "' was stopped before it began"}));
    } catch (const UnreadableRow&) {
      continue;  // a person may discard it
    }
  }
}

void Application::joinSchedule(const NewJob& job) {
  if (job.body.schedule.empty()) return;
  const auto stored = rows_.schedule(job.body.schedule);
  if (!stored) return;  // it is gone, and its job is done again
  ScheduleRow row = *stored;
  dropEnded(row);
  addOpen(row, job.id);
  rows_.putSchedule(stored, row);
}

void Application::leaveSchedule(JobID id, const JobBody& body) {
  if (!body.schedule.empty()) rows_.eraseOccurrence({body.schedule, id});
}

}  // namespace v1
}  // namespace callsheet
