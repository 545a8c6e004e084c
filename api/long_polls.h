#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "api/remote_claims.h"
#include "core/once_per_sentence.h"

namespace callsheet {
inline namespace v1 {

/// Those who wait for jobs. What becomes ready wakes as many of them as it can feed, who waited longest first; nobody
/// else claims, and nothing ticks while nothing happens. Lives on the loop's thread.
class LongPolls {
 public:
  struct Poll {
    std::vector<std::string> kinds;
    std::uint32_t max = 1;
    std::chrono::milliseconds timeout{0};
    std::function<bool()> isGone;  ///< asked before a claim is made for it
    /// Once: what was claimed for it, nothing when its time is over, or a refusal.
    std::function<void(Claim::Answer)> feed;
  };

  LongPolls(ApiStore& store, RemoteClaims& claims, EventLoop& loop, const Clock& clock, const LogSink& log);
  /// Looks at once whether there is something for it.
  void add(Poll poll);
  /// Something may have become ready.
  void look();
  /// Feeds all with nothing.
  void stop();

 private:
  using SteadyClock = std::chrono::steady_clock;
  struct Waiting {
    Poll poll;
    SteadyClock::time_point until;
    std::map<std::string, std::size_t> reserved;  ///< what the claim under way for it counts on; empty: none is
    std::uint64_t looks = 0;                      ///< how often had been looked when that was posted
  };
  using Place = std::list<Waiting>::iterator;

  /// What there is for those who wait and have no claim under way, by kind.
  void feedFrom(std::map<std::string, std::size_t> left);
  void lookNow();
  void rest();
  void forgetGone();
  void remove(Place place);
  void claimFor(Place place);
  void answered(Place place, Claim::Answer answer);
  /// Has expire() called when that time has come.
  void endAt(SteadyClock::time_point until);
  void expire();
  void setTimers(std::int64_t nextDueAt);

  ApiStore& store_;
  RemoteClaims& claims_;
  const Clock& clock_;
  OncePerSentence troubles_;
  std::list<Waiting> waiting_;                                           // by when they came
  std::map<std::string, std::size_t> wanted_;                            // by kind: how many jobs they would take
  std::map<std::string, std::size_t> reserved_;                          // by kind: what the claims under way count on
  SteadyClock::time_point nearestEnd_ = SteadyClock::time_point::max();  // that the timer is set for
  bool isPromoting_ = false;
  bool isStopped_ = false;
  std::uint64_t looks_ = 0;
  SteadyClock::time_point goneLookedForAt_{};
  Timer dueTimer_;
  Timer endTimer_;
  Timer restTimer_;
};

}  // namespace v1
}  // namespace callsheet
