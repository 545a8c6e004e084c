#pragma once
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "callsheet/log.h"
#include "core/job_store.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// Ends what commands left running whose jobs have no living attempt any more - canceled while their director was dead,
/// quarantined, waiting for their next attempt, or gone - and removes the lock files of such jobs, which every attempt
/// leaves behind. Works on a thread of its own, because it waits for killed processes; begun and ended on the caller's.
class TasksSweep {
 public:
  TasksSweep(JobStore& store, const StoreDirectory& directory, LogSink log);
  /// Ends a pass that is under way within milliseconds.
  ~TasksSweep();

  /// Asks for a pass over the files, of limited length, if there are any; returns at once. Any thread.
  void look();

 private:
  [[nodiscard]] bool hasFiles() const;
  /// What may be done about a job's file.
  enum class Reach {
    nothing,    ///< an attempt of it lives
    untended,   ///< another attempt may come at any time: only what no director attends to
    everything  ///< there is no other attempt to come
  };
  void run(const std::stop_token& stop);
  void pass(const std::stop_token& stop);
  void settle(int tasks, const std::string& name, Reach reach, const std::stop_token& stop);
  [[nodiscard]] Reach reachOf(JobID job);

  JobStore& store_;
  const StoreDirectory& directory_;
  const LogSink log_;
  // The thread's own: since when a director attends to a job without a living attempt. A living director lets go
  // within a command's grace.
  std::map<std::string, std::chrono::steady_clock::time_point> attendedSince_;

  std::mutex mutex_;
  std::condition_variable_any wanted_;
  bool isWanted_ = false;  // guarded by mutex_
  std::jthread thread_;    // last: it uses all of the above
};

}  // namespace v1
}  // namespace callsheet
