#include "core/apply/application.h"

namespace callsheet {
inline namespace v1 {

AttemptAnswer Application::operator()(const Forget& verb) {
  auto job = rows_.job(verb.job);
  if (!job) return noSuchJob(verb.job);
  const JobFacts before = *job;
  if (before.isForgotten) return answerOf(before, Verdict::alreadyApplied);
  job->isForgotten = true;
  change(before, *job, Move::forget, {});
  return answerOf(*job);
}

Answer Application::operator()(const Discard& verb) {
  const auto refused = [](const char* why) { return Answer{Verdict::illegal, why}; };
  try {
    const auto row = rows_.job(verb.job);
    if (!row) return {Verdict::notFound, "no job has the id " + verb.job.toString()};
    if (isRunning(*row)) return refused("the job is running; cancel it first");
    // A result or log that cannot be read does not keep a job from being run or canceled.
    if (rows_.body(verb.job) && (row->state != JobState::done || !rows_.isDamaged(verb.job)))
      return refused("the job can be read; cancel it, or leave it to retention");
  } catch (const UnreadableRow&) {
  }
  rows_.eraseDamaged(verb.job);
  recountLanes();
  recountQueues();
  noteEnd(verb.job);
  effects_.finished = true;  // who waits for it shall hear that there is nothing to wait for
  return {Verdict::ok, {}};
}

}  // namespace v1
}  // namespace callsheet
