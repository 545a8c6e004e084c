#include "store/combined_commit.h"

#include <algorithm>

#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "store/verb_archive.h"

namespace callsheet {
inline namespace v1 {

namespace {

/// The verbs of the groups that are to be applied, one after the other.
std::string questionOf(const std::vector<CommitQueue::Group>& groups) {
  std::string bytes;
  {
    RecordOut archive(bytes);
    for (const auto& group : groups)
      for (std::size_t i = 0; i < group.verbs.size(); ++i)
        if (!group.isSettled[i]) handed::write(archive, group.verbs[i]);
  }
  return bytes;
}

std::vector<Verb> verbsIn(std::string_view question) {
  std::vector<Verb> verbs;
  RecordIn archive(question);
  while (archive.bytesLeft() > 0) handed::read(archive, verbs.emplace_back());
  return verbs;
}

bool isRepeat(const AnyAnswer& answer) {
  const auto* submit = std::get_if<Submit::Answer>(&answer);
  if (submit == nullptr) return baseOf(answer).verdict == Verdict::alreadyApplied;
  return std::any_of(submit->jobs.begin(), submit->jobs.end(),
                     [](const SubmittedJob& job) { return job.verdict == Verdict::alreadyApplied; });
}

/// Behind the answers, both ways.
template <class Archive>
void carry(Archive& archive, Effects& effects) {
  archive(effects.owners, effects.finished, effects.closed, effects.scheduled);
}

}  // namespace

CombinedCommit::~CombinedCommit() {
  if (!isLeading_) return;
  if (!isWithdrawn_) exchange_->abandon();
  exchange_->settle(false);
  exchange_->endLead();
}

CombinedCommit::First CombinedCommit::begin(Effects& effects) {
  if (exchange_ == nullptr) return First::lead;
  if (exchange_->isAsking()) return First::asked;
  if (exchange_->tryLead()) return First::lead;
  if (!exchange_->ask(questionOf(groups_))) return First::asked;
  std::string_view answer;
  switch (exchange_->await(answer)) {
    case CommitExchange::Awaited::answer:
      return take(read(answer, effects)) ? First::answered : First::asked;
    case CommitExchange::Awaited::turn:
      return First::lead;
    case CommitExchange::Awaited::nothing:
      break;
  }
  return First::asked;
}

bool CombinedCommit::wasDoneByOther(Effects& effects) {
  if (exchange_ == nullptr) return false;
  const auto outcome = exchange_->withdraw();
  isWithdrawn_ = true;
  if (!outcome) return false;
  if (outcome->isDurable) return take(read(outcome->answer, effects));
  unsaid_ = read(outcome->answer, effects);
  return false;
}

AnyAnswer CombinedCommit::answerOf(std::size_t group, std::size_t verb, AnyAnswer applied) const {
  if (!unsaid_ || !isRepeat(applied)) return applied;
  const AnyAnswer& unsaid = (*unsaid_)[group][verb];
  return isAccepted(baseOf(unsaid).verdict) ? unsaid : applied;
}

std::optional<CombinedCommit::Answers> CombinedCommit::read(std::string_view bytes, Effects& effects) const {
  Answers answers;
  Effects read;
  try {
    RecordIn archive(bytes);
    for (const auto& group : groups_) {
      answers.push_back(group.answers);
      for (std::size_t i = 0; i < group.verbs.size(); ++i) {
        if (group.isSettled[i]) continue;
        AnyAnswer& answer = answers.back()[i];
        handed::read(archive, answer);
        if (answer.index() != group.answers[i].index()) return std::nullopt;
      }
    }
    carry(archive, read);
    archive.finish();
  } catch (const Error&) {
    // Of an exchange that was damaged. To apply the verbs once more is safe, and tells.
    return std::nullopt;
  }
  effects = std::move(read);
  return answers;
}

bool CombinedCommit::take(std::optional<Answers> answers) {
  if (!answers) return false;
  for (std::size_t i = 0; i < groups_.size(); ++i) groups_[i].answers = std::move((*answers)[i]);
  return true;
}

void CombinedCommit::applyOthers(std::size_t verbs, std::size_t bytes, const Apply& apply) {
  if (exchange_ == nullptr) return;
  while (verbs < limits::commitVerbsMax && bytes < limits::commitBytesMax) {
    const auto asked = exchange_->next();
    if (!asked) break;
    Effects effects;
    std::string answers;
    {
      RecordOut archive(answers);
      for (const AnyAnswer& answer : apply(verbsIn(asked->request), effects)) {
        handed::write(archive, answer);
        ++verbs;
      }
      carry(archive, effects);
    }
    bytes += asked->request.size();
    exchange_->answer(asked->place, answers);
    isShared_ = true;
  }
  if (isShared_) crashPoint("exchange.applied");
}

void CombinedCommit::succeeded() {
  if (!isLeading_) return;
  if (isShared_) crashPoint("exchange.committed");
  exchange_->settle(true);
}

}  // namespace v1
}  // namespace callsheet
