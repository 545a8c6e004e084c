#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "callsheet/log.h"
#include "core/job_store.h"
#include "ipc/store_paths.h"

namespace callsheet {
inline namespace v1 {

/// Walks the tasks' directories, a slice at a time: ends what runs there though its job has no living attempt - a
/// command whose job was discarded, what outlived a killed shim - removes what a transfer had on its way that was
/// canceled between its tries, and the directories of jobs that are gone with their retention, or forgotten and done.
/// Works on a thread of its own, because it waits for killed processes; begun and ended on the caller's.
class TasksSweep {
 public:
  TasksSweep(JobStore& store, const StoreDirectory& directory, LogSink log);
  /// Ends a slice that is under way within milliseconds.
  ~TasksSweep();

  /// Asks for a slice; returns at once. Any thread.
  void look();

 private:
  void run(const std::stop_token& stop);
  void slice(const std::stop_token& stop);
  void settle(int tasks, JobID job, const std::stop_token& stop);
  struct Ended {
    std::uint32_t before = 0;  ///< the attempts before this one
    bool isGone = false;       ///< there will be no other, and nobody reads of it any more
    bool isCanceledTransfer = false;
  };
  /// Nothing when an attempt of the job runs, or that cannot be told.
  [[nodiscard]] std::optional<Ended> endedOf(JobID job);

  struct Walk;
  JobStore& store_;
  const StoreDirectory& directory_;
  const LogSink log_;
  std::unique_ptr<Walk> walk_;  // the thread's own

  std::mutex mutex_;
  std::condition_variable_any wanted_;
  bool isWanted_ = false;  // guarded by mutex_
  std::jthread thread_;    // last: it uses all of the above
};

}  // namespace v1
}  // namespace callsheet
