#pragma once
#include <string>

#include "core/task_body.h"
#include "jobs/command_spec.h"

namespace callsheet {
inline namespace v1 {

/// What a machine makes of a task's parameters: a command for a shim. Throws Error(invalid), with a sentence for
/// whoever wrote the task, when there is no such machine or it cannot run that. `program` is what runs machines of our
/// own: the `callsheet` command, as ownProgram() of one names it.
[[nodiscard]] CommandSpec commandOfTask(const TaskBody& task, const std::string& program);

/// The file of the program that this process runs. Of one that was upgraded since, its successor in that place.
[[nodiscard]] std::string ownProgram();

}  // namespace v1
}  // namespace callsheet
