#include "core/schedule_views.h"

#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {
/// Nothing, too, for a row of which the settings are missing.
std::optional<ScheduleView> viewOf(Rows& rows, ScheduleRow row, bool withOpen) {
  auto settings = rows.settingsOf(row.name);
  if (!settings) return std::nullopt;
  ScheduleView view{std::move(*settings), std::move(row), {}};
  if (!withOpen) return view;
  for (const JobID id : view.row.open) {
    try {
      auto job = rows.job(id);
      if (job && job->state != JobState::done) view.open.push_back(std::move(*job));
    } catch (const UnreadableRow&) {
      continue;  // listed as what it is
    }
  }
  return view;
}
}  // namespace

std::optional<ScheduleView> scheduleOf(Rows& rows, std::string_view name) {
  auto row = rows.schedule(name);
  return row ? viewOf(rows, std::move(*row), true) : std::nullopt;
}

std::vector<ScheduleView> schedulesAfter(Rows& rows, std::string_view after, std::size_t limit) {
  std::vector<ScheduleView> views;
  std::string from(after);
  if (!from.empty()) from += behindName;
  rows.scanSchedules(from, [&](const ScheduleRow& row) {
    if (views.size() == limit) return false;
    try {
      if (auto view = viewOf(rows, row, true)) views.push_back(std::move(*view));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
    }
    return true;
  });
  return views;
}

DueSchedules schedulesDue(Rows& rows, std::int64_t until, std::size_t limit) {
  DueSchedules due;
  std::vector<std::string> names;
  rows.scanDue([&](const DueKey& key) {
    if (key.at <= until && names.size() < limit) {
      names.push_back(key.name);
      return true;
    }
    due.nextAt = key.at;
    return false;
  });
  for (const std::string& name : names) {
    try {
      auto row = rows.schedule(name);
      auto view = row ? viewOf(rows, std::move(*row), false) : std::nullopt;
      if (!view) throw Error(ErrorKind::corrupt, "a schedule is due that is not there");
      due.schedules.push_back(std::move(*view));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt) throw;
      due.unreadable.push_back(name);
    }
  }
  return due;
}

std::vector<JobID> occurrencesOf(Rows& rows, std::string_view schedule, JobID before, std::size_t limit) {
  std::vector<JobID> found;
  rows.scanOccurrences({std::string(schedule), before}, [&](const OccurrenceKey& key) {
    if (found.size() == limit) return false;
    if (before.isNil() || key.job < before) found.push_back(key.job);
    return true;
  });
  return found;
}

}  // namespace v1
}  // namespace callsheet
