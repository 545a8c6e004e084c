#pragma once
#include "callsheet/job_director.h"
#include "tests/support/process_role.h"

// The other side of DirectorProcess, for roles that are more than a director.
namespace callsheet::tests {

[[nodiscard]] JobDirectorOptions optionsOf(const RoleChannel& channel);
[[nodiscard]] JobDirectorMode modeOf(const RoleChannel& channel);
/// Does what the test says until it says quit; returns the exit code.
[[nodiscard]] int serveDirector(RoleChannel& channel, JobDirector& director);
[[nodiscard]] int playDirector(RoleChannel& channel);

}  // namespace callsheet::tests
