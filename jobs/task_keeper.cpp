#include "jobs/task_keeper.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "callsheet/errors.h"
#include "callsheet/json_archive.h"
#include "callsheet/limits.h"
#include "core/crash_point.h"
#include "core/duration_text.h"
#include "core/names.h"
#include "ipc/boot_clock.h"
#include "ipc/process_state.h"
#include "jobs/command_end.h"
#include "jobs/kept_task.h"
#include "jobs/script_command.h"
#include "jobs/transfer_command.h"

namespace callsheet {
inline namespace v1 {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::uint32_t anyNumber() {
  thread_local std::minstd_rand random(std::random_device{}());
  return static_cast<std::uint32_t>(random());
}

bool wasAdoptedBy(const JobRow& row, IncarnationID attendant) {
  return std::any_of(row.recentLog.begin(), row.recentLog.end(), [&](const LogEntry& entry) {
    return entry.move == Move::adopt && entry.attempt == row.attempt && entry.actor == attendant.value;
  });
}

}  // namespace

TaskKeeper::TaskKeeper(EventLoop& loop, std::shared_ptr<TaskEnvironment> environment, Host& host, Options options)
    : loop_(loop),
      environment_(std::move(environment)),
      host_(host),
      options_(std::move(options)),
      bootID_(currentBootID()),
      starters_(std::in_place, options_.starters) {}

TaskKeeper::~TaskKeeper() {
  static_cast<void>(leave());
}

bool TaskKeeper::add(const TaskPointer& task) {
  const std::lock_guard lock(mutex_);
  return tasks_.try_emplace(task->key(), task).second;
}

void TaskKeeper::post(const TaskPointer& task, void (TaskKeeper::*work)(const TaskPointer&)) {
  {
    const std::lock_guard lock(mutex_);
    ++posted_;
  }
  starters_->post([this, task, work] {
    try {
      (this->*work)(task);
    } catch (const std::exception& error) {
      notDone(task, error.what());
    }
    const std::lock_guard lock(mutex_);
    --posted_;
    changed_.notify_all();
  });
}

void TaskKeeper::start(Claim::Item item, IncarnationID attendant) {
  auto task = std::make_shared<Task>(item.row, attendant, bootID_);
  task->item = std::move(item);
  task->isNew = true;
  if (add(task)) post(task, &TaskKeeper::launch);
}

TaskOrder TaskKeeper::orderOf(const Task& task) const {
  const JobBody& body = task.item->body;
  TaskOrder order;
  order.ref = task.ref;
  order.deadlineNanos = task.deadlineNanos;
  order.bells = options_.bells;
  if (task.isTransfer()) {
    order.command = commandOfTransfer(options_.program, task.kind, body.parameters);
  } else if (task.kind == scriptKind) {
    order.command = commandOfScript(options_.program, body.parameters, options_.scripts);
    if (order.deadlineNanos == 0 && options_.scripts.limit.count() > 0)
      order.deadlineNanos = nowNanos() + std::chrono::nanoseconds(options_.scripts.limit).count();
  } else {
    fromJson(body.parameters, order.command);
  }
  // For commands whose effects must not happen twice.
  order.command.env["CALLSHEET_JOB_ID"] = task.ref.job.toString();
  order.command.env["CALLSHEET_EXEC_ID"] = task.ref.exec.toString();
  if (!body.schedule.empty()) {
    order.command.env["CALLSHEET_SCHEDULE"] = body.schedule;
    order.command.env["CALLSHEET_OCCURRENCE"] = formatUtc(body.occurrence);
  }
  return order;
}

Verb TaskKeeper::verbOf(const Task& task, const TaskStatus& status, bool isCanceled) const {
  if (task.isTransfer()) return verbOfTransfer(task, status, isCanceled);
  if (task.kind == scriptKind)
    return verbOfScriptEnd(task.attempt, status, environment_->result(task.ref, scriptResultBytesMax), isCanceled,
                           anyNumber());
  return verbOfEnd(task.attempt, status, environment_->tail(task.ref, resultTailBytes), isCanceled, anyNumber());
}

Verb TaskKeeper::verbOfTransfer(const Task& task, const TaskStatus& status, bool isCanceled) const {
  const auto report = transferReportFrom(environment_->result(task.ref, transferReportBytesMax));
  // Another attempt could go on with them, but there will be none.
  if (isCanceled && report) removeFilesOf(*report);
  return verbOfTransferEnd(task.attempt, task.kind, status, report, isCanceled, anyNumber());
}

Fail TaskKeeper::failedStart(const Task& task, const std::string& sentence, bool mayTryAgain) const {
  return verbOfFailedStart(task.attempt, task.kind, sentence, mayTryAgain, anyNumber());
}

void TaskKeeper::launch(const TaskPointer& task) {
  crashPoint("command.claimed");
  if (stop_.stop_requested()) return finish(task, Unclaim{task->attempt, "the director stops"});
  TaskOrder order;
  try {
    order = orderOf(*task);
  } catch (const Error& error) {
    return finish(task, failedStart(*task, error.what(), false));
  }
  task->item.reset();
  if (const auto why = whyRefused(order.command)) return finish(task, failedStart(*task, *why, false));
  if (order.command.graceMs) setGrace(task, *order.command.graceMs);
  auto started = environment_->start(order, stop_.get_token());
  task->isNew = false;
  crashPoint("command.started");
  if (auto* running = std::get_if<RunningTask>(&started)) return attend(task, std::move(*running));
  const TaskFailure& failure = std::get<TaskFailure>(started);
  if (failure.isOfCommand) return finish(task, failedStart(*task, failure.sentence, true));
  finish(task, Unclaim{task->attempt, failure.sentence.substr(0, limits::textBytesMax)});
}

void TaskKeeper::compare(const std::vector<Key>& known, const std::vector<JobRow>& rows, IncarnationID attendant) {
  std::vector<TaskPointer> toEnd;
  std::vector<TaskPointer> found;
  std::set<Key> ours;
  bool hasLetGo = false;
  {
    const std::lock_guard lock(mutex_);
    for (const JobRow& row : rows) {
      const auto kept = tasks_.find({row.execID, attendant});
      ours.emplace(row.execID, attendant);
      if (kept != tasks_.end()) {
        if (row.cancelRequested && !std::exchange(kept->second->isCanceled, true)) toEnd.push_back(kept->second);
      } else if (!isLeaving_ && wasAdoptedBy(row, attendant)) {
        // What this very director has claimed is on its way to start().
        found.push_back(std::make_shared<Task>(row, attendant, bootID_));
      }
    }
    for (const Key& key : known) {
      const auto kept = tasks_.find(key);
      if (kept == tasks_.end() || ours.contains(key)) continue;
      if (kept->second->isSettled)
        tasks_.erase(kept);
      else
        hasLetGo = !std::exchange(kept->second->isLetGo, true) || hasLetGo;
    }
  }
  for (const TaskPointer& task : toEnd) askToEnd(task);
  for (const TaskPointer& task : found)
    if (add(task)) post(task, &TaskKeeper::lookFor);
  if (hasLetGo) host_.commandGone();
}

void TaskKeeper::setGrace(const TaskPointer& task, std::int64_t millis) {
  const std::lock_guard lock(mutex_);
  task->grace = milliseconds(millis);
}

void TaskKeeper::lookFor(const TaskPointer& task) {
  FoundTask found = environment_->find(task->ref, task->isOfThisBoot);
  if (const auto status = environment_->read(task->ref)) setGrace(task, status->graceMillis);
  settle(task, std::move(found));
}

void TaskKeeper::settle(const TaskPointer& task, FoundTask found) {
  using What = FoundTask::What;
  bool wasSeenRunning = false;
  bool isCanceled = false;
  {
    const std::lock_guard lock(mutex_);
    wasSeenRunning = task->wasSeenRunning;
    isCanceled = task->isCanceled;
  }
  switch (found.what) {
    case What::running:
      return attend(task, std::move(found.running));
    case What::ended:
      crashPoint("command.ended");
      return finish(task, verbOf(*task, found.status, isCanceled));
    case What::neverBegun:
      // Of one that was seen running somebody took the directory away.
      if (!wasSeenRunning) return finish(task, Unclaim{task->attempt, "it had not begun"});
      [[fallthrough]];
    case What::lost:
      say(LogLevel::warning, "job " + task->ref.job.toString() + ": its command is lost");
      return finish(task, verbOfLoss(task->attempt, task->kind, anyNumber()));
  }
}

void TaskKeeper::attend(const TaskPointer& task, RunningTask running) {
  // Its end may have come already; then there is nothing to watch.
  const bool hasProcess = running.process.isOpen();
  bool isToEnd = false;
  {
    const std::lock_guard lock(mutex_);
    task->running = std::move(running);
    task->wasSeenRunning = true;
    task->isRunning = hasProcess;
    isToEnd = task->isCanceled;
    if (isLeaving_) return;
  }
  if (!hasProcess) return conclude(task);
  // On the loop's thread, so that the end cannot be heard before the watch has its place.
  loop_.run([&] {
    FdWatch watch = loop_.watchFd(task->running.process.number(), [this, task] { ended(task); });
    const std::lock_guard lock(mutex_);
    task->watch = std::move(watch);
  });
  if (isToEnd) askToEnd(task);
}

void TaskKeeper::ended(const TaskPointer& task) {
  FdWatch watch;  // goes without the lock
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(task->isRunning, false)) return;
    watch = std::move(task->watch);
  }
  post(task, &TaskKeeper::conclude);
}

