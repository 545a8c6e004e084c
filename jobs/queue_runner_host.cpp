// What running attempts and commands ask of the queue that they are of.
#include <algorithm>
#include <utility>

#include "callsheet/job_director.h"
#include "callsheet/limits.h"
#include "jobs/queue_runner.h"

namespace callsheet {
inline namespace v1 {

AttemptAnswer QueueRunner::requestTransfer(const AttemptRef& attempt) {
  // Once more with the same ids while the outcome is not known: the job's code waits for it.
  AttemptAnswer answer;
  for (int tries = 0; tries < 3; ++tries) {
    answer = store_.apply(RequestTransfer{attempt});
    if (!isLost(answer.verdict)) break;
  }
  return answer;
}
AttemptAnswer QueueRunner::saveResults(const AttemptRef& attempt, std::vector<MemoRow> memos) {
  return toldWhenLost(store_.apply(SaveResult{attempt, std::move(memos)}));
}
AttemptAnswer QueueRunner::suspend(const AttemptRef& attempt, std::vector<MemoRow> waits) {
  return toldWhenLost(store_.apply(Suspend{attempt, std::move(waits)}));
}
AttemptAnswer QueueRunner::toldWhenLost(AttemptAnswer answer) {
  if (isLost(answer.verdict))
    troubles_.say(LogLevel::warning, "what steps give cannot be stored, and is kept until it can be: " + answer.why);
  return answer;
}
std::vector<MemoRow> QueueRunner::memos(JobID job) {
  return store_.memos(job, {}, limits::treeNodesMax);
}
std::optional<MemoRow> QueueRunner::memo(JobID job, Fingerprint memo) {
  return store_.memo(job, memo);
}
const JobInjections& QueueRunner::injections() const {
  return director_.injections();
}

void QueueRunner::progressed(const AttemptRef& attempt, double share, std::string text) {
  text.resize(std::min(text.size(), limits::textBytesMax));
  postUnheard(Notify{attempt, static_cast<float>(share), std::move(text), false});
}

void QueueRunner::noted(const AttemptRef& attempt, std::vector<MemoRow> steps) {
  postUnheard(SaveResult{attempt, std::move(steps)});
}

void QueueRunner::postUnheard(Verb verb) {
  std::vector<Verb> verbs;
  verbs.push_back(std::move(verb));
  store_.post(std::move(verbs), std::chrono::seconds{5}, [](const std::vector<AnyAnswer>&) {});
}

}  // namespace v1
}  // namespace callsheet
