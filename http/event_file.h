#pragma once
#include <cstdint>
#include <string>

#include "core/schedule_row.h"

namespace callsheet {
inline namespace v1 {

/// Who keeps the schedules that are events.
inline constexpr const char* eventsKeeper = "events";
/// The label of such a schedule's jobs that names its file, below the folder.
inline constexpr const char* eventFileLabel = "event-file";

/// A schedule from the text of an event's file (docs/events.md): {"name", "flow": {"input", "version", "api"},
/// "schedule": {...}, "apiKeyEnv"}. `file` is its name below the folder; without a schedule it fires once, now. Throws
/// Error(invalid) that says what is wrong.
[[nodiscard]] Schedule scheduleOfEvent(const std::string& text, const std::string& file, std::int64_t now);

}  // namespace v1
}  // namespace callsheet
