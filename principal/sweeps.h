#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>

#include "callsheet/log.h"
#include "core/clock.h"
#include "core/once_per_sentence.h"
#include "ipc/board.h"
#include "ipc/lease_watch.h"
#include "ipc/store_paths.h"
#include "jobs/tasks_sweep.h"
#include "principal/stopped_readers.h"
#include "store/lmdb_job_store.h"

namespace callsheet {
inline namespace v1 {

/// What the principal does by the clock: ends attempts whose time is over, removes what retention lets go, frees dead
/// readers and ends stopped ones, finds hung directors, and has what commands left running ended; and
/// it finishes putting jobs into lanes where whoever defined their kind could not. Its tick is called
/// every `period` on the loop's thread; nothing in it blocks, and what one part of it cannot read hinders no other.
class Sweeps {
 public:
  struct Options {
    std::chrono::milliseconds lease;
    std::chrono::microseconds keepDoneFor;
    std::uint64_t keepDoneCount;
    LogSink log;
    std::function<void(IncarnationID)> onHung;
    std::chrono::milliseconds readerLimit{};  ///< a process that stands stopped in a snapshot for so long is killed
  };

  static constexpr std::chrono::milliseconds period{1250};  ///< an idle process wakes up less than once a second

  Sweeps(const StoreDirectory& directory, LmdbJobStore& store, Board& board, IncarnationID self, Options options);
  void tick();

 private:
  void expire();
  void prune();
  void relane();
  void findHung();
  void freeReaders();
  [[nodiscard]] bool mayKill(const StoppedReaders::Found& reader) const;

  const StoreDirectory& directory_;
  LmdbJobStore& store_;
  Board& board_;
  const IncarnationID self_;
  const Options options_;
  OncePerSentence troubles_;
  LeaseWatch leases_;
  StoppedReaders stoppedReaders_;
  std::set<pid_t> toldReaders_;  // which stand stopped and were told of
  std::uint64_t ticks_ = 0;
  TasksSweep tasks_;
  // Set while a slice is under way; shared with its answer.
  std::shared_ptr<std::atomic<bool>> isExpiring_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<bool>> isPruning_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<std::atomic<bool>> isLaning_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace v1
}  // namespace callsheet
