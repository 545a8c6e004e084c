// What a keeper sees about once a second: commands that do not obey, signs of life, and how far transfers are.
#include <algorithm>
#include <utility>

#include "jobs/kept_task.h"
#include "jobs/transfer_report.h"

namespace callsheet {
inline namespace v1 {

namespace {
// On top of the grace: a shim that was asked to end, or whose time is over, and is still there then does not obey.
constexpr std::chrono::seconds obedience{15};
// Of a report that is only of progress; a longer one is the end, which is read when the process has ended.
constexpr std::size_t progressBytesMax = 64u << 10;
}  // namespace

void TaskKeeper::tick(std::int64_t bootNanos) {
  std::vector<TaskPointer> disobedient;
  std::vector<TaskPointer> unseen;
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [key, task] : tasks_) {
      if (std::exchange(task->isToBeLookedFor, false)) unseen.push_back(task);
      if (!task->isRunning || task->isLetGo || task->isBeingKilled) continue;
      const auto patience = task->grace + obedience;
      const bool isAsked = task->askedAt && now > *task->askedAt + patience;
      const bool isLate =
          task->deadlineNanos != 0 && bootNanos > task->deadlineNanos + std::chrono::nanoseconds(patience).count();
      task->isBeingKilled = isAsked || isLate;
      if (task->isBeingKilled) disobedient.push_back(task);
    }
  }
  for (const TaskPointer& task : unseen) post(task, &TaskKeeper::lookFor);
  for (const TaskPointer& task : disobedient) post(task, &TaskKeeper::kill);
  lookForBeats();
  lookForProgress();
}

std::vector<TaskKeeper::TaskPointer> TaskKeeper::running() const {
  std::vector<TaskPointer> running;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, task] : tasks_)
    if (task->isRunning && !task->isLetGo) running.push_back(task);
  return running;
}

void TaskKeeper::lookForBeats() {
  // Looks are counted, not time: in a machine that was suspended nobody gives signs of life.
  const auto now = std::chrono::steady_clock::now();
  if (now < beatsLookedAt_ + beatPeriod) return;
  beatsLookedAt_ = now;
  const auto tell = [this](const Task& task, bool isStalled, const char* note) {
    host_.commandTells(Notify{task.attempt, task.share, task.text, true, note, isStalled});
  };
  for (const TaskPointer& task : running()) {
    const std::int64_t beat = environment_->lastBeat(task->ref);
    if (beat == std::exchange(task->lastBeat, beat)) {
      if (++task->missedBeats == missedBeatsMax) tell(*task, true, "its shim gives no signs of life");
    } else if (std::exchange(task->missedBeats, 0) >= missedBeatsMax) {
      tell(*task, false, "its shim gives signs of life again");
    }
  }
}

void TaskKeeper::lookForProgress() {
  for (const TaskPointer& task : running()) {
    if (!task->isTransfer()) continue;
    auto report = transferReportFrom(environment_->result(task->ref, progressBytesMax));
    if (!report || report->text == task->text) continue;
    task->share = static_cast<float>(std::clamp(report->share, 0.0, 1.0));
    task->text = std::move(report->text);
    host_.commandTells(Notify{task->attempt, task->share, task->text, false, {}, task->missedBeats >= missedBeatsMax});
  }
}

}  // namespace v1
}  // namespace callsheet
