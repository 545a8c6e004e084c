#include "core/outcome_of_exception.h"

#include <algorithm>

#include "callsheet/limits.h"

namespace callsheet {
inline namespace v1 {

detail::NodeOutcome outcomeOfException(const std::string& origin, const JobErrorTypes& errors) {
  detail::NodeOutcome outcome;
  JobFailure& failure = outcome.failure;
  try {
    if (auto known = errors.describe(std::current_exception())) {
      failure = std::move(known->failure);
      outcome.retryable = known->isRetryable;
    } else {
      throw;
    }
  } catch (const JobError& error) {
    failure = {error.type(), error.what(), error.origin(), error.payload()};
    outcome.retryable = error.isRetryable();
    outcome.leftover = error.result();
    outcome.leastDelay = error.leastDelay();
  } catch (const std::exception& error) {
    failure = {"error", error.what(), {}, {}};
  } catch (...) {
    failure = {"error", "something that is not a std::exception was thrown", {}, {}};
  }
  if (failure.origin.empty()) failure.origin = origin;
  if (failure.type.empty()) failure.type = "error";
  failure.message.resize(std::min(failure.message.size(), limits::errorBytesMax));
  return outcome;
}

}  // namespace v1
}  // namespace callsheet
