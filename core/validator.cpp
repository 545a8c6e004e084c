#include "core/validator.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_set>

#include "callsheet/limits.h"
#include "core/known_kind.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

namespace {
using Why = std::optional<std::string>;

std::string over(std::string_view what, std::size_t size, std::size_t limit) {
  return std::string(what) + " has " + std::to_string(size) + " bytes; the limit is " + std::to_string(limit);
}

Why whyKinds(const std::vector<std::string>& kinds) {
  if (kinds.size() > limits::claimKindsMax) return "more than " + std::to_string(limits::claimKindsMax) + " kinds";
  for (const auto& kind : kinds)
    if (!KnownKind::parse(kind))
      return "'" + kind +
             "' is not a kind: at most 128 of letters, digits, '.', '_', '-' and '/', and perhaps '@' and the newest "
             "version that is known";
  return std::nullopt;
}

Why whyTexts(const NewJob& job) {
  const JobBody& body = job.body;
  if (body.parameters.size() > limits::payloadBytesMax)
    return over("the payload", body.parameters.size(), limits::payloadBytesMax) +
           "; keep large data in a file and pass its path";
  if (body.key.size() > limits::businessKeyBytesMax)
    return over("the key", body.key.size(), limits::businessKeyBytesMax);
  if (body.requester.size() > limits::textBytesMax)
    return over("requester", body.requester.size(), limits::textBytesMax);
  if (body.traceparent.size() > limits::textBytesMax)
    return over("traceparent", body.traceparent.size(), limits::textBytesMax);
  if (body.blob.size() > limits::textBytesMax)
    return over("the blob reference", body.blob.size(), limits::textBytesMax);
  if (body.labels.size() > limits::labelsMax) return "more than " + std::to_string(limits::labelsMax) + " labels";
  for (const auto& [name, value] : body.labels) {
    if (!isValidName(name))
      return "'" + name + "' is not a label's name: at most 64 of letters, digits, '.', '_' and '-'";
    if (value.size() > limits::textBytesMax) return over("label '" + name + "'", value.size(), limits::textBytesMax);
  }
  return std::nullopt;
}

Why whyAfter(const NewJob& job) {
  const auto& after = job.body.after;
  if (job.body.dueAt != 0) return "when a job is due is what its delay and its time say";
  if (after.size() > limits::prerequisitesMax)
    return "a job can run after " + std::to_string(limits::prerequisitesMax) + " jobs at most, not after " +
           std::to_string(after.size());
  std::set<JobID> seen;
  for (const Prerequisite& one : after) {
    if (one.job.isNil()) return "a job that is to be waited for needs an id";
    if (one.job == job.id) return "a job cannot run after itself";
    if (one.condition > EndCondition::always) return "a condition is one of success, failure and always";
    if (!seen.insert(one.job).second) return "job " + one.job.toString() + " is to be waited for twice";
  }
  return std::nullopt;
}

Why whyJob(const NewJob& job) {
  if (job.id.isNil()) return "a job needs an id";
  if (!isValidKind(job.kind))
    return "'" + job.kind + "' is not a kind: at most 128 of letters, digits, '.', '_', '-' and '/'";
  if (isReservedKind(job.kind))
    return "'" + job.kind +
           "' is a reserved kind: what begins with 'callsheet.' is Callsheet's own, and this version has none of that "
           "name";
  if (!isValidName(job.queue))
    return "'" + job.queue + "' is not a queue's name: at most 64 of letters, digits, '.', '_' and '-'";
  if (job.priority < limits::priorityMin || job.priority > limits::priorityMax)
    return "priority " + std::to_string(job.priority) + " is outside -1000..1000";
  if (job.delayMicros < 0) return "the delay is negative";
  if (job.delayMicros > limits::delayMax.count()) return "the delay is longer than ten years";
  if (job.notBeforeMicros < 0) return "the time of the job is before 1970";
  if (job.keyWindowMicros.value_or(0) < 0 || job.keyWindowMicros.value_or(0) > limits::delayMax.count())
    return "the key's window must lie within 0 and ten years";
  if (job.body.attemptLimitMicros < 0 || job.body.attemptLimitMicros > limits::delayMax.count())
    return "the attempt's time limit must lie within 0 and ten years";
  if (auto why = whyRefused(job.body.retry)) return why;
  if (auto why = whyAfter(job)) return why;
  if (!job.body.schedule.empty() && !isValidName(job.body.schedule))
    return "'" + job.body.schedule.substr(0, limits::nameLengthMax) + "' is not a schedule's name";
  if (job.body.schedule.empty() && job.body.occurrence != 0) return "a job without a schedule is no firing of one";
  if (!job.body.answers.isNil() && (job.body.parent.isNil() || job.body.parent == job.id))
    return "a wait that a job answers is one of another job";
  return whyTexts(job);
}

/// A repeat of the list would find the later job there, and make what was refused the first time.
Why whyOrder(const std::vector<NewJob>& jobs) {
  std::unordered_set<JobID> later;
  for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
    for (const Prerequisite& one : job->body.after)
      if (later.contains(one.job))
        return "job " + job->id.toString() + " is to run after job " + one.job.toString() +
               ", which stands behind it in the list";
    later.insert(job->id);
  }
  return std::nullopt;
}

