#pragma once
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "callsheet/log.h"
#include "callsheet/script_options.h"
#include "core/verbs.h"
#include "core/worker_pool.h"
#include "ipc/event_loop.h"
#include "jobs/task_environment.h"

namespace callsheet {
inline namespace v1 {

/// A director's commands: starts what was claimed, finds again what others started, waits for all of it on the loop,
/// and says to its host what became of each. A command takes no thread while it runs, and goes on when its keeper does
/// not. Thread-safe.
class TaskKeeper {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    /// An attempt is over: Succeed, Fail or Unclaim; nothing when it is somebody else's by now. Until this has returned
    /// it counts. On a thread of the keeper, without a lock held.
    virtual void commandEnded(std::optional<Verb> end) = 0;
    /// After that: it does not count any more.
    virtual void commandGone() = 0;
    /// Its signs of life have ceased, or come again; or a transfer has come further. On the loop's thread.
    virtual void commandTells(Notify news) = 0;
  };
  struct Options {
    unsigned starters = 2;             ///< commands that are started at once, and ends that are looked at
    std::vector<std::string> bells{};  ///< as in TaskOrder
    std::string program{};             ///< the `callsheet` command, for scripts and transfers
    ScriptOptions scripts{};
    LogSink log{};
  };

  TaskKeeper(EventLoop& loop, std::shared_ptr<TaskEnvironment> environment, Host& host, Options options);
  /// leave(), if that was not called.
  ~TaskKeeper();

  /// One that was claimed just now.
  void start(Claim::Item item, IncarnationID attendant);
  /// An attempt, and the incarnation under which it is attended to: a director that begins anew may adopt its own.
  using Key = std::pair<ExecID, IncarnationID>;
  /// What the store says this director attends to, against what is kept here: what was adopted is found again, who was
  /// canceled is asked to end, and what is somebody else's by now is let go. `known` is what kept() said *before* the
  /// rows were read.
  void compare(const std::vector<Key>& known, const std::vector<JobRow>& rows, IncarnationID attendant);
  [[nodiscard]] std::vector<Key> kept() const;
  /// Those that count against the director's workers, or against its transfers.
  [[nodiscard]] std::size_t count(bool areTransfers) const;
  /// About once a second: kills what does not obey, and looks for signs of life. On the loop's thread.
  void tick(std::int64_t bootNanos);
  /// Begins nothing more, gives back what was not begun, and waits until what has ended is said. How many commands go
  /// on without a keeper. Again: zero.
  std::size_t leave();

 private:
  struct Task;
  using TaskPointer = std::shared_ptr<Task>;
  void launch(const TaskPointer& task);
  /// Of a claimed job. Throws Error(invalid) for parameters that are none.
  [[nodiscard]] TaskOrder orderOf(const Task& task) const;
  [[nodiscard]] Verb verbOf(const Task& task, const TaskStatus& status, bool isCanceled) const;
  void setGrace(const TaskPointer& task, std::int64_t millis);
  void lookFor(const TaskPointer& task);
  void attend(const TaskPointer& task, RunningTask running);
  void ended(const TaskPointer& task);
  void askToEnd(const TaskPointer& task);
  void conclude(const TaskPointer& task);
  void kill(const TaskPointer& task);
  void lookForBeats();
  void lookForProgress();
  [[nodiscard]] std::vector<TaskPointer> running() const;
  void settle(const TaskPointer& task, FoundTask found);
  void finish(const TaskPointer& task, std::optional<Verb> end);
  /// Runs it on a starter; what it throws fails the attempt.
  void post(const TaskPointer& task, void (TaskKeeper::*work)(const TaskPointer&));
  [[nodiscard]] Verb verbOfTransfer(const Task& task, const TaskStatus& status, bool isCanceled) const;
  [[nodiscard]] Fail failedStart(const Task& task, const std::string& sentence, bool mayTryAgain) const;
  [[nodiscard]] bool add(const TaskPointer& task);
  void notDone(const TaskPointer& task, const std::string& sentence);
  void say(LogLevel level, const std::string& sentence) const;

  EventLoop& loop_;
  const std::shared_ptr<TaskEnvironment> environment_;
  Host& host_;
  const Options options_;
  const Uuid bootID_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::map<Key, TaskPointer> tasks_;
  bool isLeaving_ = false;
  std::size_t posted_ = 0;  // work on the starters that has not returned

  std::chrono::steady_clock::time_point beatsLookedAt_{};  // the loop's thread only

  std::stop_source stop_;
  std::optional<WorkerPool> starters_;  // last: its threads use all of the above
};

}  // namespace v1
}  // namespace callsheet
