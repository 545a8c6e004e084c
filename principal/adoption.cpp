#include "principal/adoption.h"

#include <condition_variable>
#include <mutex>
#include <random>
#include <set>

#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "core/once_per_sentence.h"

namespace callsheet {
inline namespace v1 {

/// Shared with the commits under way, which may outlive a look.
struct Adoption::State {
  State(JobStore& theStore, IncarnationID theSelf, LogSink theLog)
      : store(theStore), self(theSelf), log(std::move(theLog)), troubles(log) {}

  void say(LogLevel level, const std::string& sentence) const {
    if (log) log(level, sentence);
  }
  void close(const std::shared_ptr<State>& state, IncarnationID incarnation, Closing how,
             const std::shared_ptr<DeadPresence>& presence);
  void slice(const std::shared_ptr<State>& state, IncarnationID incarnation,
             const std::shared_ptr<DeadPresence>& presence, std::uint64_t moved);
  void sliced(const std::shared_ptr<State>& state, IncarnationID incarnation,
              const std::shared_ptr<DeadPresence>& presence, std::uint64_t moved, const Adopt::Answer& answer);
  void end(IncarnationID incarnation);
  [[nodiscard]] Adopt sliceOf(IncarnationID incarnation) {
    return Adopt{incarnation, self, limits::sliceRowsMax, static_cast<std::uint32_t>(random())};
  }

  JobStore& store;
  const IncarnationID self;
  const LogSink log;
  OncePerSentence troubles;
  std::mutex mutex;
  std::condition_variable changed;
  std::set<IncarnationID> underWay;  // guarded by mutex
  bool isStopping = false;           // guarded by mutex
  std::random_device random;
};

void Adoption::State::end(IncarnationID incarnation) {
  const std::lock_guard lock(mutex);
  underWay.erase(incarnation);
  changed.notify_all();
}

void Adoption::State::close(const std::shared_ptr<State>& state, IncarnationID incarnation, Closing how,
                            const std::shared_ptr<DeadPresence>& presence) {
  std::vector<Verb> verbs;
  verbs.emplace_back(CloseIncarnation{incarnation, how, self});
  verbs.emplace_back(sliceOf(incarnation));
  store.post(std::move(verbs), JobStore::defaultPatience,
             [state, incarnation, how, presence](const std::vector<AnyAnswer>& answers) {
               const Answer& closed = baseOf(answers[0]);
               crashPoint("adopt.closed");
               if (closed.verdict == Verdict::ok)
                 state->say(LogLevel::info, "director " + incarnation.toString() + " " + std::string(toString(how)) +
                                                "; its jobs are adopted");
               state->sliced(state, incarnation, presence, 0, std::get<Adopt::Answer>(answers[1]));
             });
}

void Adoption::State::slice(const std::shared_ptr<State>& state, IncarnationID incarnation,
                            const std::shared_ptr<DeadPresence>& presence, std::uint64_t moved) {
  std::vector<Verb> verbs;
  verbs.emplace_back(sliceOf(incarnation));
  store.post(std::move(verbs), JobStore::defaultPatience,
             [state, incarnation, presence, moved](const std::vector<AnyAnswer>& answers) {
               state->sliced(state, incarnation, presence, moved, std::get<Adopt::Answer>(answers[0]));
             });
}

void Adoption::State::sliced(const std::shared_ptr<State>& state, IncarnationID incarnation,
                             const std::shared_ptr<DeadPresence>& presence, std::uint64_t moved,
                             const Adopt::Answer& answer) {
  crashPoint("adopt.sliced");
  moved += answer.moved;
  bool goesOn = answer.verdict == Verdict::ok && answer.more;
  {
    const std::lock_guard lock(mutex);
    goesOn = goesOn && !isStopping;
  }
  if (goesOn) return slice(state, incarnation, presence, moved);
  // Without a row it was a process that only submitted or read: there is nothing to adopt, and its presence may go.
  const bool isEmptied = (answer.verdict == Verdict::ok && !answer.more) || answer.verdict == Verdict::notFound;
  if (presence && isEmptied) presence->unlink();
  if (moved > 0) say(LogLevel::info, std::to_string(moved) + " jobs of " + incarnation.toString() + " were adopted");
  if (!isEmptied && answer.verdict != Verdict::ok)
    troubles.say(LogLevel::warning,
                 "adopting from " + incarnation.toString() + " did not succeed and will be tried again: " + answer.why);
  end(incarnation);
}

Adoption::Adoption(JobStore& store, EventLoop& loop, const StoreDirectory& directory, IncarnationID self, LogSink log)
    : directory_(directory), loop_(loop), state_(std::make_shared<State>(store, self, std::move(log))) {}

Adoption::~Adoption() {
  stop();
}

void Adoption::take(IncarnationID incarnation, Closing how, const std::shared_ptr<DeadPresence>& presence) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->isStopping || !state_->underWay.insert(incarnation).second) return;
  }
  state_->close(state_, incarnation, how, presence);
}

void Adoption::begin() {
  removeAbandonedPresences(directory_);
  watcher_ = std::make_unique<PresenceWatcher>(loop_, directory_, [this](DeadPresence presence) {
    const IncarnationID incarnation = presence.incarnation();
    take(incarnation, Closing::died, std::make_shared<DeadPresence>(std::move(presence)));
  });
  watcher_->rescan();
}

void Adoption::lookAtRows() {
  const std::uint64_t closures = state_->store.totals().closures;
  for (const IncarnationRow& row : state_->store.incarnations()) {
    if (row.id == state_->self || row.emptied) continue;
    if (!row.isOpen())
      take(row.id, row.closing, nullptr);
    else if (presenceStateOf(directory_, row.id) == PresenceState::absent)
      take(row.id, Closing::died, nullptr);  // it is made before the row and used once: nobody will ever hold it
  }
  closuresSeen_ = closures;
}

void Adoption::lookAround() {
  if (!watcher_) return;
  watcher_->rescan();
  lookAtRows();
}

void Adoption::lookAfterRing() {
  if (!watcher_) return;
  watcher_->rescanIfChanged();
  if (state_->store.totals().closures != closuresSeen_) lookAtRows();
}

void Adoption::fence(IncarnationID incarnation) {
  take(incarnation, Closing::hung, nullptr);
}

void Adoption::stop() {
  watcher_.reset();
  std::unique_lock lock(state_->mutex);
  state_->isStopping = true;
  state_->changed.wait(lock, [this] { return state_->underWay.empty(); });
}

}  // namespace v1
}  // namespace callsheet