Why whyJobs(const std::vector<NewJob>& jobs, bool allOrNothing) {
  if (jobs.size() > limits::batchJobsMax)
    return std::to_string(jobs.size()) + " jobs in one submit; the limit is " + std::to_string(limits::batchJobsMax);
  for (const auto& job : jobs)
    if (auto why = whyJob(job)) return why;
  const bool areOrdered =
      std::any_of(jobs.begin(), jobs.end(), [](const NewJob& job) { return !job.body.after.empty(); });
  if (areOrdered)
    if (auto why = whyOrder(jobs)) return why;
  if (!allOrNothing || jobs.size() < 2) return std::nullopt;
  std::unordered_set<JobID> ids;
  std::unordered_set<std::string> keys;
  for (const auto& job : jobs) {
    if (!ids.insert(job.id).second) return "the id " + job.id.toString() + " stands twice in the list";
    if (!job.body.key.empty() && !keys.insert(job.body.key).second) return "a key stands twice in the list";
  }
  return std::nullopt;
}

Why whyLimit(std::uint32_t limit) {
  if (limit == 0 || limit > limits::sliceRowsMax)
    return "a slice has 1 to " + std::to_string(limits::sliceRowsMax) + " rows";
  return std::nullopt;
}

Why why(const RegisterIncarnation& verb) {
  if (verb.id.isNil()) return "an incarnation needs an id";
  if ((verb.role == Role::assistant || !verb.name.empty()) && !isValidName(verb.name))
    return "'" + verb.name +
           "' is not a director's name: at most 64 of letters, digits, '.', '_' and '-', not starting with a dot";
  return whyKinds(verb.kinds);
}
Why why(const CloseIncarnation& verb) {
  if (verb.how == Closing::open) return "closing needs a reason";
  return std::nullopt;
}
Why why(const Adopt& verb) {
  return whyLimit(verb.limit);
}
Why why(const Submit& verb) {
  if (verb.jobs.empty()) return "nothing to submit";
  if (!verb.ownerName.empty() && !isValidName(verb.ownerName))
    return "'" + verb.ownerName + "' is not a director's name";
  return whyJobs(verb.jobs, verb.allOrNothing);
}
Why why(const Claim& verb) {
  if (verb.id.isNil()) return "a claim needs an id";
  if (verb.id.value.bytes[6] >> 4 != 7) return "a claim's id is a UUIDv7, so that claims have an order";
  for (std::size_t i = 12; i < 16; ++i)
    if (verb.id.value.bytes[i] != 0) return "the last four bytes of a claim's id are zero";
  if (verb.max == 0 || verb.max > limits::claimJobsMax)
    return "a claim takes 1 to " + std::to_string(limits::claimJobsMax) + " jobs";
  if (verb.startLimitMicros < 0 || verb.startLimitMicros > limits::delayMax.count())
    return "the start limit must lie within 0 and ten years";
  return whyKinds(verb.kinds);
}
Why why(const Unclaim& verb) {
  if (verb.why.size() > limits::textBytesMax) return over("the reason", verb.why.size(), limits::textBytesMax);
  return std::nullopt;
}
Why why(const Notify& verb) {
  if (!std::isfinite(verb.progress) || verb.progress < 0 || verb.progress > 1) return "progress lies within 0 and 1";
  if (verb.note.size() > limits::textBytesMax) return over("the note", verb.note.size(), limits::textBytesMax);
  if (verb.text.size() > limits::textBytesMax) return over("the progress text", verb.text.size(), limits::textBytesMax);
  return std::nullopt;
}
Why why(const Succeed& verb) {
  if (verb.value.size() > limits::payloadBytesMax)
    return over("the result", verb.value.size(), limits::payloadBytesMax);
  return verb.then.empty() ? std::nullopt : whyJobs(verb.then, true);
}
Why whyFailure(const JobFailure& failure) {
  if (failure.message.size() > limits::errorBytesMax)
    return over("the error", failure.message.size(), limits::errorBytesMax);
  if (failure.payload.size() > limits::payloadBytesMax)
    return over("the error's payload", failure.payload.size(), limits::payloadBytesMax);
  if (failure.type.size() > limits::textBytesMax)
    return over("the error's type", failure.type.size(), limits::textBytesMax);
  if (failure.origin.size() > limits::textBytesMax)
    return over("the error's origin", failure.origin.size(), limits::textBytesMax);
  return std::nullopt;
}
Why why(const Fail& verb) {
  if (verb.value.size() > limits::payloadBytesMax)
    return over("the result", verb.value.size(), limits::payloadBytesMax);
  if (auto why = whyFailure(verb.failure)) return why;
  if (verb.leastDelayMicros < 0 || verb.leastDelayMicros > limits::delayMax.count())
    return "the delay must lie within 0 and ten years";
  return verb.then.empty() ? std::nullopt : whyJobs(verb.then, true);
}
Why whyMemos(const std::vector<MemoRow>& memos, std::size_t limit) {
  if (memos.empty()) return "no step is named";
  if (memos.size() > limit)
    return std::to_string(memos.size()) + " steps in one verb; the limit is " + std::to_string(limit);
  for (const MemoRow& memo : memos) {
    if (memo.id.isNil()) return "a step needs a fingerprint";
    if (memo.name.size() > limits::textBytesMax)
      return over("the name of a step", memo.name.size(), limits::textBytesMax);
    if (memo.label.size() > limits::textBytesMax)
      return over("the label of a step", memo.label.size(), limits::textBytesMax);
    if (memo.value.size() > limits::payloadBytesMax)
      return over("the result of step '" + memo.name + "'", memo.value.size(), limits::payloadBytesMax);
    if (auto why = whyFailure(memo.failure)) return why;
    if (memo.isFinished()) continue;
    if (memo.state == MemoState::waiting && memo.wakeAt <= 0)
      return "a wait needs the time of its end, or none but its event";
    if (!memo.value.empty() || memo.failure != JobFailure{}) return "what has not ended has no result yet";
  }
  return std::nullopt;
}
Why why(const SaveResult& verb) {
  return whyMemos(verb.memos, limits::sliceRowsMax);
}
Why why(const Suspend& verb) {
  for (const MemoRow& wait : verb.waits)
    if (wait.isFinished()) return "a wait is over already";
  if (!verb.waits.empty() && verb.waits.front().state != MemoState::waiting) return "a suspension begins with a wait";
  // All the waits of a job, since the earliest of them counts.
  return whyMemos(verb.waits, limits::treeNodesMax);
}
Why why(const CompleteExternal& verb) {
  if (verb.wait.isNil()) return "a completion names the wait that it ends";
  if (verb.value.size() > limits::payloadBytesMax) return over("the value", verb.value.size(), limits::payloadBytesMax);
  if (verb.failure.type.empty() && verb.failure != JobFailure{}) return "a failure needs a type";
  return whyFailure(verb.failure);
}
Why why(const Cancel& verb) {
  if (verb.why.size() > limits::textBytesMax) return over("the reason", verb.why.size(), limits::textBytesMax);
  return std::nullopt;
}
Why why(const Promote& verb) {
  return whyLimit(verb.limit);
}
Why why(const Expire& verb) {
  return whyLimit(verb.limit);
}
Why why(const PutDefinitions& verb) {
  if (verb.definitions.size() > limits::definitionsMax)
    return "there are " + std::to_string(verb.definitions.size()) + " definitions, the limit is " +
           std::to_string(limits::definitionsMax);
  std::set<std::string_view> kinds;
  for (const Definition& one : verb.definitions) {
    if (Why reason = whyRefused(one)) return reason;
    if (!kinds.insert(one.kind).second) return "the kind '" + one.kind + "' is defined twice";
  }
  return std::nullopt;
}
Why why(const DeleteDefinition& verb) {
  if (!isValidKind(verb.kind)) return "'" + verb.kind.substr(0, limits::kindLengthMax) + "' is not a kind";
  return std::nullopt;
}
Why whyQueue(const std::string& name) {
  if (isValidName(name)) return std::nullopt;
  return "'" + name.substr(0, limits::nameLengthMax) +
         "' is not a queue's name: at most 64 of letters, digits, '.', '_' and '-'";
}
Why why(const SetQueue& verb) {
  return whyQueue(verb.name);
}
Why why(const DeleteQueue& verb) {
  return whyQueue(verb.name);
}
Why why(const PutSchedule& verb) {
  if (verb.schedule == nullptr) return "no schedule is given";
  if (verb.change.isNil()) return "a change needs an id";
  if (verb.generation.isNil()) return "a schedule's generation needs an id";
  if (Why reason = whyRefused(*verb.schedule)) return reason;
  if (verb.next <= verb.cursor) return "the next firing lies behind what is dealt with";
  NewJob job = verb.schedule->job;
  job.id = JobID{verb.change};
  return whyJob(job);
}
Why why(const DeleteSchedule& verb) {
  if (!isValidName(verb.name)) return "'" + verb.name.substr(0, limits::nameLengthMax) + "' is not a schedule's name";
  return std::nullopt;
}
Why why(const Fire& verb) {
  if (!isValidName(verb.schedule))
    return "'" + verb.schedule.substr(0, limits::nameLengthMax) + "' is not a schedule's name";
  if (verb.instants.size() > limits::firingsMax)
    return std::to_string(verb.instants.size()) + " firings of a schedule at once; the limit is " +
           std::to_string(limits::firingsMax);
  const auto isOutOfOrder = [](std::int64_t one, std::int64_t next) { return one >= next; };
  if (std::adjacent_find(verb.instants.begin(), verb.instants.end(), isOutOfOrder) != verb.instants.end())
    return "the firings are not in order";
  if (!verb.instants.empty() && verb.instants.back() > verb.cursor) return "a firing lies behind what is dealt with";
  if (verb.next <= verb.cursor) return "the next firing lies before what is dealt with";
  return std::nullopt;
}
Why why(const Relane& verb) {
  return whyLimit(verb.limit);
}
Why why(const Prune& verb) {
  if (verb.maxAgeMicros < 0) return "the age is negative";
  return whyLimit(verb.limit);
}
template <class Other>
Why why(const Other&) {
  return std::nullopt;
}
}  // namespace

std::optional<std::string> whyRefused(const Verb& verb) {
  return std::visit([](const auto& one) { return why(one); }, verb);
}

}  // namespace v1
}  // namespace callsheet
