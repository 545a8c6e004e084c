#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "callsheet/log.h"
#include "core/clock.h"
#include "core/job_store.h"
#include "core/once_per_sentence.h"
#include "ipc/event_loop.h"
#include "ipc/file_descriptor.h"

namespace callsheet {
inline namespace v1 {

/// Fires the schedules of a store when they are due. All that it knows stands in the store: whoever dies, and however
/// the clock jumps, the next look finds what is due and what was missed. Lives on the loop's thread.
class Scheduler {
 public:
  /// `clock` must be the store's.
  Scheduler(JobStore& store, EventLoop& loop, const Clock& clock, IncarnationID self, LogSink log);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Begins to wait for what is due; on any thread.
  void begin();
  /// Fires what is due, and has the timer ring for what is next. Cheap when nothing is.
  void look();
  /// Every second or so: looks, and sees whether the clock was set.
  void tick();
  /// Fires nothing more; on any thread.
  void stop();

 private:
  struct State;
  void lookAtDue();
  /// Verbs for what is due, at most some hundred firings.
  [[nodiscard]] std::vector<Verb> verbsFor(const DueSchedules& due, std::int64_t now);
  void post(std::vector<Verb> verbs);
  void answered(const std::vector<AnyAnswer>& answers);
  /// Computes again when some of the schedules fire: the rules of a time zone may have changed since.
  void replanSome();
  void arm(std::int64_t at);
  void watchClock();
  void reportStandingStill(const std::string& why);

  JobStore& store_;
  EventLoop& loop_;
  const Clock& clock_;
  const IncarnationID self_;
  const LogSink log_;
  OncePerSentence troubles_;
  std::shared_ptr<State> state_;  // shared with the answers that are still to come
  FileDescriptor timer_;
  FdWatch watch_;
  std::set<std::string> broken_;            // cannot be planned; tried again at the next tick
  std::optional<std::string> replanAfter_;  // where replanning goes on; nothing: it is done
  std::int64_t wallMinusBoot_ = 0;          // us; it moves when the clock is set
};

}  // namespace v1
}  // namespace callsheet
