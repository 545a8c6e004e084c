#include "api/expiry.h"

#include <algorithm>
#include <random>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

namespace {
using std::chrono::milliseconds;

// Long waits are cut: the loop's clock stands still while the machine sleeps, that of deadlines does not.
constexpr std::int64_t waitMillisMax = 30'000;
constexpr milliseconds restAfterFailure{1000};
}  // namespace

Expiry::Expiry(ApiStore& store, EventLoop& loop, const Clock& clock, const LogSink& log)
    : store_(store), clock_(clock), troubles_(log), timer_(loop.makeTimer([this] { look(); })) {}

void Expiry::heard(const JobRow& row) {
  if (row.deadlineNanos != 0 && row.deadlineNanos < armedFor_) arm(row.deadlineNanos);
}

void Expiry::look() {
  if (isUnderWay_) return;
  armedFor_ = never;
  if (!troubles_.guard("looking for attempts whose time is over", [this] { lookNow(); })) timer_.once(restAfterFailure);
}

void Expiry::lookNow() {
  const std::int64_t next = store_.reads().nextDeadline();
  if (next == never) return timer_.cancel();
  if (next >= clock_.now().bootNanos) return arm(next);
  isUnderWay_ = true;
  store_.post(Expire{limits::sliceRowsMax, std::random_device{}()}, [this](const SweepAnswer& answer) {
    isUnderWay_ = false;
    if (isAccepted(answer.verdict)) return look();
    armedFor_ = never;
    timer_.once(restAfterFailure);
  });
}

void Expiry::arm(std::int64_t deadline) {
  armedFor_ = deadline;
  // Behind it, as a deadline has passed only then.
  const std::int64_t wait = std::max<std::int64_t>(0, deadline - clock_.now().bootNanos) / 1'000'000 + 1;
  timer_.once(milliseconds(std::min(wait, waitMillisMax)));
}

}  // namespace v1
}  // namespace callsheet
