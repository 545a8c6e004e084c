#include "api/remote_claims.h"

#include <utility>

namespace callsheet {
inline namespace v1 {

namespace {
constexpr const char* executorName = "api";
}

RemoteClaims::RemoteClaims(StoreAccess& access, EventLoop& loop, ApiStore& store, LogSink log,
                           std::function<void()> onRing)
    : store_(store),
      log_(std::move(log)),
      register_([&access, &loop, onRing = std::move(onRing)] {
        return std::make_unique<ExecutorLife>(access, loop, executorName, std::vector<std::string>{}, onRing);
      }),
      life_(register_()),
      claimer_(life_->incarnation()) {}

void RemoteClaims::claim(std::vector<std::string> kinds, std::uint32_t max,
                         std::function<void(Claim::Answer)> answered) {
  Claim verb;
  verb.id = makeClaimID();
  verb.claimer = claimer_;
  verb.kinds = std::move(kinds);
  verb.max = max;
  verb.start = false;
  verb.remote = true;
  // What must run alone, because it took processes down, comes alone.
  verb.idle = true;
  const Claim kept = verb;
  store_.post(std::move(verb), [this, kept, answered = std::move(answered)](Claim::Answer answer) {
    const bool isFenced = answer.verdict == Verdict::fenced;
    if (isFenced && claimer_ == kept.claimer) renew();
    if (isFenced && claimer_ != kept.claimer) return claim(kept.kinds, kept.max, answered);
    answered(std::move(answer));
  });
}

void RemoteClaims::giveBack(const std::vector<Claim::Item>& items, const char* why) {
  for (const Claim::Item& item : items) store_.post(Unclaim{{item.row.id, item.row.execID, {}}, why});
}

/// Somebody closed this incarnation while the process stood still. It waits for a commit, which happens so seldom that
/// everybody may wait for it.
void RemoteClaims::renew() {
  if (!register_) return;
  try {
    life_ = register_();
    claimer_ = life_->incarnation();
  } catch (const Error& error) {
    if (log_) log_(LogLevel::warning, std::string("the API cannot register anew yet: ") + error.what());
  }
}

void RemoteClaims::close() {
  if (!life_) return;
  const std::string why = life_->close();
  if (!why.empty() && log_) log_(LogLevel::warning, "the API's incarnation was not closed: " + why);
}

}  // namespace v1
}  // namespace callsheet
