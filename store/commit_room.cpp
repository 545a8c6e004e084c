#include "store/commit_room.h"

#include <algorithm>

namespace callsheet {
inline namespace v1 {

namespace {
const std::vector<NewJob>* jobsOf(const Verb& verb) {
  if (const auto* submit = std::get_if<Submit>(&verb)) return &submit->jobs;
  if (const auto* succeed = std::get_if<Succeed>(&verb)) return &succeed->then;
  if (const auto* fail = std::get_if<Fail>(&verb)) return &fail->then;
  return nullptr;
}

/// What a job that does another one again copies of that one's steps.
std::uint64_t inheritedBytes(LmdbRows& rows, JobID from) {
  std::uint64_t sum = 0;
  try {
    const auto former = rows.job(from);
    if (!former || former->memoCount == 0) return 0;
    rows.scanMemos(from, {}, [&](const MemoRow& memo) {
      sum += sizeof memo + memo.value.size();
      return true;
    });
  } catch (const UnreadableRow&) {
  }
  return sum;
}
}  // namespace

CommitRoom::Share CommitRoom::shareOf(const Verb& verb) {
  if (const auto* jobs = jobsOf(verb); jobs != nullptr && !jobs->empty()) return Share::jobs;
  if (std::holds_alternative<PutDefinitions>(verb)) return Share::jobs;
  const bool isOfSteps = std::holds_alternative<SaveResult>(verb) || std::holds_alternative<Suspend>(verb) ||
                         std::holds_alternative<CompleteExternal>(verb);
  return isOfSteps ? Share::steps : Share::unlimited;
}

std::uint64_t CommitRoom::bytesOf(const Verb& verb) {
  std::uint64_t sum = sizeOf(verb);
  if (const auto* jobs = jobsOf(verb))
    for (const NewJob& job : *jobs)
      if (!job.body.retryOf.isNil()) sum += inheritedBytes(rows_, job.body.retryOf);
  return 2 * sum;  // with places in the orders and half-filled pages
}

bool CommitRoom::isRepeat(const Verb& verb) {
  if (const auto* jobs = jobsOf(verb)) return !jobs->empty() && rows_.job(jobs->front().id);
  const auto isFinished = [&](JobID job, Fingerprint id) {
    const auto memo = rows_.memo(job, id);
    return memo && memo->isFinished();
  };
  if (const auto* save = std::get_if<SaveResult>(&verb))
    return std::all_of(save->memos.begin(), save->memos.end(),
                       [&](const MemoRow& memo) { return isFinished(save->attempt.job, memo.id); });
  if (const auto* suspend = std::get_if<Suspend>(&verb))
    return std::all_of(suspend->waits.begin(), suspend->waits.end(),
                       [&](const MemoRow& wait) { return rows_.memo(suspend->attempt.job, wait.id).has_value(); });
  if (const auto* complete = std::get_if<CompleteExternal>(&verb)) return isFinished(complete->job, complete->wait);
  return false;
}

const char* CommitRoom::whyFull(const Verb& verb) {
  const Share share = shareOf(verb);
  if (share == Share::unlimited) return nullptr;
  if (!filling_) filling_ = environment_.filling();
  const std::uint64_t most = filling_->mapBytes / 8 * (share == Share::jobs ? 6 : 7);
  const std::uint64_t taken = bytesOf(verb);
  if (filling_->takenBytes + taken <= most) {
    filling_->takenBytes += taken;
    return nullptr;
  }
  if (isRepeat(verb)) return nullptr;
  return share == Share::jobs ? "the store has no room for new jobs; prune done jobs or cancel waiting ones"
                              : "the store has no room for what steps leave; prune done jobs or cancel waiting ones";
}

}  // namespace v1
}  // namespace callsheet
