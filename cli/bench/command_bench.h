#pragma once
#include "cli/commands.h"

namespace callsheet {
inline namespace v1 {

Work defineBench(CLI::App& app);
/// What the bench's children are; not for people, and not in the help.
Work defineBenchRole(CLI::App& app);

}  // namespace v1
}  // namespace callsheet
