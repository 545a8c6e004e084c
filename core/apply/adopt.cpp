#include <algorithm>

#include "callsheet/limits.h"
#include "callsheet/retry_policy.h"
#include "core/apply/application.h"
#include "core/crash_point.h"

namespace callsheet {
inline namespace v1 {

Answer Application::operator()(const RegisterIncarnation& verb) {
  if (const auto existing = rows_.incarnation(verb.id)) {
    if (!existing->isOpen()) return {Verdict::fenced, "this incarnation was closed before"};
    if (existing->role == verb.role && existing->name == verb.name) return {Verdict::alreadyApplied, {}};
    return {Verdict::conflict, "the incarnation belongs to another director"};
  }
  std::optional<IncarnationRow> former;
  if (verb.role != Role::executor) {
    rows_.scanIncarnations([&](const IncarnationRow& row) {
      if (row.isOpen() && row.role == verb.role && row.name == verb.name) former = row;
      return !former;
    });
  }
  if (former && former->id != verb.expectedFormer) {
    return {Verdict::conflict, verb.role == Role::principal ? "the store has a living principal"
                                                            : "a living assistant is named '" + verb.name + "'"};
  }
  if (former) {
    former->closing = Closing::died;
    former->closedAt = now_.utcMicros;
    rows_.putIncarnation(*former);
    ++rows_.totals().closures;
    effects_.closed = true;
  }
  IncarnationRow row;
  row.id = verb.id;
  row.name = verb.name;
  row.role = verb.role;
  row.bootID = now_.bootID;
  row.openedAt = now_.utcMicros;
  row.kinds = verb.kinds;
  rows_.putIncarnation(row);
  return {Verdict::ok, {}};
}

Answer Application::operator()(const CloseIncarnation& verb) {
  auto row = rows_.incarnation(verb.id);
  if (!row) return {Verdict::notFound, "no such incarnation"};
  if (!row->isOpen()) return {Verdict::alreadyApplied, {}};
  if (verb.sender != verb.id) {
    const auto sender = rows_.incarnation(verb.sender);
    if (!sender || !sender->isOpen() || sender->role != Role::principal)
      return {Verdict::fenced, "only the principal closes other incarnations"};
  }
  row->closing = verb.how;
  row->closedAt = now_.utcMicros;
  rows_.putIncarnation(*row);
  ++rows_.totals().closures;
  effects_.closed = true;
  return {Verdict::ok, {}};
}

void Application::endHolder(JobRow& after, const IncarnationRow& closed, IncarnationID actor, std::uint32_t random) {
  const JobFacts before = after;
  after.owner = principalOwner;
  Move move = Move::holderEnded;
  if (const auto other = overruled(before, after, false)) {
    move = *other;
    after.execID = ExecID{};
  } else {
    // A reboot, a stop and a lease say nothing about the job; a death may be its doing.
    const bool counts =
        closed.closing == Closing::died && closed.bootID == now_.bootID && before.state == JobState::inProgress;
    const bool wasAlone = before.alone;
    voidAttempt(after);
    if (counts) ++after.holderDeaths;
    if (counts && wasAlone && after.holderDeaths >= limits::deathsBeforeQuarantine) {
      after.state = JobState::waiting;
      after.waitingFor = WaitReason::quarantine;
      after.wakeAt = never;
      move = Move::quarantine;
    } else if (counts && after.holderDeaths >= 2) {
      after.state = JobState::waiting;
      after.waitingFor = WaitReason::backoff;
      after.wakeAt = now_.utcMicros + deathDelay(after.holderDeaths, random).count();
      move = Move::holderDied;
    } else {
      becomeReadyAgain(after, true);
    }
  }
  change(before, after, move, actor, "its holder " + std::string(toString(closed.closing)));
}

std::vector<Application::Place> Application::leftovers(IncarnationID closed, std::uint32_t limit, bool& more) {
  std::vector<Place> found;
  const auto take = [&](const PlaceKey& place, JobID id) {
    more = found.size() == limit;
    if (!more) found.emplace_back(place, id);
    return !more;
  };
  rows_.scanAttached({closed, {}},
                     [&](const AttachedKey& key) { return key.incarnation == closed && take(key, key.id); });
  if (!more) {
    rows_.scanReady({closed, {}, {}, 0, 0, 0},
                    [&](const ReadyKey& key, JobID id) { return key.owner == closed && take(key, id); });
  }
  if (!more)
    rows_.scanWaiting({closed, 0, {}}, [&](const WaitingKey& key) { return key.owner == closed && take(key, key.id); });
  return found;
}

Adopt::Answer Application::operator()(const Adopt& verb) {
  Adopt::Answer answer;
  const auto sender = rows_.incarnation(verb.sender);
  if (!sender || !sender->isOpen() || sender->role != Role::principal) {
    answer.verdict = Verdict::fenced;
    answer.why = "only the living principal adopts";
    return answer;
  }
  auto closed = rows_.incarnation(verb.closed);
  if (!closed || closed->isOpen()) {
    answer.verdict = closed ? Verdict::illegal : Verdict::notFound;
    answer.why = closed ? "the incarnation is open" : "no such incarnation";
    return answer;
  }
  answer.verdict = Verdict::ok;
  crashPoint("adopt.moving");
  for (const auto& [place, id] : leftovers(verb.closed, verb.limit, answer.more)) {
    ++answer.moved;
    auto row = rowAt(place, id);
    if (!row) continue;
    if (isRunning(*row) && row->holderKind == HolderKind::incarnation && row->holder == verb.closed.value) {
      endHolder(*row, *closed, verb.sender, verb.random ^ answer.moved);
    } else {
      const JobFacts before = *row;
      row->owner = principalOwner;
      // What only a time limit holds lives on, but is nobody's claim any more. A command goes on too, and the adopter
      // attends to it.
      const bool isOfClosed = row->holder == verb.closed.value;
      if (row->holderKind == HolderKind::remote && isOfClosed) row->holder = Uuid{};
      if (row->holderKind == HolderKind::shim && isOfClosed) {
        row->holder = verb.sender.value;
        effects_.touch(verb.sender);
      }
      change(before, *row, Move::adopt, verb.sender);
    }
  }
  closed->adopted += answer.moved;
  if (!answer.more) closed->emptied = true;
  if (closed->isUnreadable && answer.more) return answer;  // its bytes stay until nothing is left of it
  if (closed->isUnreadable) {
    closed->isUnreadable = false;
    closed->closedAt = now_.utcMicros;
  }
  if (answer.moved > 0 || !answer.more) rows_.putIncarnation(*closed);
  return answer;
}

}  // namespace v1
}  // namespace callsheet
