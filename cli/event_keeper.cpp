#include "cli/event_keeper.h"

#include <chrono>
#include <set>

#include "cli/event_folder.h"
#include "core/clock.h"
#include "core/each_schedule.h"
#include "core/schedule_changes.h"
#include "http/event_file.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::chrono::seconds period{1};

std::int64_t utcNow() {
  return SystemClock().now().utcMicros;
}

/// Collected first: some of them will be deleted.
std::vector<ScheduleView> keptSchedules(JobStore& store) {
  std::vector<ScheduleView> kept;
  forEachSchedule(store, [&](ScheduleView& view) {
    if (view.settings.keeper == eventsKeeper) kept.push_back(std::move(view));
  });
  return kept;
}
}  // namespace

EventKeeper::EventKeeper(JobStore& store, std::string folder, LogSink log)
    : store_(store), folder_(std::move(folder)), log_(std::move(log)), troubles_(log_), thread_([this] { run(); }) {}

EventKeeper::~EventKeeper() {
  {
    const std::lock_guard lock(mutex_);
    isStopping_ = true;
  }
  stopping_.notify_all();
  thread_.join();
}

void EventKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!isStopping_) {
    lock.unlock();
    troubles_.guard("reading the folder of events", [this] { look(); });
    lock.lock();
    stopping_.wait_for(lock, period, [this] { return isStopping_; });
  }
}

void EventKeeper::look() {
  std::string now = fingerprintOfEvents(folder_);
  if (now == seen_) return;
  keepAsFilesSay();
  seen_ = std::move(now);  // what changed meanwhile is seen at the next look
}

void EventKeeper::keepAsFilesSay() {
  std::set<std::string> wanted;
  std::set<std::string> invalid;  // files
  for (const EventFile& event : readEvents(folder_, utcNow())) {
    if (!event.schedule) {
      invalid.insert(event.file);
      troubles_.say(LogLevel::warning, "event file " + event.file + " is passed over: " + event.why);
      continue;
    }
    wanted.insert(event.schedule->name);
    put(*event.schedule);
  }
  for (const ScheduleView& view : keptSchedules(store_)) {
    const auto& labels = view.settings.job.body.labels;
    const auto file = labels.find(eventFileLabel);
    if (wanted.contains(view.row.name) || (file != labels.end() && invalid.contains(file->second))) continue;
    const Answer answer = store_.applySurely(DeleteSchedule{view.row.name, view.row.revision, true});
    if (log_ && isAccepted(answer.verdict)) log_(LogLevel::info, "event '" + view.row.name + "' is gone");
  }
}

void EventKeeper::put(const Schedule& wanted) {
  const auto change = [&](const std::optional<ScheduleView>& known) {
    return putOf(known, wanted, known && known->row.isPaused, utcNow());
  };
  const auto known = store_.schedule(wanted.name);
  if (known && known->settings.keeper != eventsKeeper)
    return troubles_.say(
        LogLevel::warning,
        "the event '" + wanted.name + "' is passed over: there is a schedule of that name, which is no event");
  if (known && areAlike(*change(known).schedule, known->settings)) return;
  const Answer answer = changeSchedule(store_, wanted.name, change);
  if (!isAccepted(answer.verdict))
    return troubles_.say(LogLevel::warning, "the event '" + wanted.name + "' was not stored: " + answer.why);
  const auto view = store_.schedule(wanted.name);
  if (!view || !log_) return;
  const bool neverFires = view->row.next == never && view->row.fired == 0;
  log_(neverFires ? LogLevel::warning : LogLevel::info,
       "event '" + wanted.name + "' " + (known ? "was changed" : "is new") + (neverFires ? "; it never fires" : ""));
}

}  // namespace v1
}  // namespace callsheet
