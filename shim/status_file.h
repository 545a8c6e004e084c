#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string_view>

#include "shim/output_file.h"
#include "shim/protocol.h"
#include "shim/task_lock.h"
#include "shim/task_spec.h"

namespace callsheet {
inline namespace v1 {

/// What a status file says beside what the record does. Times are UTC us.
struct TaskProgress {
  std::int64_t startedAt = 0;
  std::int64_t durationMillis = 0;  ///< by a clock that nobody sets
  std::string_view state = "running";
  std::string_view reason = "none";  ///< why it was asked to end: none, stopped, time-limit
};

/// Writes `TASK.result` under another name first, so that a reader sees the former one or the whole of this. With
/// `isDurable` it is on the disk before it has its name. False with errno; the former file stays then.
[[nodiscard]] bool writeStatusFile(int directory, const TaskSpec& spec, const ShimRecord& record,
                                   const TaskProgress& progress, const OutputFile& output, const OutputFile& errors,
                                   bool isDurable);

/// The file of the attempt before keeps its number.
void setStatusFileAside(int directory, const TaskSpec& spec);

}  // namespace v1
}  // namespace callsheet
