#include "director/stopped_writer_watch.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "ipc/boot_clock.h"

namespace callsheet {
inline namespace v1 {

namespace {
StoppedWriter::Rule ruleOf(std::chrono::milliseconds limit, std::chrono::milliseconds period) {
  StoppedWriter::Rule rule;
  rule.actAfter = limit;
  rule.period = period;
  return rule;
}
}  // namespace

StoppedWriterWatch::StoppedWriterWatch(const Board& board, std::chrono::milliseconds limit,
                                       std::chrono::milliseconds period, LogSink log)
    : board_(board), log_(std::move(log)), rule_(ruleOf(limit, period)) {}

void StoppedWriterWatch::tick(bool answersForAll) {
  const auto entries = board_.snapshot();
  const pid_t self = ::getpid();
  const bool isWaiting = std::any_of(entries.begin(), entries.end(), [&](const BoardEntry& entry) {
    return entry.writerState == WriterState::wants && (answersForAll || entry.pid == self);
  });
  const StoppedWriterVerdict verdict = rule_.look(nowNanos(), isWaiting, entries);
  if (verdict.action == StoppedWriterVerdict::Action::nothing) return;
  const std::string who = "process " + std::to_string(verdict.pid) + " (state " + verdict.processLetter + ")";
  if (verdict.action == StoppedWriterVerdict::Action::report) {
    if (log_) log_(LogLevel::warning, who + " holds the store's write lock and does not move; it is not killed");
    return;
  }
  if (log_) log_(LogLevel::error, who + " was stopped inside a write and holds up everybody; it is killed");
  carryOut(verdict);
}

}  // namespace v1
}  // namespace callsheet