void TaskKeeper::askToEnd(const TaskPointer& task) {
  const std::lock_guard lock(mutex_);
  if (!task->isRunning || task->isLetGo) return;  // attend() or the end sees the flag
  task->askedAt = std::chrono::steady_clock::now();
  environment_->signal(task->running, TaskSignal::stop);
}

void TaskKeeper::conclude(const TaskPointer& task) {
  RunningTask ended;
  bool isLetGo = false;
  {
    const std::lock_guard lock(mutex_);
    ended = std::move(task->running);
    isLetGo = task->isLetGo;
  }
  environment_->release(ended);
  if (isLetGo) return finish(task, std::nullopt);
  settle(task, environment_->find(task->ref, task->isOfThisBoot));
}

/// A start that went wrong is the attempt's failure: no process was made. What a look could not see is looked at again.
void TaskKeeper::notDone(const TaskPointer& task, const std::string& sentence) {
  {
    const std::lock_guard lock(mutex_);
    task->isToBeLookedFor = !task->isNew;
  }
  if (task->isNew) return finish(task, failedStart(*task, sentence, true));
  say(LogLevel::warning, "job " + task->ref.job.toString() + ": its command is looked for again: " + sentence);
}

void TaskKeeper::finish(const TaskPointer& task, std::optional<Verb> end) {
  {
    const std::lock_guard lock(mutex_);
    if (task->isLetGo) end.reset();
  }
  const bool isOver = !end;
  host_.commandEnded(std::move(end));
  {
    const std::lock_guard lock(mutex_);
    task->isSettled = true;
    if (isOver) tasks_.erase(task->key());
  }
  host_.commandGone();
}

