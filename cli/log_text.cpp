#include "cli/log_text.h"

#include <fmt/format.h>

#include "callsheet/limits.h"
#include "cli/terminal.h"
#include "core/duration_text.h"

namespace callsheet {
inline namespace v1 {

std::string logLine(const LogEntry& entry, const OwnerNames& names) {
  std::string state(toString(entry.after));
  if (entry.waitingFor != WaitReason::none) state += "/" + std::string(toString(entry.waitingFor));
  std::string line = fmt::format("{}  {:<16} {:<16}", formatUtc(entry.at), toString(entry.move), state);
  if (entry.attempt > 0) line += fmt::format(" attempt {}", entry.attempt);
  if (!entry.actor.isNil()) line += " by " + names.nameOf(IncarnationID{entry.actor});
  if (entry.timer != 0) line += (entry.after == JobState::ready ? " due since " : " until ") + formatUtc(entry.timer);
  if (!entry.note.empty()) line += ": " + printable(entry.note);
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::vector<LogEntry> readWholeLog(JobStore& store, JobID id, std::uint32_t from) {
  std::vector<LogEntry> all;
  for (;;) {
    auto part = store.readLog(id, from, limits::pageRowsMax);
    if (part.empty()) return all;
    from = part.back().index + 1;
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
}

}  // namespace v1
}  // namespace callsheet
