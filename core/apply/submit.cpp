#include <algorithm>

#include "core/apply/application.h"
#include "core/apply/lane_move.h"

namespace callsheet {
inline namespace v1 {

namespace {
bool isSameWork(const NewJob& job, const JobRow& row, const JobBody& body) {
  return job.kind == row.kind && job.queue == row.queue && job.body.parameters == body.parameters &&
         job.body.key == body.key;
}
}  // namespace

Application::Placement Application::placementOf(const Submit& verb) {
  Placement placement;
  if (!verb.sender.isNil()) {
    const auto sender = rows_.incarnation(verb.sender);
    if (!sender || !sender->isOpen()) return {Verdict::fenced, "this director's incarnation was closed", {}, {}};
    placement.owner = sender->queueOwner();
    placement.submitterName = sender->role == Role::principal ? "principal" : sender->name;
  }
  if (verb.ownerName.empty()) return placement;
  placement.owner = IncarnationID{};
  rows_.scanIncarnations([&](const IncarnationRow& row) {
    if (row.isOpen() && row.role == Role::assistant && row.name == verb.ownerName) placement.owner = row.id;
    return placement.owner.isNil();
  });
  if (placement.owner.isNil()) {
    placement.verdict = Verdict::refused;
    placement.why = "no living assistant is named '" + verb.ownerName + "'; `callsheet directors` lists them";
  }
  return placement;
}

SubmittedJob Application::judge(const NewJob& job, const std::unordered_set<JobID>& before) {
  if (const auto existing = rows_.job(job.id)) {
    const auto body = rows_.body(job.id);
    if (body && isSameWork(job, *existing, *body)) return {Verdict::alreadyApplied, job.id, {}};
    return {Verdict::conflict, job.id, "another job has the id " + job.id.toString()};
  }
  SubmittedJob good{Verdict::ok, job.id, {}};
  if (const auto missing = missingPrerequisite(job, before))
    return {Verdict::refused, job.id, "it is to run after job " + missing->toString() + ", and there is no such job"};
  if (job.body.key.empty()) return good;
  const auto key = rows_.businessKey(job.body.key);
  if (!key) return good;
  bool lives = true;  // unreadable is not dropped, so it is not done either
  try {
    const auto holder = rows_.job(key->job);
    lives = holder && holder->state != JobState::done;
  } catch (const UnreadableRow&) {
  }
  if (!lives && key->until <= now_.utcMicros) return good;
  return {Verdict::duplicate, key->job, "the key already stands for job " + key->job.toString()};
}

SubmittedJob Application::insert(const NewJob& job, IncarnationID owner, IncarnationID sender,
                                 const std::string& senderName, bool wantsRow) {
  JobRow row;
  row.id = job.id;
  row.kind = job.kind;
  const DefinitionRow* const definition = rows_.definition(job.kind);
  const bool isDefined = definition != nullptr && !definition->isDeleted;
  row.runner = isDefined && definition->runner ? *definition->runner : job.runner;
  row.queue = job.queue;
  row.priority = job.priority;
  row.createdAt = now_.utcMicros;
  row.answersWait = !job.body.answers.isNil();
  // Executors and remotes take only from the principal's queue, whoever submits.
  const bool isOffered = row.runner == Runner::remote || row.runner == Runner::http;
  row.owner = isOffered ? principalOwner : owner;
  const std::int64_t dueAt = std::max(now_.utcMicros + job.delayMicros, job.notBeforeMicros);
  const bool isDueLater = dueAt > now_.utcMicros;
  const bool mustWait = !job.body.after.empty();
  if (mustWait) {
    row.state = JobState::waiting;
    row.waitingFor = WaitReason::dependency;
    row.wakeAt = never;
  } else if (isDueLater) {
    row.state = JobState::waiting;
    row.waitingFor = WaitReason::due;
    row.wakeAt = dueAt;
  } else {
    becomeReady(row);
    row.lane = laneOfReady(row, &job.body);
  }
  row.version = ++rows_.totals().sequence;
  JobBody body = job.body;
  body.dueAt = mustWait && isDueLater ? dueAt : 0;
  body.definitionVersion = isDefined ? definition->version : 0;
  body.submitter = sender;
  body.submitterName = senderName;
  if (!body.key.empty()) {
    row.keyUntil = job.keyWindowMicros ? now_.utcMicros + *job.keyWindowMicros : never;
    rows_.putBusinessKey(body.key, KeyRow{row.id, row.keyUntil});
  }
  if (!body.retryOf.isNil()) inheritMemos(row, body.retryOf);
  writeLog(row, row.state, row.state == JobState::ready ? Move::submit : Move::submitLater, sender, {});
  // The time that was asked for, also where it is over.
  if (row.state == JobState::ready) row.recentLog.back().timer = job.notBeforeMicros;
  LaneMove lane(*this, nullptr, row);
  rows_.insertJob(row, body);
  lane.settle();
  if (mustWait) await(row.id, body.after);
  if (!body.schedule.empty()) rows_.putOccurrence({body.schedule, row.id});
  ++rows_.totals().submitted;
  effects_.touch(row.owner);
  SubmittedJob made{Verdict::ok, row.id, {}};
  if (wantsRow) made.row = std::make_shared<const JobRow>(std::move(row));
  return made;
}

Submit::Answer Application::submitAll(const Submit& verb, const Placement& placement, bool keysMayStand) {
  Submit::Answer answer;
  answer.verdict = Verdict::ok;
  if (verb.allOrNothing) {
    // Look at all before the first write, so that a refusal has changed nothing. The validator has refused repeats
    // within the list.
    std::unordered_set<JobID> before;
    for (const auto& job : verb.jobs) {
      SubmittedJob judged = judge(job, before);
      if (isAccepted(judged.verdict)) before.insert(job.id);
      if (!isAccepted(judged.verdict) && !(keysMayStand && judged.verdict == Verdict::duplicate)) {
        answer.verdict = Verdict::refused;
        answer.why = judged.why;
      }
      answer.jobs.push_back(std::move(judged));
    }
    if (answer.verdict == Verdict::refused) {
      // Nothing was made, so no job of the list may read as if it were.
      for (auto& judged : answer.jobs)
        if (judged.verdict == Verdict::ok)
          judged = {Verdict::refused, judged.id, "another job of the list was refused"};
      return answer;
    }
    answer.jobs.clear();
  }
  for (const auto& job : verb.jobs) {
    SubmittedJob judged = judge(job, {});
    if (judged.verdict == Verdict::ok) {
      judged = insert(job, placement.owner, verb.sender, placement.submitterName, verb.wantsRows);
      joinSchedule(job);
    }
    answer.jobs.push_back(std::move(judged));
  }
  return answer;
}

Submit::Answer Application::operator()(const Submit& verb) {
  const Placement placement = placementOf(verb);
  if (placement.verdict != Verdict::ok) {
    Submit::Answer answer;
    answer.verdict = placement.verdict;
    answer.why = placement.why;
    for (const auto& job : verb.jobs) answer.jobs.push_back({placement.verdict, job.id, placement.why});
    return answer;
  }
  return submitAll(verb, placement, false);
}

}  // namespace v1
}  // namespace callsheet
