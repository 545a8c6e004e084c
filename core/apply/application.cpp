#include "core/apply/application.h"

#include <algorithm>
#include <cstdlib>

#include "callsheet/limits.h"
#include "core/apply/lane_move.h"

namespace callsheet {
inline namespace v1 {

void Effects::touch(IncarnationID owner) {
  if (std::find(owners.begin(), owners.end(), owner) == owners.end()) owners.push_back(owner);
}

AnyAnswer apply(const Verb& verb, const Moment& now, Rows& rows, Effects& effects) {
  Application application(now, rows, effects);
  AnyAnswer answer = std::visit([&](const auto& one) -> AnyAnswer { return application(one); }, verb);
  application.settleAtOnce();
  return answer;
}

bool Application::isOpen(IncarnationID id) {
  return rows_.isOpen(id);
}

namespace {
bool standsAt(const JobRow& row, const ReadyKey& key) {
  return readyKeyOf(row, row) == ReadyKeyView{key.owner, key.kind, key.queue, key.lane, key.rank, key.sequence};
}
bool standsAt(const JobRow& row, const WaitingKey& key) {
  return waitingKeyOf(row) == key;
}
bool standsAt(const JobRow& row, const DeadlineKey& key) {
  return deadlineKeyOf(row) == key;
}
bool standsAt(const JobRow& row, const DoneKey& key) {
  return doneKeyOf(row) == key;
}
bool standsAt(const JobRow& row, const AttachedKey& key) {
  const AttachedKeys keys = attachedKeysOf(row);
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}
bool standsAt(const JobRow& row, const PlaceKey& place) {
  return std::visit([&](const auto& key) { return standsAt(row, key); }, place);
}

std::optional<JobRow> readableRow(Rows& rows, JobID id) {
  try {
    return rows.job(id);
  } catch (const UnreadableRow&) {
    return std::nullopt;
  }
}
}  // namespace

template <class PlaceOrKey>
std::optional<JobRow> Application::rowAt(const PlaceOrKey& place, JobID id) {
  std::optional<JobRow> row = readableRow(rows_, id);
  // The orders carry no checksums, so a damaged one must not move a job that stands elsewhere.
  if (row && standsAt(*row, place)) return row;
  setAside(place, id);
  row.reset();
  return row;
}
template std::optional<JobRow> Application::rowAt(const PlaceKey&, JobID);
template std::optional<JobRow> Application::rowAt(const ReadyKey&, JobID);
template std::optional<JobRow> Application::rowAt(const WaitingKey&, JobID);
template std::optional<JobRow> Application::rowAt(const DeadlineKey&, JobID);

void Application::change(const JobFacts& before, JobRow& after, Move move, IncarnationID actor, std::string note) {
  // Nothing may appear behind adoption: a row of a closed owner goes to the principal with whatever write comes next.
  if (after.owner != principalOwner && after.state != JobState::done && !isOpen(after.owner))
    after.owner = principalOwner;
  if (!isLegal(before.state, move, after.state)) std::abort();
  // A job that moves to another owner or holder while its kind is put into lanes may come to stand behind where that
  // is.
  const bool hasMoved = before.state == after.state && (after.state == JobState::ready || isRunning(after)) &&
                        (before.owner != after.owner || before.holder != after.holder);
  if ((after.state == JobState::ready && before.state != JobState::ready) || hasMoved)
    after.lane = laneOfReady(after, nullptr);
  if (before.waitingFor == WaitReason::dependency && after.waitingFor != WaitReason::dependency)
    leavePrerequisites(after.id);
  writeLog(after, before.state, move, actor, std::move(note));
  touchUp(before, after);
  if (after.state == JobState::ready || after.state == JobState::waiting) effects_.touch(after.owner);
  if (after.state != JobState::done) return;
  effects_.finished = true;
  if (before.state == JobState::done) return;
  noteEnd(after.id);
  if (after.answersWait) answerWait(after);
}

void Application::touchUp(const JobFacts& before, JobRow& after) {
  after.version = ++rows_.totals().sequence;
  LaneMove lane(*this, &before, after);
  rows_.updateJob(before, after);
  lane.settle();
  countInQueue(before, after);
}

void Application::writeLog(JobRow& row, JobState before, Move move, IncarnationID actor, std::string note) {
  LogEntry entry;
  entry.at = now_.utcMicros;
  entry.move = move;
  entry.before = before;
  entry.after = row.state;
  entry.waitingFor = row.waitingFor;
  entry.attempt = row.attempt;
  entry.actor = actor.value;
  entry.note = std::move(note);
  if (row.state == JobState::waiting && row.wakeAt != never) entry.timer = row.wakeAt;
  if (isRunning(row) && row.deadlineNanos != 0) entry.timer = utcOfDeadline(row);
  if (row.recentLog.size() == limits::logEntriesInRow) {
    LogEntry& oldest = row.recentLog.front();
    oldest.index = row.spilledLogCount();
    rows_.putLog(row.id, oldest);
    row.recentLog.erase(row.recentLog.begin());
  }
  row.recentLog.reserve(limits::logEntriesInRow);
  row.recentLog.push_back(std::move(entry));
  if (++row.logCount > limits::logEntriesMax) rows_.eraseLog(row.id, row.firstLogIndex() - 1);
}

std::int64_t Application::utcOfDeadline(const JobFacts& facts) const {
  if (facts.deadlineBootID != now_.bootID) return now_.utcMicros;
  return now_.utcMicros + (facts.deadlineNanos - now_.bootNanos) / 1000;
}

void Application::becomeReady(JobRow& row) {
  row.state = JobState::ready;
  row.waitingFor = WaitReason::none;
  row.wakeAt = 0;
  row.readyAt = now_.utcMicros;
  row.sequence = ++rows_.totals().sequence;
}

void Application::becomeReadyAgain(JobRow& row, bool first) {
  const std::int64_t place = row.readyAt;
  becomeReady(row);
  if (place != 0) row.readyAt = place - (first ? limits::rankPerPriority.count() : 0);
}

void Application::becomeDone(JobRow& row, JobOutcome outcome) {
  row.state = JobState::done;
  row.waitingFor = WaitReason::none;
  row.outcome = outcome;
  row.wakeAt = 0;
  row.finishedAt = now_.utcMicros;
  row.cancelRequested = false;
  row.transferRequested = false;
}

void Application::endAttempt(JobRow& row) {
  row.holderKind = HolderKind::none;
  row.holder = Uuid{};
  row.deadlineNanos = 0;
  row.deadlineBootID = Uuid{};
  row.alone = false;
  row.stalled = false;
  row.cancelRequested = false;
  row.transferRequested = false;
  row.progress = 0;
  row.progressText.clear();
}

void Application::voidAttempt(JobRow& row) {
  endAttempt(row);
  row.execID = ExecID{};
}

}  // namespace v1
}  // namespace callsheet
