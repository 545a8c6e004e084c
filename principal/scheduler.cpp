#include "principal/scheduler.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "core/crash_point.h"
#include "core/each_schedule.h"
#include "core/schedule_changes.h"

namespace callsheet {
inline namespace v1 {

namespace {
// Few enough that a commit of them keeps nobody waiting.
constexpr std::size_t firingsAtOnce = 250;
constexpr std::size_t replannedAtOnce = 500;
constexpr std::size_t namedMax = 5;
constexpr std::int64_t hourMicros = 3'600'000'000;

FileDescriptor makeTimer() {
  FileDescriptor timer(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer.isOpen()) throw systemError("a timer for schedules cannot be made", errno);
  return timer;
}

std::int64_t wallMinusBootOf(const Moment& now) {
  return now.utcMicros - now.bootNanos / 1000;
}
}  // namespace

struct Scheduler::State {
  std::mutex mutex;
  EventLoop* loop = nullptr;  // guarded by mutex; null once the scheduler was stopped, as the next
  // The loop's thread only.
  Scheduler* scheduler = nullptr;
  bool isUnderWay = false;  // a commit of firings
  bool looksAgain = false;  // something came meanwhile
};

Scheduler::Scheduler(JobStore& store, EventLoop& loop, const Clock& clock, IncarnationID self, LogSink log)
    : store_(store),
      loop_(loop),
      clock_(clock),
      self_(self),
      log_(std::move(log)),
      troubles_(log_),
      state_(std::make_shared<State>()),
      timer_(makeTimer()) {}

Scheduler::~Scheduler() {
  stop();
}

void Scheduler::begin() {
  loop_.run([this] {
    state_->scheduler = this;
    state_->loop = &loop_;
    wallMinusBoot_ = wallMinusBootOf(clock_.now());
    replanAfter_.emplace();
    watch_ = loop_.watchFd(timer_.number(), [this] {
      // Both its time and the clock's being set (ECANCELED) are a reason to look, and nothing else is to be known.
      std::uint64_t rings = 0;
      static_cast<void>(::read(timer_.number(), &rings, sizeof rings));
      watchClock();
      look();
    });
    reportStandingStill("the clock is behind what they have fired already");
    look();
  });
}

void Scheduler::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->loop = nullptr;
  }
  const auto forget = [this] { state_->scheduler = nullptr; };
  if (!loop_.run(forget)) forget();  // the loop has ended
  watch_ = FdWatch{};
}

void Scheduler::tick() {
  broken_.clear();
  watchClock();
  troubles_.guard("computing when schedules fire", [this] { replanSome(); });
  look();
}

void Scheduler::look() {
  if (state_->scheduler == nullptr) return;
  if (state_->isUnderWay) {
    state_->looksAgain = true;
    return;
  }
  troubles_.guard("looking for schedules that are due", [this] { lookAtDue(); });
}

void Scheduler::lookAtDue() {
  const std::int64_t now = clock_.now().utcMicros;
  const DueSchedules due = store_.dueSchedules(now, firingsAtOnce + broken_.size());
  for (const std::string& name : due.unreadable)
    if (broken_.insert(name).second)
      troubles_.say(LogLevel::warning, std::string("schedule '")
                                           .append(name)
                                           .append("' cannot be read and fires no more; `callsheet schedule rm ")
                                           .append(name)
                                           .append("` removes it"));
  auto verbs = verbsFor(due, now);
  if (!verbs.empty()) return post(std::move(verbs));
  arm(due.nextAt);
}

std::vector<Verb> Scheduler::verbsFor(const DueSchedules& due, std::int64_t now) {
  std::vector<Verb> verbs;
  std::size_t room = firingsAtOnce;
  for (const ScheduleView& view : due.schedules) {
    if (room == 0) break;
    if (broken_.contains(view.row.name)) continue;
    try {
      auto verb = dueVerbOf(view, self_, now, room);
      if (!verb) continue;
      const auto* const fire = std::get_if<Fire>(&*verb);
      room -= std::min(room, fire == nullptr ? 1 : std::max<std::size_t>(fire->instants.size(), 1));
      verbs.push_back(std::move(*verb));
    } catch (const Error& error) {
      broken_.insert(view.row.name);
      troubles_.say(LogLevel::warning, "schedule '" + view.row.name + "' does not fire: " + error.what());
    }
  }
  return verbs;
}

