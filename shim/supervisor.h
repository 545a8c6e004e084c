#pragma once
#include "shim/output_file.h"
#include "shim/status_file.h"
#include "shim/task_lock.h"
#include "shim/task_spec.h"

namespace callsheet {
inline namespace v1 {

/// One run of a command, from its start to its last status. A shim has one.
struct Run {
  int directory = -1;
  TaskSpec spec;
  TaskLock lock;
  ShimRecord record;
  TaskProgress progress;
  OutputFile output;
  OutputFile errors;  ///< of use only where stderr is kept apart
  std::int64_t begunNanos = 0;
};

/// Attends to a command that runs: reads its output, obeys the director's signals, keeps its time limit, gives signs of
/// life, and when it has ended ends whatever it left. `run.record` says how it ended then.
void superviseCommand(Run& run);

/// Says the end in the record and in the status file. On a full disk the record alone does: it has its room already.
void recordEnd(Run& run);

/// What a shim blocks, to hear of it in between.
void blockSignals();

}  // namespace v1
}  // namespace callsheet
