#pragma once
#include <chrono>
#include <functional>

#include "callsheet/log.h"
#include "ipc/board.h"
#include "ipc/stopped_writer.h"

namespace callsheet {
inline namespace v1 {

/// Looks now and then whether the store stands still because a process was stopped inside a write, and ends that
/// process. The principal answers for everybody; while there is none, each waiting process for itself. Not thread-safe;
/// for a director's loop, or a WaitingWriter's thread.
class StoppedWriterWatch {
 public:
  /// `period` is how often tick() is going to be called.
  StoppedWriterWatch(const Board& board, std::chrono::milliseconds limit, std::chrono::milliseconds period,
                     LogSink log);

  /// `answersForAll`: any waiter counts; otherwise only this process.
  void tick(bool answersForAll);

 private:
  const Board& board_;
  const LogSink log_;
  StoppedWriter rule_;
};

}  // namespace v1
}  // namespace callsheet
