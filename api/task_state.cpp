#include "api/task_state.h"

namespace callsheet {
inline namespace v1 {

std::string_view taskStateOf(const JobView& job) {
  switch (job.row.state) {
    case JobState::waiting:
    case JobState::ready:
    case JobState::requested:
      return "created";
    case JobState::inProgress:
      return job.row.cancelRequested ? "stopping" : "running";
    case JobState::done:
      break;
  }
  const bool isLost = job.row.outcome == JobOutcome::failed && job.result && job.result->failure.type == "lost";
  return isLost ? "lost" : "exited";
}

std::string taskText(const JobView& job) {
  // Neither the id nor the words need an escape.
  std::string text = R"({"taskId":")" + shortIDOf(job.row.id) + R"(","state":")";
  text.append(taskStateOf(job)).append(job.row.stalled ? R"(","stalled":true})" : "\"}");
  return text;
}

}  // namespace v1
}  // namespace callsheet
