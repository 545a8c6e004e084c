#pragma once
#include <string>
#include <string_view>

#include "core/job_store.h"

namespace callsheet {
inline namespace v1 {

// A command's job as /v1/tasks tells of it. The words are those of the Tessia task runner, whose API this is.

/// created, running, stopping, exited, or lost: its process is gone, and nobody knows how it ended.
[[nodiscard]] std::string_view taskStateOf(const JobView& job);

/// `{"taskId":"3df2bb24","state":"running"}`, in this order; `"stalled":true` stands behind when its shim has not
/// given a sign of life for too long.
[[nodiscard]] std::string taskText(const JobView& job);

}  // namespace v1
}  // namespace callsheet
