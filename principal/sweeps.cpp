#include "principal/sweeps.h"

#include <algorithm>
#include <random>

#include "callsheet/limits.h"
#include "ipc/boot_clock.h"

namespace callsheet {
inline namespace v1 {

namespace {
constexpr std::uint64_t readerTicks = 5;
constexpr std::uint64_t tasksTicks = 5;
constexpr std::uint64_t pruneTicks = 60;

/// Posts a sweep unless its former slice is still under way, and again at once while there is more.
template <class Sweep>
void post(JobStore& store, const Sweep& sweep, const std::shared_ptr<std::atomic<bool>>& isUnderWay) {
  std::vector<Verb> verbs;
  verbs.emplace_back(sweep);
  store.post(std::move(verbs), std::chrono::seconds{10},
             [&store, sweep, isUnderWay](const std::vector<AnyAnswer>& answers) {
               const auto& answer = std::get<SweepAnswer>(answers.front());
               if (answer.verdict == Verdict::ok && answer.more) return post(store, sweep, isUnderWay);
               *isUnderWay = false;
             });
}
}  // namespace

Sweeps::Sweeps(LmdbJobStore& store, const StoreDirectory& directory, Board& board, IncarnationID self, Options options)
    : store_(store),
      board_(board),
      self_(self),
      options_(std::move(options)),
      troubles_(options_.log),
      leases_(options_.lease, period),
      tasks_(store, directory, options_.log) {}

void Sweeps::tick() {
  ++ticks_;
  troubles_.guard("looking for attempts whose time is over", [this] { expire(); });
  if (ticks_ % readerTicks == 0)
    troubles_.guard("freeing the snapshots of dead readers", [this] { store_.clearDeadReaders(); });
  // At the first tick too: by then the jobs of those who died before the start have mostly been adopted.
  if (ticks_ % tasksTicks == 1) troubles_.guard("looking for what commands left running", [this] { tasks_.look(); });
  if (ticks_ % pruneTicks == 1) prune();
  troubles_.guard("looking for hung directors", [this] { findHung(); });
}

void Sweeps::expire() {
  if (!store_.hasPassedDeadline() || isExpiring_->exchange(true)) return;
  post(store_, Expire{limits::sliceRowsMax, std::random_device{}()}, isExpiring_);
}

void Sweeps::prune() {
  if (options_.keepDoneFor.count() == 0 && options_.keepDoneCount == 0) return;
  if (isPruning_->exchange(true)) return;
  post(store_, Prune{options_.keepDoneFor.count(), options_.keepDoneCount, limits::sliceRowsMax}, isPruning_);
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
