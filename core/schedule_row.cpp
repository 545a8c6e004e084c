#include "core/schedule_row.h"

#include "callsheet/fingerprint.h"
#include "core/hashed_job_id.h"
#include "core/names.h"

namespace callsheet {
inline namespace v1 {

std::string_view toString(Overlap overlap) {
  switch (overlap) {
    case Overlap::forbid:
      return "forbid";
    case Overlap::allow:
      return "allow";
    case Overlap::replace:
      return "replace";
  }
  return "?";
}

std::string_view toString(MissedRuns missed) {
  switch (missed) {
    case MissedRuns::skip:
      return "skip";
    case MissedRuns::once:
      return "once";
    case MissedRuns::all:
      return "all";
  }
  return "?";
}

std::string_view toString(SkippedFirings::Why why) {
  return why == SkippedFirings::Why::missed ? "missed" : "overlap";
}

std::int64_t Schedule::end() const {
  const auto* const interval = std::get_if<IntervalTiming>(&timing);
  return interval == nullptr ? never : interval->end;
}

JobID occurrenceID(std::string_view schedule, const Uuid& generation, std::int64_t instant) {
  detail::CanonicalBytes name;
  name.text(schedule);
  name.id(generation);
  name.integer(instant);
  return hashedJobID(name.fingerprint(), instant / 1000);
}

std::int64_t jitterOf(JobID occurrence, std::int64_t jitterMicros) {
  if (jitterMicros <= 0) return 0;
  std::uint64_t random = 0;
  for (std::size_t i = 8; i < 16; ++i) random = random << 8 | occurrence.value.bytes[i];
  random &= (std::uint64_t{1} << 62) - 1;  // behind the variant's bits
  return static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(jitterMicros) + 1));
}

namespace {
std::optional<std::string> whyPolicy(const Schedule& schedule) {
  const FiringPolicy& policy = schedule.policy;
  if (policy.missed > MissedRuns::all) return "missed runs are one of skip, once and all";
  if (policy.missedMax == 0 || policy.missedMax > limits::missedRunsMax)
    return "of missed runs 1 to " + std::to_string(limits::missedRunsMax) + " can be made up for";
  if (policy.startDeadlineMicros < 0 || policy.startDeadlineMicros > limits::delayMax.count())
    return "the start deadline must lie within 0 and ten years";
  if (schedule.overlap > Overlap::replace) return "overlap is one of forbid, allow and replace";
  if (schedule.jitterMicros < 0 || schedule.jitterMicros > limits::delayMax.count())
    return "the jitter must lie within 0 and ten years";
  return std::nullopt;
}
}  // namespace

std::optional<std::string> whyRefused(const Schedule& schedule) {
  if (!isValidName(schedule.name))
    return "'" + schedule.name.substr(0, limits::nameLengthMax) +
           "' is not a schedule's name: at most 64 of letters, digits, '.', '_' and '-', not starting with a dot";
  if (!schedule.keeper.empty() && !isValidName(schedule.keeper)) return "the schedule's keeper has no name";
  if (schedule.spec.size() > limits::scheduleSpecBytesMax)
    return "the timing has " + std::to_string(schedule.spec.size()) + " bytes; the limit is " +
           std::to_string(limits::scheduleSpecBytesMax);
  if (auto why = whyRefused(schedule.timing)) return why;
  if (auto why = whyPolicy(schedule)) return why;
  const NewJob& job = schedule.job;
  if (!job.id.isNil() || job.delayMicros != 0 || job.notBeforeMicros != 0 || job.keyWindowMicros ||
      !job.body.key.empty() || !job.body.after.empty() || !job.body.retryOf.isNil() || !job.body.schedule.empty() ||
      !job.body.answers.isNil())
    return "the jobs of a schedule have no id, no time, no key and no prerequisite of their own";
  return std::nullopt;
}

}  // namespace v1
}  // namespace callsheet
