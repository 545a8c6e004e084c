#include "api/api_error.h"

#include <nlohmann/json.hpp>

namespace callsheet {
inline namespace v1 {

Json ApiError::toJson() const {
  return {{"error", {{"type", type_}, {"message", what()}}}};
}

ApiError errorOf(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::usage:
    case ErrorKind::invalid:
      return {422, errorTypes::invalidParams, error.what()};
    case ErrorKind::notFound:
      return {404, errorTypes::notThere, error.what()};
    case ErrorKind::corrupt:
      return {500, errorTypes::storeCorrupt, error.what()};
    case ErrorKind::storeFull:
      return {507, errorTypes::storeFull, error.what()};
    default:
      return {503, errorTypes::storeUnavailable, error.what()};
  }
}

ApiError errorOf(const Answer& answer) {
  switch (answer.verdict) {
    case Verdict::storeFull:
      return {507, errorTypes::storeFull, answer.why};
    case Verdict::corrupt:
      return {500, errorTypes::storeCorrupt, answer.why};
    case Verdict::refused:
      return {422, errorTypes::invalidParams, answer.why};
    default:
      return {503, errorTypes::storeUnavailable,
              answer.why.empty() ? "the store did not answer in time; the outcome is not known" : answer.why};
  }
}

namespace {
/// What cannot be done to a task any more, or not yet, in the words of the methods.
const char* workOf(const Verb& verb) {
  if (std::holds_alternative<Start>(verb)) return "start";
  if (std::holds_alternative<Notify>(verb)) return "notify";
  if (std::holds_alternative<Succeed>(verb) || std::holds_alternative<Fail>(verb)) return "complete";
  return std::holds_alternative<Cancel>(verb) ? "cancel" : "change";
}
}  // namespace

ApiError errorOf(const Verb& verb, JobID job, const AttemptAnswer& answer) {
  const std::string name = "Task id:'" + job.toString() + "'";
  const std::string couldNot = std::string(". Couldn't ") + workOf(verb) + " it.";
  switch (answer.verdict) {
    case Verdict::notFound:
      return {422, errorTypes::notFound, name + " does not exist."};
    case Verdict::fenced:
      if (answer.state == JobState::done)
        return {422, errorTypes::hasBeenDone, name + " has already been done" + couldNot};
      return {422, errorTypes::wrongExecID, "The execId is not valid for " + name + ": " + answer.why + couldNot};
    case Verdict::alreadyApplied:
    case Verdict::illegal:
      if (answer.state == JobState::done)
        return {422, errorTypes::hasBeenDone, name + " has already been done" + couldNot};
      if (answer.state == JobState::requested)
        return {422, errorTypes::notStarted, name + " has not been started" + couldNot};
      if (std::holds_alternative<Start>(verb) && answer.state == JobState::inProgress)
        return {422, errorTypes::hasBeenStarted, name + " has already been started" + couldNot};
      // The attempt is over though the job goes on: its execId stands for nothing any more.
      return {422, errorTypes::wrongExecID,
              "The execId is not valid for " + name + ": its attempt has ended" + couldNot};
    default:
      return errorOf(answer);
  }
}

}  // namespace v1
}  // namespace callsheet
