#include "principal/sweeps.h"

#include <algorithm>
#include <random>

#include "callsheet/limits.h"
#include "ipc/boot_clock.h"
#include "ipc/pidfd.h"
#include "ipc/presence_lock.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::uint64_t readerTicks = 5;
constexpr std::uint64_t tasksTicks = 5;
constexpr std::uint64_t pruneTicks = 60;
constexpr std::uint64_t laningTicks = 8;

/// Posts a sweep unless its former slice is still under way, and again at once while there is more.
template <class Sweep>
void post(JobStore& store, const Sweep& sweep, const std::shared_ptr<std::atomic<bool>>& isUnderWay) {
  std::vector<Verb> verbs;
  verbs.emplace_back(sweep);
  store.post(std::move(verbs), std::chrono::seconds{10},
             [&store, sweep, isUnderWay](const std::vector<AnyAnswer>& answers) {
               const auto& answer = std::get<SweepAnswer>(answers.front());
               if (answer.verdict == Verdict::ok && answer.more) {
                 Sweep next = sweep;
                 if constexpr (std::is_same_v<Sweep, Prune>) next.from = answer.next;
                 return post(store, next, isUnderWay);
               }
               *isUnderWay = false;
             });
}
}  // namespace

Sweeps::Sweeps(const StoreDirectory& directory, LmdbJobStore& store, Board& board, IncarnationID self, Options options)
    : directory_(directory),
      store_(store),
      board_(board),
      self_(self),
      options_(std::move(options)),
      troubles_(options_.log),
      leases_(options_.lease, period),
      stoppedReaders_(options_.readerLimit, period),
      tasks_(store, directory, options_.log) {}

void Sweeps::tick() {
  ++ticks_;
  troubles_.guard("looking for attempts whose time is over", [this] { expire(); });
  troubles_.guard("freeing the snapshots of dead and stopped readers", [this] { freeReaders(); });
  // At the first tick too: by then the jobs of those who died before the start have mostly been adopted.
  if (ticks_ % tasksTicks == 1) troubles_.guard("looking for what commands left running", [this] { tasks_.look(); });
  if (ticks_ % pruneTicks == 1) prune();
  if (ticks_ % laningTicks == 1)
    troubles_.guard("looking whether jobs have to be put into lanes", [this] { relane(); });
  troubles_.guard("looking for hung directors", [this] { findHung(); });
}

void Sweeps::expire() {
  if (!store_.hasPassedDeadline() || isExpiring_->exchange(true)) return;
  post(store_, Expire{limits::sliceRowsMax, std::random_device{}()}, isExpiring_);
}

void Sweeps::relane() {
  if (!store_.hasOpenLaning() || isLaning_->exchange(true)) return;
  post(store_, Relane{limits::sliceRowsMax}, isLaning_);
}

void Sweeps::prune() {
  if (options_.keepDoneFor.count() == 0 && options_.keepDoneCount == 0) return;
  if (isPruning_->exchange(true)) return;
  post(store_, Prune{options_.keepDoneFor.count(), options_.keepDoneCount, limits::sliceRowsMax}, isPruning_);
}

void Sweeps::freeReaders() {
  // Its slot is freed at the next look, after its death.
  if (ticks_ % readerTicks == 0 || !toldReaders_.empty()) store_.clearDeadReaders();
  std::set<pid_t> standing;
  for (const auto& reader : stoppedReaders_.look(nowNanos(), store_.sequence(), store_.readers())) {
    const bool kills = mayKill(reader);
    standing.insert(reader.pid);
    if (options_.log && !toldReaders_.contains(reader.pid))
      options_.log(LogLevel::warning, "process " + std::to_string(reader.pid) + " (state " + reader.processLetter +
                                          ") was stopped while it read, so that the store's file grows; it is " +
                                          (kills ? "killed" : "not killed"));
    if (kills) killThroughPidfd(reader.pid, reader.startTime);
  }
  toldReaders_ = std::move(standing);
}

/// Only a process of ours, which says so itself by its presence or on the board, and does not forbid it there.
bool Sweeps::mayKill(const StoppedReaders::Found& reader) const {
  const auto entries = board_.snapshot();
  const auto isIt = [&](const auto& one) { return one.pid == reader.pid && one.startTime == reader.startTime; };
  if (std::any_of(entries.begin(), entries.end(), [&](const auto& one) { return isIt(one) && !one.mayBeKilled; }))
    return false;
  if (std::any_of(entries.begin(), entries.end(), isIt)) return true;
  const auto presences = listPresences(directory_);
  return std::any_of(presences.begin(), presences.end(),
                     [&](const Presence& one) { return one.held && isIt(one.info); });
}

void Sweeps::findHung() {
  const auto entries = board_.snapshot();
  const auto standing = leases_.tick(nowNanos(), entries);
  if (standing.empty()) return;
  // A dead one's line stands still too; the dead are adopted by their locks, not by their leases.
  if (board_.freeDeadSlots() > 0) return;
  const auto rows = store_.incarnations();
  for (const IncarnationID incarnation : standing) {
    const bool isOpen =
        std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.id == incarnation && row.isOpen(); });
    if (incarnation == self_ || !isOpen) continue;
    if (options_.log)
      options_.log(LogLevel::warning,
                   "director " + incarnation.toString() + " lives but stood still for its whole lease; it is fenced");
    options_.onHung(incarnation);
  }
}

}  // namespace v1
}  // namespace callsheet
