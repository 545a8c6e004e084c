#pragma once
#include <string>

#include "cli/command_facts.h"

namespace callsheet {
inline namespace v1 {

/// callsheet(1), in the man macros of troff.
[[nodiscard]] std::string manPageOf(const CommandFacts& root);
/// callsheet-COMMAND(1).
[[nodiscard]] std::string manPageOf(const CommandFacts& root, const CommandFacts& command);

}  // namespace v1
}  // namespace callsheet