void TaskKeeper::kill(const TaskPointer& task) {
  say(LogLevel::warning, "job " + task->ref.job.toString() + ": its shim does not end its command, and is killed");
  environment_->kill(task->ref);
  // Should something be left even so, the next tick comes here again.
  const std::lock_guard lock(mutex_);
  task->isBeingKilled = false;
}

std::vector<TaskKeeper::Key> TaskKeeper::kept() const {
  const std::lock_guard lock(mutex_);
  std::vector<Key> keys;
  for (const auto& [key, task] : tasks_) keys.push_back(key);
  return keys;
}

std::size_t TaskKeeper::count(bool areTransfers) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(tasks_.begin(), tasks_.end(), [&](const auto& entry) {
    const Task& task = *entry.second;
    return task.isTransfer() == areTransfers && !task.isSettled && !task.isLetGo;
  }));
}

std::size_t TaskKeeper::leave() {
  {
    const std::lock_guard lock(mutex_);
    isLeaving_ = true;
  }
  stop_.request_stop();
  std::unique_lock lock(mutex_);
  const auto isQuiet = [this] { return posted_ == 0; };
  changed_.wait(lock, isQuiet);
  std::vector<FdWatch> watches;
  for (const auto& [key, task] : tasks_) watches.push_back(std::move(task->watch));
  lock.unlock();
  watches.clear();
  // A callback that was under way may have posted once more.
  lock.lock();
  changed_.wait(lock, isQuiet);
  lock.unlock();
  const std::size_t left = count(false) + count(true);
  lock.lock();
  tasks_.clear();
  return left;
}

void TaskKeeper::say(LogLevel level, const std::string& sentence) const {
  if (options_.log) options_.log(level, sentence);
}

}  // namespace v1
}  // namespace callsheet
