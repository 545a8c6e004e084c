#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_set>

#include "callsheet/limits.h"
#include "core/apply/application.h"
#include "core/known_kind.h"
#include "core/names.h"
#include "core/queue_counts.h"

namespace callsheet {
inline namespace v1 {

namespace {
bool isOfClaim(const ExecID& exec, const ClaimID& claim) {
  return std::memcmp(exec.value.bytes.data(), claim.value.bytes.data(), 12) == 0;
}
bool mustRunAlone(const JobRow& row) {
  return row.holderDeaths >= limits::deathsBeforeAlone;
}
}  // namespace

std::uint32_t Application::promote(IncarnationID owner, std::uint32_t limit, bool& more) {
  const std::uint32_t settled = settleDependents(limit, more);
  if (settled == limit) return settled;
  return settled + promoteDue(owner, limit - settled, more);
}

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
    auto row = rowAt(key, key.id);
    if (!row) continue;
    const JobFacts before = *row;
    becomeReady(*row);
    change(before, *row, Move::promote, {});
  }
  return static_cast<std::uint32_t>(due.size());
}

std::vector<std::pair<ReadyKey, JobID>> Application::headsOfQueues(const Claim& verb, IncarnationID owner,
                                                                   std::size_t depth, bool& cut) {
  std::vector<std::pair<ReadyKey, JobID>> heads;
  std::unordered_set<std::string_view> seen;
  cut = false;
  for (const auto& text : verb.kinds) {
    const auto known = KnownKind::parse(text);
    if (!known || !seen.insert(known->kind).second) continue;
    const std::string kind(known->kind);
    const DefinitionRow* const definition = rows_.definition(kind);
    if (verb.remote && (definition == nullptr || definition->isDeleted || definition->runner != Runner::remote))
      continue;
    if (definition != nullptr && definition->laning != DefinitionRow::Laning::done) continue;
    if (definition != nullptr && definition->hasLanes()) {
      headsOfLanes(*definition, owner, depth, cut, heads);
      continue;
    }
    // Each queue of the kind that has room gives its head; the best of all heads are handed out, so priority holds
    // across queues and kinds.
    ReadyKey from{owner, kind, {}, 0, std::numeric_limits<std::int64_t>::min(), 0};
    bool atEnd = false;
    while (!atEnd) {
      atEnd = true;
      std::size_t taken = 0;
      std::string queue;
      rows_.scanReady(from, [&](const ReadyKey& key, JobID id) {
        if (key.owner != owner || key.kind != kind) return false;
        if (taken == 0) queue = key.queue;
        atEnd = false;
        if (key.queue != queue || (taken == 0 && roomOf(rows_, queue) == 0)) return false;
        if (taken == depth) {
          cut = true;
          return false;
        }
        heads.emplace_back(key, id);
        ++taken;
        return true;
      });
      from.queue = queue + behindName;
    }
  }
  const auto isBefore = [](const auto& a, const auto& b) {
    return std::tie(a.first.rank, a.first.sequence) < std::tie(b.first.rank, b.first.sequence);
  };
  if (!std::is_sorted(heads.begin(), heads.end(), isBefore)) std::sort(heads.begin(), heads.end(), isBefore);
  return heads;
}

void Application::handOutReady(const Claim& verb, const IncarnationRow& claimer, Claim::Answer& answer) {
  std::size_t depth = verb.max;
  std::size_t bytes = 0;  // of parameters: an answer over the API is no larger than it must be
  for (;;) {
    bool cut = false;
    bool isTooShallow = false;
    std::size_t steppedOver = 0;
    std::size_t unreadable = 0;
    const auto heads = headsOfQueues(verb, claimer.queueOwner(), depth, cut);
    answer.jobs.reserve(std::min<std::size_t>(verb.max, answer.jobs.size() + heads.size()));
    for (const auto& [key, id] : heads) {
      if (answer.jobs.size() == verb.max || (verb.remote && bytes > limits::commitBytesMax)) {
        answer.more = true;
        return;
      }
      auto row = rowAt(key, id);
      const bool isAlone = row && mustRunAlone(*row);
      // One that must run alone may take other jobs down with it, so it waits until the claimer has nothing else, and
      // then comes alone.
      const bool mustWait = isAlone && !(verb.idle && answer.jobs.empty());
      HandOut outcome = HandOut::unreadable;
      if (mustWait)
        answer.aloneWaiting = true;
      else if (row)
        outcome = handOut(verb, claimer, *row, answer);
      if (outcome == HandOut::done) bytes += answer.jobs.back().body.parameters.size();
      if (outcome == HandOut::throttled) continue;  // and what stands behind it would be as well
      if (mustWait || outcome == HandOut::tooNew || outcome == HandOut::blocked) {
        ++steppedOver;
        // It must not hide what stands behind it in its queue.
        isTooShallow = cut && depth < verb.max + steppedOver && depth <= limits::sliceRowsMax * 2;
        if (isTooShallow) break;
      } else if (outcome == HandOut::unreadable) {
        ++unreadable;
      } else if (isAlone) {
        answer.more = true;
        return;
      }
    }
    if (isTooShallow) {
      depth = verb.max + 2 * steppedOver;
      continue;
    }
    if (answer.jobs.size() == verb.max) {
      answer.more = cut;
      return;
    }
    // Unreadable ones have been set aside, which makes room.
    if (!cut || unreadable == 0) return;
  }
}

