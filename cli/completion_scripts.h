#pragma once
#include <string>

#include "cli/command_facts.h"

// Completion for a shell. The scripts know commands, options and fixed values; what the store knows they ask
// `callsheet complete-words` for, and quote it before it gets on the line.
namespace callsheet {
inline namespace v1 {

[[nodiscard]] std::string bashScript(const CommandFacts& root);
[[nodiscard]] std::string zshScript(const CommandFacts& root);
[[nodiscard]] std::string fishScript(const CommandFacts& root);

}  // namespace v1
}  // namespace callsheet
