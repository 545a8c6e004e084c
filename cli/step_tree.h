#pragma once
#include <vector>

#include "cli/json_output.h"
#include "core/job_store.h"

// What a job remembers of its steps, as people and programs read it. All texts are safe for a terminal.
namespace callsheet {
inline namespace v1 {

/// With values.
[[nodiscard]] std::vector<MemoRow> readSteps(JobStore& store, const JobRow& row);
/// As a tree, each step under the one that needed it. Of steps that have not ended the store knows those that lasted.
void printSteps(const std::vector<MemoRow>& steps, const JobRow& job);
/// An array of the steps; `parent` names another one's `id`, or is null under the root.
[[nodiscard]] Json stepsJson(const std::vector<MemoRow>& steps, const JobRow& job);

}  // namespace v1
}  // namespace callsheet
