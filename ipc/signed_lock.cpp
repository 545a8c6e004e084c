#include "ipc/signed_lock.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <thread>

#include "callsheet/errors.h"
#include "ipc/pidfd.h"
#include "ipc/presence_info.h"
#include "ipc/process_state.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// Written and wiped in one piece, so that nobody reads half a text. As long as anybody is named, it is the holder: the
// text is written behind the locking and wiped before the unlocking, and who dies in between is dead.
constexpr std::size_t textBytes = 512;
constexpr std::string_view spared = "mayBeKilled=no\n";
constexpr milliseconds retryPeriod{20};
// A process with much memory lets go late.
constexpr milliseconds dyingPatience{2000};

struct Holder {
  PresenceInfo info;
  bool mayBeKilled = true;
};

// Nothing when it does not say, or is a process of which nothing can be known from here.
std::optional<Holder> readHolder(int file) {
  char bytes[textBytes];
  const ssize_t size = ::pread(file, bytes, sizeof bytes, 0);
  const std::string_view text(bytes, size > 0 ? static_cast<std::size_t>(size) : 0);
  Holder holder{PresenceInfo::parse(text), text.find(spared) == std::string_view::npos};
  if (holder.info.pid == 0 || holder.info.pidNamespace != pidNamespaceInode()) return std::nullopt;
  return holder;
}

/// How long one and the same holder has stood stopped under the eyes of a waiter that was awake itself.
class StandingStill {
 public:
  void look(const std::optional<Holder>& holder, milliseconds awake) {
    const auto state = holder ? processState(holder->info.pid) : std::nullopt;
    const bool isStopped = state && state->startTime == holder->info.startTime && state->isStoppedOrTraced();
    const bool isSame = isStopped && seen_ && seen_->pid == holder->info.pid && seen_->startTime == state->startTime;
    lasted_ = isSame ? lasted_ + awake : milliseconds{0};
    seen_ = isStopped ? std::optional(holder->info) : std::nullopt;
  }
  [[nodiscard]] bool hasLasted(milliseconds limit) const { return seen_.has_value() && lasted_ >= limit; }

 private:
  std::optional<PresenceInfo> seen_;
  milliseconds lasted_{0};
};

[[noreturn]] void giveUp(const StoreDirectory& store, const char* path, const std::optional<Holder>& holder) {
  const std::string who = holder ? "process " + std::to_string(holder->info.pid) : "a process";
  throw Error(ErrorKind::unavailable, who + " does not let go of " + store.path(path) +
                                          ", which should take no time; if it is stopped, continue or end it" +
                                          (holder ? "" : "; `fuser` on that file names it"));
}

}  // namespace

SignedLock SignedLock::acquire(const StoreDirectory& store, const char* path, const Rule& rule) {
  OfdLock lock = OfdLock::open(store.descriptor(), path);
  StandingStill standing;
  milliseconds patience = rule.patience;
  bool wasKilled = false;
  auto last = SteadyClock::now();
  milliseconds waited{0};
  for (unsigned attempt = 0; !lock.tryLock(); ++attempt) {
    std::this_thread::sleep_for(std::max(retryDelay(attempt), milliseconds{1}));
    const auto now = SteadyClock::now();
    // A longer gap is our own sleep, which counts against nobody.
    const auto awake = std::min(std::chrono::duration_cast<milliseconds>(now - last), 2 * retryPeriod);
    last += std::chrono::duration_cast<milliseconds>(now - last);
    waited += awake;
    const auto holder = readHolder(lock.descriptor());
    standing.look(holder, awake);
    if (!wasKilled && standing.hasLasted(rule.stoppedLimit) && holder->mayBeKilled) {
      wasKilled = killThroughPidfd(holder->info.pid, holder->info.startTime);
      patience = waited + dyingPatience;
    }
    if (waited >= patience) giveUp(store, path, holder);
  }
  std::string text = PresenceInfo::ofThisProcess({}, "holder").toText({});
  if (!rule.mayBeKilled) text += spared;
  text.resize(textBytes, '\n');
  // What cannot be written, on a full disk, names nobody.
  static_cast<void>(!::pwrite(lock.descriptor(), text.data(), text.size(), 0));
  return SignedLock(std::move(lock));
}

SignedLock::~SignedLock() {
  if (!lock_.isHeld()) return;
  const std::string nobody(textBytes, '\n');
  static_cast<void>(!::pwrite(lock_.descriptor(), nobody.data(), nobody.size(), 0));
}

}  // namespace v1
}  // namespace callsheet
