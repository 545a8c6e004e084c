#include <algorithm>
#include <cstring>

#include "callsheet/limits.h"
#include "core/apply/application.h"

namespace callsheet {
inline namespace v1 {

namespace {
bool isOfClaim(const ExecID& exec, const ClaimID& claim) {
  return std::memcmp(exec.value.bytes.data(), claim.value.bytes.data(), 12) == 0;
}
bool mustRunAlone(const JobRow& row) { return row.holderDeaths >= limits::deathsBeforeAlone; }
}  // namespace

std::uint32_t Application::promoteDue(IncarnationID owner, std::uint32_t limit, bool& more) {
  std::vector<WaitingKey> due;
  more = false;
  rows_.scanWaiting({owner, 0, {}}, [&](const WaitingKey& key) {
    if (key.owner != owner || key.wakeAt > now_.utcMicros) return false;
    more = due.size() == limit;
    if (!more) due.push_back(key);
    return !more;
  });
  for (const WaitingKey& key : due) {
    try {
      const auto before = rows_.job(key.id);
      if (!before) continue;
      JobRow after = *before;
      becomeReady(after);
      change(*before, after, Move::promote, {});
    } catch (const UnreadableRow&) {
      rows_.setAside(key, key.id);
    }
  }
  return static_cast<std::uint32_t>(due.size());
}

std::vector<std::pair<ReadyKey, JobID>> Application::readyCandidates(const Claim& verb, IncarnationID owner, bool& more) {
  std::vector<std::pair<ReadyKey, JobID>> found;
  for (const auto& kind : verb.kinds) {
    // Each queue of the kind gives its head; the best of all heads are handed out, so priority holds across queues and kinds.
    ReadyKey from{owner, kind, {}, 0, std::numeric_limits<std::int64_t>::min(), 0};
    bool atEnd = false;
    while (!atEnd) {
      atEnd = true;
      std::uint32_t taken = 0;
      std::string queue;
      rows_.scanReady(from, [&](const ReadyKey& key, JobID id) {
        if (key.owner != owner || key.kind != kind) return false;
        if (taken == 0) queue = key.queue;
        atEnd = false;
        if (key.queue != queue) return false;
        // One more than asked for, so that `more` is known.
        found.emplace_back(key, id);
        return ++taken <= verb.max;
      });
      from.queue = queue + '\x01';  // names hold no control characters, so this is just behind the queue
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.rank, a.first.sequence) < std::tie(b.first.rank, b.first.sequence);
  });
  more = found.size() > verb.max;
  return found;
}

bool Application::handOut(const Claim& verb, const IncarnationRow& claimer, JobID id, std::uint32_t index, Claim::Answer& answer) {
  const auto before = rows_.job(id);
  if (!before || before->state != JobState::ready) return false;
  auto body = rows_.body(id);
  if (!body) return false;
  JobRow after = *before;
  after.holderKind = HolderKind::incarnation;
  after.holder = claimer.id.value;
  after.execID = execIDOf(verb.id, index);
  after.alone = mustRunAlone(after);
  ++after.attempt;
  after.state = verb.start ? JobState::inProgress : JobState::requested;
  std::int64_t limitMicros = verb.startLimitMicros;
  if (verb.start) {
    ++after.started;
    after.startedAt = now_.utcMicros;
    limitMicros = body->attemptLimitMicros;
  }
  if (limitMicros > 0) {
    after.deadlineNanos = now_.bootNanos + limitMicros * 1000;
    after.deadlineBootID = now_.bootID;
  }
  change(*before, after, verb.start ? Move::claim : Move::request, claimer.id);
  answer.jobs.push_back({std::move(after), std::move(*body)});
  return true;
}

void Application::claimAgain(const Claim& verb, Claim::Answer& answer) {
  answer.verdict = Verdict::alreadyApplied;
  std::vector<JobID> held;
  rows_.scanAttached({verb.claimer, {}}, [&](const AttachedKey& key) {
    if (key.incarnation != verb.claimer) return false;
    held.push_back(key.id);
    return true;
  });
  for (const JobID id : held) {
    const auto row = rows_.job(id);
    if (!row || row->holder != verb.claimer.value || !isOfClaim(row->execID, verb.id)) continue;
    if (auto body = rows_.body(id)) answer.jobs.push_back({*row, std::move(*body)});
  }
}

Claim::Answer Application::operator()(const Claim& verb) {
  Claim::Answer answer;
  auto claimer = rows_.incarnation(verb.claimer);
  if (!claimer || !claimer->isOpen()) {
    answer.verdict = Verdict::fenced;
    answer.why = "this incarnation was closed";
    return answer;
  }
  if (claimer->lastClaim == verb.id) {
    claimAgain(verb, answer);
    return answer;
  }
  answer.verdict = Verdict::ok;
  const IncarnationID owner = claimer->queueOwner();
  bool moreDue = false;
  promoteDue(owner, limits::sliceRowsMax, moreDue);

  bool left = false;
  for (const auto& [key, id] : readyCandidates(verb, owner, left)) {
    if (answer.jobs.size() == verb.max) {
      answer.more = true;
      break;
    }
    try {
      const auto row = rows_.job(id);
      if (row && mustRunAlone(*row)) {
        // It may take other jobs down with it, so it waits until the claimer has nothing else, and then comes alone.
        if (!verb.idle || !answer.jobs.empty()) {
          answer.aloneWaiting = true;
          continue;
        }
        if (handOut(verb, *claimer, id, 0, answer)) {
          answer.more = true;
          break;
        }
        continue;
      }
      (void)handOut(verb, *claimer, id, static_cast<std::uint32_t>(answer.jobs.size()), answer);
    } catch (const UnreadableRow&) {
      rows_.setAside(key, id);
    }
  }
  answer.more = answer.more || left || moreDue;
  if (!answer.jobs.empty()) {
    claimer->lastClaim = verb.id;
    rows_.putIncarnation(*claimer);
  }
  rows_.scanWaiting({owner, 0, {}}, [&](const WaitingKey& key) {
    if (key.owner == owner) answer.nextDueAt = key.wakeAt;
    return false;
  });
  return answer;
}

SweepAnswer Application::operator()(const Promote& verb) {
  SweepAnswer answer;
  answer.verdict = Verdict::ok;
  answer.moved = promoteDue(verb.owner, verb.limit, answer.more);
  return answer;
}

}  // namespace v1
}  // namespace callsheet
