#pragma once
#include <algorithm>
#include <cereal/types/vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/new_job.h"
#include "core/schedule/firing_plan.h"

// Schedules as they are stored: what somebody has set, which seldom changes, apart from how far it has come. To change
// one: append fields at the end, raise its format in store/record.h, read the old format with defaults, and add a
// golden file of the old bytes to tests/store/golden.
namespace callsheet {
inline namespace v1 {

/// What becomes of a firing while a job of an earlier one has not ended.
enum class Overlap : std::uint8_t {
  forbid,   ///< it makes no job
  allow,    ///< both run
  replace,  ///< the earlier one is canceled
};
[[nodiscard]] std::string_view toString(Overlap overlap);

template <class Archive>
void serializeTiming(Archive& archive, Timing& timing);

/// A schedule as somebody has set it.
struct Schedule {
  std::string name;    ///< the key; not in the body
  std::string keeper;  ///< who made it and changes it: "tasks", "events"; empty: anybody
  std::string spec;    ///< the timing as it was written
  Timing timing;
  FiringPolicy policy;
  Overlap overlap = Overlap::forbid;
  std::int64_t jitterMicros = 0;  ///< each job begins so much later at the most, by chance
  NewJob job;                     ///< what each firing makes; its id, times, key and prerequisites are none

  template <class Archive>
  void serialize(Archive& archive) {
    archive(keeper, spec);
    serializeTiming(archive, timing);
    archive(policy.missed, policy.missedMax, policy.startDeadlineMicros, overlap, jitterMicros, job.kind, job.runner,
            job.queue, job.priority, job.body);
  }
  /// When it is deleted; `never`: by nobody but a person.
  [[nodiscard]] std::int64_t end() const;
};

/// Firings of a schedule that made no job.
struct SkippedFirings {
  enum class Why : std::uint8_t { missed, overlap };
  std::int64_t at = 0;  ///< UTC us: the last of them
  std::uint64_t count = 0;
  Why why = Why::missed;
  JobID because;  ///< of `overlap`: the job that had not ended

  template <class Archive>
  void serialize(Archive& archive) {
    archive(at, count, why, because);
  }
  friend bool operator==(const SkippedFirings&, const SkippedFirings&) = default;
};
[[nodiscard]] std::string_view toString(SkippedFirings::Why why);

/// How far a schedule has come. All times are UTC us.
struct ScheduleRow {
  std::string name;            ///< the key; not in the body
  Uuid generation;             ///< a reset begins a new one: what fired in another one may fire again
  std::uint64_t revision = 0;  ///< changes of this row and of what is set
  Uuid change;                 ///< the last PutSchedule
  std::int64_t createdAt = 0;
  std::int64_t updatedAt = 0;  ///< of what is set
  bool isPaused = false;
  std::int64_t cursor = 0;    ///< all firings up to this instant are dealt with; never goes back in a generation
  std::int64_t next = never;  ///< the first firing behind it
  std::int64_t end = never;   ///< Schedule::end()
  std::int64_t firedAt = 0;   ///< the last firing that made a job; 0: none did yet
  JobID lastJob;              ///< its job
  std::uint64_t fired = 0;    ///< firings that made a job
  std::uint64_t skipped = 0;  ///< and that made none
  std::vector<JobID> open;    ///< jobs of it that have not ended when last looked at, the oldest first
  std::vector<SkippedFirings> skips;  ///< the latest, the oldest first

  template <class Archive>
  void serialize(Archive& archive) {
    archive(generation, revision, change, createdAt, updatedAt, isPaused, cursor, next, end, firedAt, lastJob, fired,
            skipped, open, skips);
  }
  /// When the principal has to do something about it.
  [[nodiscard]] std::int64_t dueAt() const { return std::min(isPaused ? never : next, end); }
  friend bool operator==(const ScheduleRow&, const ScheduleRow&) = default;
};

/// Schedules by when they are due; those that never are stand nowhere. It follows from the rows.
struct DueKey {
  std::int64_t at = 0;
  std::string name;
  friend auto operator<=>(const DueKey&, const DueKey&) = default;
};

/// The jobs of a schedule, by their ids. It follows from their bodies.
struct OccurrenceKey {
  std::string schedule;
  JobID job;
  friend auto operator<=>(const OccurrenceKey&, const OccurrenceKey&) = default;
};

/// The job that a schedule makes for an instant: the same id whoever makes it, and again in another generation.
[[nodiscard]] JobID occurrenceID(std::string_view schedule, const Uuid& generation, std::int64_t instant);
/// How much later than its instant the job begins, by the schedule's jitter.
[[nodiscard]] std::int64_t jitterOf(JobID occurrence, std::int64_t jitterMicros);

/// Why there can be no such schedule, in one sentence.
[[nodiscard]] std::optional<std::string> whyRefused(const Schedule& schedule);

// ---- templates ----

namespace detail {
template <class Archive>
void serializeTimingOf(Archive& archive, IntervalTiming& timing) {
  archive(timing.init, timing.intervalMicros, timing.end);
}
template <class Archive>
void serializeTimingOf(Archive& archive, CalendarTiming& timing) {
  auto years = static_cast<std::uint32_t>(timing.years.size());
  archive(timing.times, timing.hours, timing.minutes, timing.seconds, timing.days, timing.daysFromEnd, timing.months,
          timing.weekdays, timing.eitherDay, timing.zone, years);
  if constexpr (Archive::is_loading::value) {
    if (years > limits::scheduleYearsMax) throw Error(ErrorKind::corrupt, "a calendar has too many years");
    timing.years.assign(years, {});
  }
  for (YearRange& range : timing.years) archive(range.first, range.last, range.step);
}
template <class Archive>
void serializeTimingOf(Archive& archive, OnceTiming& timing) {
  archive(timing.at);
}
template <class Archive, class OneTiming>
void loadTiming(Archive& archive, Timing& timing) {
  serializeTimingOf(archive, timing.emplace<OneTiming>());
}
}  // namespace detail

template <class Archive>
void serializeTiming(Archive& archive, Timing& timing) {
  auto kind = static_cast<std::uint8_t>(timing.index());
  archive(kind);
  if constexpr (Archive::is_loading::value) {
    if (kind == 0) return detail::loadTiming<Archive, IntervalTiming>(archive, timing);
    if (kind == 1) return detail::loadTiming<Archive, CalendarTiming>(archive, timing);
    if (kind == 2) return detail::loadTiming<Archive, OnceTiming>(archive, timing);
    throw Error(ErrorKind::corrupt, "a schedule has a timing of an unknown kind");
  } else {
    std::visit([&](auto& one) { detail::serializeTimingOf(archive, one); }, timing);
  }
}

}  // namespace v1
}  // namespace callsheet