Application::HandOut Application::handOut(const Claim& verb, const IncarnationRow& claimer, JobRow& after,
                                          Claim::Answer& answer) {
  // Jobs of another kind may have taken the last place of the queue in this very claim.
  if (roomOf(rows_, after.queue) == 0) return HandOut::blocked;
  std::optional<JobBody> body;
  try {
    body = rows_.body(after.id);
  } catch (const UnreadableRow&) {
  }
  if (!body) {
    setAside(*readyKeyOf(after), after.id);
    return HandOut::unreadable;
  }
  // Who cannot read it leaves it to who can.
  // Whoever takes it over the API is given all of it, and says himself when he cannot.
  if (!verb.remote && body->kindVersion > 1 && !knows(verb.kinds, after.kind, body->kindVersion))
    return HandOut::tooNew;
  const DefinitionRow* const definition = rows_.definition(after.kind);
  if (definition != nullptr) {
    // Another queue's job may have taken the last place of the lane in this very claim.
    if (definition->hasLanes() && !isLaneOpen(after.kind, after.lane)) return HandOut::blocked;
    if (definition->rate.count > 0 && !takeToken(*definition, answer.nextDueAt)) return HandOut::throttled;
  }
  const JobFacts before = after;
  after.holderKind = HolderKind::incarnation;
  if (runsUnderShim(after.kind) && verb.start) after.holderKind = HolderKind::shim;
  if (verb.remote) after.holderKind = HolderKind::remote;
  after.holder = claimer.id.value;
  after.execID = execIDOf(verb.id, static_cast<std::uint32_t>(answer.jobs.size()));
  after.alone = mustRunAlone(after);
  ++after.attempt;
  after.state = verb.start ? JobState::inProgress : JobState::requested;
  std::int64_t limitMicros = verb.startLimitMicros;
  if (verb.start) {
    ++after.started;
    after.startedAt = now_.utcMicros;
    limitMicros = attemptLimitMicros(definition, verb.remote, body->attemptLimitMicros);
  } else if (limitMicros == 0) {
    limitMicros = startLimitMicros(definition, verb.remote);
  }
  setDeadline(after, limitMicros);
  // Whoever finds its directory empty must know whether that is of this boot.
  if (after.holderKind == HolderKind::shim) after.deadlineBootID = now_.bootID;
  change(before, after, verb.start ? Move::claim : Move::request, claimer.id);
  answer.jobs.push_back({std::move(after), std::move(*body)});
  return HandOut::done;
}

void Application::claimAgain(const Claim& verb, IncarnationID owner, Claim::Answer& answer) {
  answer.verdict = Verdict::alreadyApplied;
  std::vector<JobID> held;
  rows_.scanAttached({verb.claimer, {}}, [&](const AttachedKey& key) {
    if (key.incarnation != verb.claimer) return false;
    held.push_back(key.id);
    return true;
  });
  for (const JobID id : held) {
    try {
      const auto row = rows_.job(id);
      if (!row || row->holder != verb.claimer.value || !isOfClaim(row->execID, verb.id)) continue;
      if (auto body = rows_.body(id)) answer.jobs.push_back({*row, std::move(*body)});
    } catch (const UnreadableRow&) {
      continue;  // its deadline or its holder's end will set it aside
    }
  }
  // As they were handed out.
  std::sort(answer.jobs.begin(), answer.jobs.end(),
            [](const auto& a, const auto& b) { return a.row.execID < b.row.execID; });
  bool cut = false;
  answer.more = !headsOfQueues(verb, owner, 1, cut).empty();
}

Claim::Answer Application::operator()(const Claim& verb) {
  Claim::Answer answer;
  auto claimer = rows_.incarnation(verb.claimer);
  if (!claimer || !claimer->isOpen()) {
    answer.verdict = Verdict::fenced;
    answer.why = "this incarnation was closed";
    return answer;
  }
  const IncarnationID owner = claimer->queueOwner();
  if (claimer->lastClaim == verb.id) {
    claimAgain(verb, owner, answer);
  } else if (verb.id < claimer->lastClaim) {
    // Its execIds were handed out, or given up, before the later claim's; they must not come a second time.
    answer.verdict = Verdict::refused;
    answer.why = "the claim is older than the last one of this incarnation";
    return answer;
  } else {
    answer.verdict = Verdict::ok;
    bool moreDue = false;
    promote(owner, limits::sliceRowsMax, moreDue);
    handOutReady(verb, *claimer, answer);
    answer.more = answer.more || moreDue;
    if (!answer.jobs.empty()) {
      claimer->lastClaim = verb.id;
      rows_.putIncarnation(*claimer);
    }
  }
  rows_.scanWaiting({owner, 0, {}}, [&](const WaitingKey& key) {
    if (key.owner == owner) answer.nextDueAt = std::min(answer.nextDueAt, key.wakeAt);
    return false;
  });
  return answer;
}

SweepAnswer Application::operator()(const Promote& verb) {
  SweepAnswer answer;
  answer.verdict = Verdict::ok;
  answer.moved = promote(verb.owner, verb.limit, answer.more);
  return answer;
}

}  // namespace v1
}  // namespace callsheet