void Scheduler::post(std::vector<Verb> verbs) {
  state_->isUnderWay = true;
  store_.post(std::move(verbs), JobStore::defaultPatience, [state = state_](std::vector<AnyAnswer> answers) {
    crashPoint("schedule.fired");
    const std::lock_guard lock(state->mutex);
    if (state->loop == nullptr) return;
    state->loop->post([state, answers = std::move(answers)] {
      state->isUnderWay = false;
      if (state->scheduler != nullptr) state->scheduler->answered(answers);
    });
  });
}

void Scheduler::answered(const std::vector<AnyAnswer>& answers) {
  bool looksAgain = std::exchange(state_->looksAgain, false);
  for (const AnyAnswer& any : answers) {
    const Answer& answer = baseOf(any);
    // A schedule that was changed or removed meanwhile is looked at anew.
    const bool isDone =
        isAccepted(answer.verdict) || answer.verdict == Verdict::conflict || answer.verdict == Verdict::notFound;
    if (isDone)
      looksAgain = true;
    else
      troubles_.say(LogLevel::warning, "a schedule did not fire and will be tried again: " + answer.why);
  }
  if (looksAgain) look();  // else at the next tick
}

void Scheduler::replanSome() {
  if (!replanAfter_ || state_->scheduler == nullptr || state_->isUnderWay) return;
  const auto some = store_.schedules(*replanAfter_, replannedAtOnce);
  std::vector<Verb> verbs;
  for (const ScheduleView& view : some) {
    const ScheduleRow& row = view.row;
    try {
      const std::int64_t next = nextFiring(view.settings.timing, row.cursor).value_or(never);
      if (next != row.next)
        verbs.emplace_back(Fire{self_, row.name, row.generation, row.revision, {}, 0, 0, row.cursor, next});
    } catch (const Error& error) {
      troubles_.say(LogLevel::warning, "schedule '" + row.name + "': " + error.what());
    }
  }
  if (some.size() < replannedAtOnce)
    replanAfter_.reset();
  else
    replanAfter_ = some.back().row.name;
  if (!verbs.empty()) post(std::move(verbs));
}

void Scheduler::arm(std::int64_t at) {
  // Far away stays armed too, so that setting the clock is noticed at once.
  constexpr std::int64_t farAway = std::int64_t{4'000'000'000} * 1'000'000;
  at = std::clamp<std::int64_t>(at, 1, farAway);
  itimerspec when{};
  when.it_value.tv_sec = at / 1'000'000;
  when.it_value.tv_nsec = at % 1'000'000 * 1000;
  if (::timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr) != 0 &&
      errno == ECANCELED)
    // It was set between two looks, and the timer stands all the same.
    watchClock();
}

void Scheduler::watchClock() {
  const std::int64_t difference = wallMinusBootOf(clock_.now());
  const std::int64_t step = difference - std::exchange(wallMinusBoot_, difference);
  if (step > -hourMicros) return;
  reportStandingStill("the clock was set back");
}

void Scheduler::reportStandingStill(const std::string& why) {
  troubles_.guard("looking for schedules that stand still", [&] {
    const std::int64_t now = clock_.now().utcMicros;
    std::string names;
    std::size_t count = 0;
    forEachSchedule(store_, [&](const ScheduleView& view) {
      if (!standsStill(view.row, now)) return;
      if (++count <= namedMax) names += (names.empty() ? "" : ", ") + view.row.name;
    });
    if (count == 0 || !log_) return;
    if (count > namedMax) names += " and " + std::to_string(count - namedMax) + " more";
    log_(LogLevel::warning,
         "schedules stand still, since " + why + ": " + names + "; `callsheet schedule reset NAME` has one begin anew");
  });
}

}  // namespace v1
}  // namespace callsheet
