#include "jobs/attempt_end.h"

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

std::optional<Verb> failAlone(const Verb& end, const std::string& why) {
  const auto* fail = std::get_if<Fail>(&end);
  if (fail == nullptr || fail->then.empty()) return std::nullopt;
  Fail alone = *fail;
  alone.then.clear();
  alone.failure.message = (alone.failure.message + "; " + why).substr(0, limits::errorBytesMax);
  return alone;
}
const AttemptRef& attemptOf(const Verb& end) {
  if (const auto* verb = std::get_if<Succeed>(&end)) return verb->attempt;
  if (const auto* verb = std::get_if<Fail>(&end)) return verb->attempt;
  if (const auto* verb = std::get_if<Transfer>(&end)) return verb->attempt;
  if (const auto* verb = std::get_if<Suspend>(&end)) return verb->attempt;
  return std::get<Unclaim>(end).attempt;
}

std::optional<Verb> bareFailOf(const Verb& end, const std::string& why) {
  const auto* fail = std::get_if<Fail>(&end);
  const bool isBare = fail != nullptr && fail->failure.type == "refused" && fail->value.empty();
  if (isBare) return std::nullopt;
  Fail bare{attemptOf(end), {"refused", why, {}, {}}, false, 0, {}, {}};
  if (fail != nullptr) {
    bare.retryable = fail->retryable;
    bare.random = fail->random;
    bare.leastDelayMicros = fail->leastDelayMicros;
  }
  return bare;
}

}  // namespace v1
}  // namespace callsheet
