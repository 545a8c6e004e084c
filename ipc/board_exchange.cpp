#include "ipc/board_exchange.h"

#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

#include "core/crash_point.h"
#include "core/fork_generation.h"
#include "ipc/board_bytes.h"
#include "ipc/linger.h"

namespace callsheet {
inline namespace v1 {

using detail::HalfWord;
using detail::PlaceBytes;
using detail::relaxed;

namespace {

// What a question has come to; the low bits of PlaceBytes::state. The owner makes idle and asked, of everything else
// but taken; who holds the write lock makes taken of asked, and afterwards, of taken, one of the last two.
enum class Phase : std::uint64_t { idle, asked, taken, answered, refused };

constexpr std::uint64_t phaseBits = 3;
constexpr std::uint64_t stateOf(std::uint64_t number, Phase phase) {
  return number << phaseBits | static_cast<std::uint64_t>(phase);
}
constexpr std::uint64_t numberOf(std::uint64_t state) {
  return state >> phaseBits;
}
constexpr Phase phaseOf(std::uint64_t state) {
  return static_cast<Phase>(state & ((1u << phaseBits) - 1));
}
constexpr std::uint64_t with(std::uint64_t state, Phase phase) {
  return stateOf(numberOf(state), phase);
}

constexpr std::int64_t patienceMin = 1'000'000;  // ns
constexpr std::int64_t patienceMax = 5'000'000;  // ns
constexpr std::int64_t settleMax = 200'000;      // ns from a commit to its answers, when nobody is in the way
constexpr std::uint64_t gapMax = 10'000'000;     // ns; who stays away longer is not expected in any case

std::int64_t monotonicNanos() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void futexWait(HalfWord& word, std::uint32_t seen, std::int64_t nanos) {
  const timespec limit{nanos / 1'000'000'000, nanos % 1'000'000'000};
  // Returns for a wake, another value, the limit or a signal: the caller looks again in any case.
  ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

void futexWake(HalfWord& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

/// The kernel may end a wait 50 us late, which is longer than most waits here. Restores what the thread had: it may be
/// the program's own.
class PunctualWaits {
 public:
  PunctualWaits() : before_(::prctl(PR_GET_TIMERSLACK)) { ::prctl(PR_SET_TIMERSLACK, 1000UL); }
  ~PunctualWaits() { ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(before_)); }
  PunctualWaits(const PunctualWaits&) = delete;
  PunctualWaits& operator=(const PunctualWaits&) = delete;

 private:
  const int before_;
};

/// Of four parts three from before.
void follow(detail::Word& mean, std::uint64_t value) {
  mean.store((3 * mean.load(relaxed) + value) / 4, relaxed);
}

}  // namespace

BoardExchange::BoardExchange(std::shared_ptr<detail::BoardMapping> mapping, std::size_t place, std::int64_t lingerMax)
    : mapping_(std::move(mapping)),
      board_(mapping_->bytes()),
      place_(place),
      lingerMax_(lingerMax),
      forkGeneration_(callsheet::forkGeneration()) {
  own().gapNanos.store(gapMax, relaxed);
}

BoardExchange::~BoardExchange() {
  if (forkGeneration_ == callsheet::forkGeneration()) own().slot.store(0, std::memory_order_release);
}

PlaceBytes& BoardExchange::own() {
  return board_.places[place_];
}

std::string_view BoardExchange::takeAnswer() {
  isAsking_ = false;
  own().state.store(with(own().state.load(relaxed), Phase::idle));
  const std::size_t size = own().answerBytes.load(relaxed);
  return {board_.pages[place_].answer.data(), std::min(size, detail::exchangedBytesMax)};
}

// ---- who needs a commit ---------------------------------------------------------------------------------------------

void BoardExchange::cameBack() {
  const std::uint64_t answeredAt = own().answeredAt.load(relaxed);
  const auto now = static_cast<std::uint64_t>(monotonicNanos());
  follow(own().gapNanos, std::min(now - answeredAt, gapMax));
}

bool BoardExchange::tryLead() {
  cameBack();
  std::uint64_t leader = 0;
  return board_.exchange.leader.compare_exchange_strong(leader, place_ + 1) || leader == place_ + 1;
}

bool BoardExchange::ask(std::string_view request) {
  PlaceBytes& place = own();
  if (isAsking_ || mustVoid_ || request.size() > detail::exchangedBytesMax) return false;
  isAsking_ = true;
  std::memcpy(board_.pages[place_].request.data(), request.data(), request.size());
  place.requestBytes.store(static_cast<std::uint32_t>(request.size()), relaxed);
  place.state.store(stateOf(numberOf(place.state.load(relaxed)) + 1, Phase::asked));
  crashPoint("exchange.asked");
  board_.exchange.arrivals.fetch_add(1);
  if (board_.exchange.isLingering.load() != 0) futexWake(board_.exchange.arrivals);
  return true;
}

std::int64_t BoardExchange::patience() const {
  return std::clamp(3 * static_cast<std::int64_t>(board_.exchange.commitNanos.load(relaxed)), patienceMin, patienceMax);
}

CommitExchange::Awaited BoardExchange::await(std::string_view& answer) {
  PlaceBytes& place = own();
  const std::int64_t until = monotonicNanos() + patience();
  for (;;) {
    const std::uint32_t bell = place.bell.load();
    const Phase phase = phaseOf(place.state.load());
    if (phase == Phase::answered) {
      answer = takeAnswer();
      return Awaited::answer;
    }
    if (phase == Phase::refused) {
      isAsking_ = false;
      return Awaited::nothing;
    }
    std::uint64_t nobody = 0;
    if (phase == Phase::asked && board_.exchange.leader.compare_exchange_strong(nobody, place_ + 1))
      return Awaited::turn;
    const std::int64_t left = until - monotonicNanos();
    if (left <= 0) return Awaited::nothing;
    futexWait(place.bell, bell, left);
  }
}

std::optional<CommitExchange::Outcome> BoardExchange::withdraw() {
  PlaceBytes& place = own();
  board_.exchange.leader.store(place_ + 1);  // whoever it said: the lock is here
  if (std::exchange(mustVoid_, false)) place.state.store(stateOf(numberOf(place.state.load()) + 1, Phase::idle));
  const std::int64_t until = monotonicNanos() + settleMax;
  for (;;) {
    const std::uint32_t bell = place.bell.load();
    std::uint64_t state = place.state.load();
    const Phase phase = phaseOf(state);
    if (phase == Phase::answered) return Outcome{true, takeAnswer()};
    if (phase == Phase::idle || phase == Phase::refused) {
      isAsking_ = false;
      return std::nullopt;
    }
    // Who took it and holds the lock no more is dead, or just about to answer.
    const std::int64_t left = phase == Phase::taken ? until - monotonicNanos() : 0;
    if (left > 0) {
      futexWait(place.bell, bell, left);
    } else if (place.state.compare_exchange_strong(state, with(state, Phase::idle))) {
      isAsking_ = false;
      if (phase == Phase::asked || place.answerTo.load() != numberOf(state)) return std::nullopt;
      return Outcome{false, takeAnswer()};
    }
  }
}

void BoardExchange::abandon() {
  mustVoid_ = true;
  isAsking_ = false;
}

// ---- who holds the write lock ---------------------------------------------------------------------------------------

std::optional<CommitExchange::Asked> BoardExchange::takeAny() {
  const std::size_t used = std::min<std::size_t>(board_.exchange.placesUsed.load(), detail::placeCount);
  for (std::size_t i = 0; i < used; ++i) {
    if (i == place_) continue;
    PlaceBytes& place = board_.places[i];
    std::uint64_t state = place.state.load();
    if (phaseOf(state) != Phase::asked) continue;
    const std::uint64_t taken = with(state, Phase::taken);
    if (!place.state.compare_exchange_strong(state, taken)) continue;
    taken_.push_back({i, taken, false});
    const std::size_t size = place.requestBytes.load(relaxed);
    return Asked{i, {board_.pages[i].request.data(), std::min(size, detail::exchangedBytesMax)}};
  }
  return std::nullopt;
}

std::optional<std::int64_t> BoardExchange::lingerUntil(std::int64_t now) const {
  Linger linger(lingerFrom_, static_cast<std::int64_t>(board_.exchange.commitNanos.load(relaxed)), lingerMax_);
  const std::size_t used = std::min<std::size_t>(board_.exchange.placesUsed.load(), detail::placeCount);
  for (std::size_t i = 0; i < used; ++i) {
    const PlaceBytes& place = board_.places[i];
    const Phase phase = phaseOf(place.state.load(relaxed));
    if (i == place_ || place.slot.load(relaxed) == 0 || phase == Phase::asked || phase == Phase::taken) continue;
    linger.expect(static_cast<std::int64_t>(place.answeredAt.load(relaxed)),
                  static_cast<std::int64_t>(place.gapNanos.load(relaxed)));
  }
  return linger.until(now);
}

std::optional<CommitExchange::Asked> BoardExchange::next() {
  for (;;) {
    const std::uint32_t arrivals = board_.exchange.arrivals.load();
    if (auto asked = takeAny()) return asked;
    const std::int64_t now = monotonicNanos();
    if (lingerFrom_ == 0) lingerFrom_ = now;
    const auto until = lingerUntil(now);
    if (!until) {
      commitFrom_ = now;
      return std::nullopt;
    }
    const PunctualWaits punctual;
    board_.exchange.isLingering.store(1);
    futexWait(board_.exchange.arrivals, arrivals, *until - now);
    board_.exchange.isLingering.store(0);
  }
}

void BoardExchange::answer(std::size_t place, std::string_view bytes) {
  const auto taken = std::find_if(taken_.begin(), taken_.end(), [&](const Taken& one) { return one.place == place; });
  if (taken == taken_.end() || bytes.size() > detail::exchangedBytesMax) return;
  std::memcpy(board_.pages[place].answer.data(), bytes.data(), bytes.size());
  board_.places[place].answerBytes.store(static_cast<std::uint32_t>(bytes.size()), relaxed);
  board_.places[place].answerTo.store(numberOf(taken->state));
  taken->hasAnswer = true;
}

void BoardExchange::settle(bool isDurable) {
  const auto now = static_cast<std::uint64_t>(monotonicNanos());
  if (isDurable && commitFrom_ != 0) follow(board_.exchange.commitNanos, now - static_cast<std::uint64_t>(commitFrom_));
  own().answeredAt.store(now, relaxed);
  for (Taken& taken : taken_) {
    PlaceBytes& place = board_.places[taken.place];
    place.answeredAt.store(now, relaxed);
    const Phase outcome = isDurable && taken.hasAnswer ? Phase::answered : Phase::refused;
    if (place.state.compare_exchange_strong(taken.state, with(taken.state, outcome))) ring(place);
  }
  taken_.clear();
  lingerFrom_ = 0;
  commitFrom_ = 0;
}

void BoardExchange::endLead() {
  std::uint64_t self = place_ + 1;
  board_.exchange.leader.compare_exchange_strong(self, 0);
  const std::size_t used = std::min<std::size_t>(board_.exchange.placesUsed.load(), detail::placeCount);
  for (std::size_t step = 1; step < used; ++step) {  // from the next one on, so that all get their turn
    PlaceBytes& place = board_.places[(place_ + step) % used];
    if (phaseOf(place.state.load()) == Phase::asked) return ring(place);
  }
}

void BoardExchange::ring(PlaceBytes& place) {
  place.bell.fetch_add(1);
  futexWake(place.bell);
}

}  // namespace v1
}  // namespace callsheet
