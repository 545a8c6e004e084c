#pragma once
#include <chrono>
#include <functional>

#include "callsheet/log.h"
#include "ipc/board.h"
#include "ipc/stopped_writer.h"

namespace callsheet {
inline namespace v1 {

/// Looks once a second whether the store stands still because a process was stopped inside a write, and ends that
/// process. The principal answers for everybody; while there is none, each director for itself. Lives on the loop's
/// thread.
class StoppedWriterWatch {
 public:
  StoppedWriterWatch(const Board& board, std::chrono::milliseconds limit, LogSink log);

  /// `answersForAll`: any waiter counts; otherwise only this process.
  void tick(bool answersForAll);

 private:
  const Board& board_;
  const LogSink log_;
  StoppedWriter rule_;
};

}  // namespace v1
}  // namespace callsheet
