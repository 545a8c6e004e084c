#include "core/job_store.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "core/known_kind.h"

namespace callsheet {
inline namespace v1 {

std::vector<AnyAnswer> JobStore::applyAll(std::vector<Verb> verbs, std::chrono::milliseconds patience) {
  struct Ticket {
    std::mutex mutex;
    std::condition_variable arrived;
    std::optional<std::vector<AnyAnswer>> answers;
  };
  // Shared with the store's thread, which may answer after the caller has given up.
  const auto ticket = std::make_shared<Ticket>();
  std::vector<AnyAnswer> lost;
  lost.reserve(verbs.size());
  for (const Verb& verb : verbs) lost.push_back(answerWith(verb, Verdict::unknown, {}));
  auto now = applyOrPost(std::move(verbs), patience, [ticket](std::vector<AnyAnswer> answers) {
    const std::lock_guard lock(ticket->mutex);
    ticket->answers = std::move(answers);
    ticket->arrived.notify_one();
  });
  if (now) return std::move(*now);
  std::unique_lock lock(ticket->mutex);
  // Twice the patience: the queue answers `notDone` by itself at once the patience; only a stuck commit is left.
  if (!ticket->arrived.wait_for(lock, 2 * patience, [&] { return ticket->answers.has_value(); })) {
    for (AnyAnswer& answer : lost)
      std::visit([](auto& one) { one.why = "the commit took too long; repeat with the same ids"; }, answer);
    return lost;
  }
  return std::move(*ticket->answers);
}

bool isUnclaimable(const JobRow& row, const JobBody& body, const std::vector<IncarnationRow>& incarnations,
                   const std::optional<std::vector<IncarnationID>>& living) {
  if (row.state != JobState::ready) return false;
  const auto lives = [&](const IncarnationRow& incarnation) {
    return incarnation.isOpen() &&
           (!living || std::find(living->begin(), living->end(), incarnation.id) != living->end());
  };
  return std::none_of(incarnations.begin(), incarnations.end(), [&](const IncarnationRow& incarnation) {
    // The principal offers what is remote to whoever takes it; nobody says beforehand what he can do.
    const bool isOffered = row.runner == Runner::remote && incarnation.role == Role::principal;
    return lives(incarnation) && incarnation.queueOwner() == row.owner &&
           (isOffered || knows(incarnation.kinds, row.kind, body.kindVersion));
  });
}

bool matches(const JobFilter& filter, const JobRow& row, const JobBody& body,
             const std::vector<IncarnationRow>& incarnations) {
  if (!filter.states.empty() && std::find(filter.states.begin(), filter.states.end(), row.state) == filter.states.end())
    return false;
  if (row.isForgotten && !filter.forgottenToo) return false;
  if (filter.owner && row.owner != *filter.owner) return false;
  if (!filter.kind.empty() && row.kind != filter.kind) return false;
  if (!filter.queue.empty() && row.queue != filter.queue) return false;
  if (filter.waitingFor && row.waitingFor != *filter.waitingFor) return false;
  if (filter.outcome && row.outcome != *filter.outcome) return false;
  if (!filter.labelName.empty()) {
    const auto label = body.labels.find(filter.labelName);
    if (label == body.labels.end() || (!filter.labelValue.empty() && label->second != filter.labelValue)) return false;
  }
  return !filter.unclaimable || isUnclaimable(row, body, incarnations, filter.living);
}

}  // namespace v1
}  // namespace callsheet
