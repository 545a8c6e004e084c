#pragma once
#include <functional>
#include <optional>
#include <string>

#include "core/job_store.h"

// The verbs that change a schedule, made from what is known of it: when it fires next depends on how far it has come,
// and a write transaction looks up no time zones.
namespace callsheet {
inline namespace v1 {

/// Stores settings, new or in place of those that are known; `now` is UTC us. Another timing counts from now on: what
/// it would have fired before is not made up for, and what has fired does not fire again. Text that reads as before
/// means the timing that it was. What was never paused goes on from where it is, what is resumed from now on.
[[nodiscard]] PutSchedule putOf(const std::optional<ScheduleView>& known, Schedule wanted, bool isPaused,
                                std::int64_t now);
/// Why nobody but its keeper may put another schedule in this one's place; nothing when there is none, or no keeper.
[[nodiscard]] std::optional<std::string> whyKept(const std::optional<ScheduleView>& known);
/// The same settings, paused or not.
[[nodiscard]] PutSchedule pauseOf(const ScheduleView& known, bool isPaused, std::int64_t now);
/// The same settings in a new generation that begins now, for one that stands still since the clock was set back.
[[nodiscard]] PutSchedule resetOf(const ScheduleView& known, std::int64_t now);
/// A job of the schedule that is run by hand, whatever its timing says and whatever it has open.
[[nodiscard]] NewJob runOf(const ScheduleView& known, std::int64_t now);

/// What the principal has to do about a schedule now: fire it, at most so many instants at once, or delete it at its
/// end. Nothing when it is not due. Throws Error(invalid) where its zone is not known any more.
[[nodiscard]] std::optional<Verb> dueVerbOf(const ScheduleView& known, IncarnationID principal, std::int64_t now,
                                            std::size_t limit);

/// Whether it will not fire for more than an hour only because it has fired already by a clock that was set back.
[[nodiscard]] bool standsStill(const ScheduleRow& row, std::int64_t now);
/// Whether two are set alike.
[[nodiscard]] bool areAlike(const Schedule& one, const Schedule& other);

/// Applies what `change` makes of the schedule as it is stored; once more when somebody else was quicker, and when
/// nobody can say what became of it. Throws what `change` throws.
[[nodiscard]] Answer changeSchedule(JobStore& store, const std::string& name,
                                    const std::function<PutSchedule(const std::optional<ScheduleView>&)>& change);

}  // namespace v1
}  // namespace callsheet
