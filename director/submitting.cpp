#include "director/submitting.h"

#include <algorithm>

#include "callsheet/errors.h"
#include "core/new_job.h"

namespace callsheet {
inline namespace v1 {

Submit submitOf(std::string_view kind, std::uint32_t version, std::vector<std::string> parameters,
                const SubmitOptions& options, bool allOrNothing, const std::string& director) {
  if (!options.id.isNil() && parameters.size() > 1) throw Error(ErrorKind::usage, "one id names one job, not a list");
  if (options.answers && (parameters.size() > 1 || options.answers->director != director))
    throw Error(ErrorKind::usage, "a wait is answered by one job, and by one of its own store");
  Submit verb;
  verb.ownerName = options.to;
  verb.allOrNothing = allOrNothing;
  for (auto& one : parameters) verb.jobs.push_back(newJobOf(kind, version, std::move(one), options));
  return verb;
}

namespace {
Submission submissionOf(const SubmittedJob& job, const Answer& answer) {
  Submission submission;
  submission.id = job.id;
  submission.why = job.why;
  switch (job.verdict) {
    case Verdict::ok:
    case Verdict::alreadyApplied:
      submission.outcome = Submission::Outcome::accepted;
      break;
    case Verdict::duplicate:
      submission.outcome = Submission::Outcome::duplicate;
      break;
    case Verdict::notDone:
    case Verdict::unknown:
    case Verdict::storeFull:
      submission.outcome = Submission::Outcome::unavailable;
      break;
    default:
      submission.outcome = Submission::Outcome::refused;
      break;
  }
  if (answer.verdict == Verdict::refused && submission.isAccepted()) {
    // Judged well by itself, but its company was not, and all or none was asked for.
    submission.outcome = Submission::Outcome::refused;
    submission.why = answer.why;
  }
  return submission;
}
}  // namespace

std::vector<Submission> submissionsOf(const Submit& verb, const Submit::Answer& answer) {
  std::vector<Submission> submissions;
  for (std::size_t i = 0; i < verb.jobs.size(); ++i) {
    const SubmittedJob lost{answer.verdict, verb.jobs[i].id, answer.why};
    submissions.push_back(submissionOf(i < answer.jobs.size() ? answer.jobs[i] : lost, answer));
  }
  return submissions;
}

JobStatus statusOf(const JobView& view, const std::vector<IncarnationRow>& incarnations) {
  const JobRow& row = view.row;
  JobStatus status;
  status.id = row.id;
  status.kind = row.kind;
  status.queue = row.queue;
  status.state = row.state;
  status.waitingFor = row.waitingFor;
  status.outcome = row.outcome;
  status.cancelRequested = row.cancelRequested;
  status.transferRequested = row.transferRequested;
  status.owner = "principal";
  if (row.owner != principalOwner) {
    const auto owner =
        std::find_if(incarnations.begin(), incarnations.end(), [&](const auto& one) { return one.id == row.owner; });
    status.owner = owner != incarnations.end() && owner->isOpen() ? owner->name : "(closed)";
  }
  status.attempt = row.attempt;
  status.started = row.started;
  status.failures = row.failures;
  status.holderDeaths = row.holderDeaths;
  status.progress = row.progress;
  status.progressText = row.progressText;
  if (view.result) {
    status.result = view.result->value;
    status.failureType = view.result->failure.type;
    status.failureMessage = view.result->failure.message;
    status.failureOrigin = view.result->failure.origin;
    status.failurePayload = view.result->failure.payload;
  }
  status.createdAt = row.createdAt;
  status.startedAt = row.startedAt;
  status.finishedAt = row.finishedAt;
  status.wakeAt = row.wakeAt == never ? 0 : row.wakeAt;
  return status;
}

}  // namespace v1
}  // namespace callsheet
