#include "api/long_polls.h"

#include <algorithm>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {
using std::chrono::milliseconds;

// Long waits are cut: the wall clock may be set meanwhile, and the loop's clock stands still while the machine sleeps.
constexpr std::int64_t dueWaitMillisMax = 30'000;
// From so many on that wait, those who hung up are looked for.
constexpr std::size_t goneLookedForFrom = 256;
// Between looks that lead to nothing.
constexpr milliseconds restAfterNothing{1000};

Claim::Answer nothing() {
  Claim::Answer answer;
  answer.verdict = Verdict::ok;
  return answer;
}
}  // namespace

LongPolls::LongPolls(ApiStore& store, RemoteClaims& claims, EventLoop& loop, const Clock& clock, const LogSink& log)
    : store_(store),
      claims_(claims),
      clock_(clock),
      troubles_(log),
      dueTimer_(loop.makeTimer([this] { look(); })),
      endTimer_(loop.makeTimer([this] { expire(); })),
      restTimer_(loop.makeTimer([this] { look(); })) {}

void LongPolls::rest() {
  restTimer_.once(restAfterNothing);
}

void LongPolls::add(Poll poll) {
  const auto until = SteadyClock::now() + poll.timeout;
  for (const std::string& kind : poll.kinds) wanted_[kind] += poll.max;
  waiting_.push_back({std::move(poll), until, {}});
  look();
  if (waiting_.size() > goneLookedForFrom) forgetGone();
  endAt(until);
}

/// A client that hung up would keep its connection until its time is over; while many wait, room is made for others.
void LongPolls::forgetGone() {
  const auto now = SteadyClock::now();
  if (now < goneLookedForAt_ + restAfterNothing) return;
  goneLookedForAt_ = now;
  std::vector<std::function<void(Claim::Answer)>> gone;
  for (Place place = waiting_.begin(); place != waiting_.end();) {
    const Place here = place++;
    if (!here->reserved.empty() || !here->poll.isGone()) continue;
    gone.push_back(std::move(here->poll.feed));
    remove(here);
  }
  for (const auto& feed : gone) feed(nothing());
}

void LongPolls::endAt(SteadyClock::time_point until) {
  const auto now = SteadyClock::now();
  if (until <= now) return expire();
  if (until >= nearestEnd_) return;
  nearestEnd_ = until;
  endTimer_.once(std::chrono::ceil<milliseconds>(until - now));
}

void LongPolls::remove(Place place) {
  for (const std::string& kind : place->poll.kinds)
    if ((wanted_[kind] -= place->poll.max) == 0) wanted_.erase(kind);
  waiting_.erase(place);
}

void LongPolls::look() {
  ++looks_;
  if (!troubles_.guard("looking for what those who wait could have", [this] { lookNow(); })) rest();
}

void LongPolls::lookNow() {
  if (isStopped_ || waiting_.empty()) return;
  std::vector<std::string> kinds;
  std::size_t most = 1;
  for (const auto& [kind, count] : wanted_) {
    kinds.push_back(kind);
    most = std::max(most, count);
  }
  const Claimable claimable = store_.reads().claimable(kinds, std::min(most, limits::claimJobsMax));
  std::map<std::string, std::size_t> left;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto taken = reserved_.find(kinds[i]);
    const std::size_t gone = taken == reserved_.end() ? 0 : taken->second;
    if (claimable.counts[i] > gone) left[kinds[i]] = claimable.counts[i] - gone;
  }
  if (!left.empty()) feedFrom(std::move(left));
  if (claimable.nextDueAt > clock_.now().utcMicros) return setTimers(claimable.nextDueAt);
  if (isPromoting_) return;
  // Only when the due ones stand in the queue can it be seen whose they are.
  isPromoting_ = true;
  store_.post(Promote{principalOwner, limits::sliceRowsMax}, [this](const SweepAnswer& answer) {
    isPromoting_ = false;
    if (answer.moved > 0)
      look();
    else
      rest();
  });
}

void LongPolls::feedFrom(std::map<std::string, std::size_t> left) {
  for (Place place = waiting_.begin(); place != waiting_.end() && !left.empty();) {
    const Place here = place++;
    if (!here->reserved.empty()) continue;
    std::size_t wanted = here->poll.max;
    for (const std::string& kind : here->poll.kinds) {
      const auto there = left.find(kind);
      if (there == left.end() || wanted == 0) continue;
      const std::size_t taken = std::min(wanted, there->second);
      here->reserved[kind] += taken;
      wanted -= taken;
      if ((there->second -= taken) == 0) left.erase(there);
    }
    if (here->reserved.empty()) continue;
    if (!here->poll.isGone()) {
      claimFor(here);
      continue;
    }
    for (const auto& [kind, count] : here->reserved) left[kind] += count;
    const auto feed = std::move(here->poll.feed);
    remove(here);
    feed(nothing());
  }
}

void LongPolls::claimFor(Place place) {
  place->looks = looks_;
  for (const auto& [kind, count] : place->reserved) reserved_[kind] += count;
  claims_.claim(place->poll.kinds, place->poll.max,
                [this, place](Claim::Answer answer) { answered(place, std::move(answer)); });
}

void LongPolls::answered(Place place, Claim::Answer answer) {
  // Fenced: the API could not register anew yet, and tries again.
  const bool isOver = !answer.jobs.empty() || !(isAccepted(answer.verdict) || answer.verdict == Verdict::fenced);
  for (const auto& [kind, count] : place->reserved)
    if ((reserved_[kind] -= count) == 0) reserved_.erase(kind);
  place->reserved.clear();
  if (isOver) {
    const auto feed = std::move(place->poll.feed);
    remove(place);
    feed(std::move(answer));
    return look();
  }
  // Somebody else was faster, or it is nothing for us: not again before something happens, if it has not yet.
  if (place->looks != looks_)
    look();
  else
    rest();
  endAt(place->until);
}

void LongPolls::expire() {
  const auto now = SteadyClock::now();
  std::vector<std::function<void(Claim::Answer)>> over;
  nearestEnd_ = SteadyClock::time_point::max();
  for (Place place = waiting_.begin(); place != waiting_.end();) {
    const Place here = place++;
    // A claim that is under way is waited for: what it brings is this one's.
    if (!here->reserved.empty()) continue;
    if (here->until > now && !isStopped_) {
      nearestEnd_ = std::min(nearestEnd_, here->until);
      continue;
    }
    over.push_back(std::move(here->poll.feed));
    remove(here);
  }
  if (nearestEnd_ != SteadyClock::time_point::max()) endTimer_.once(std::chrono::ceil<milliseconds>(nearestEnd_ - now));
  for (const auto& feed : over) feed(nothing());
}

void LongPolls::setTimers(std::int64_t nextDueAt) {
  if (nextDueAt == never) return dueTimer_.cancel();
  const std::int64_t wait = std::max<std::int64_t>(0, nextDueAt - clock_.now().utcMicros) / 1000 + 1;
  dueTimer_.once(milliseconds(std::min(wait, dueWaitMillisMax)));
}

void LongPolls::stop() {
  isStopped_ = true;
  expire();
}

}  // namespace v1
}  // namespace callsheet
