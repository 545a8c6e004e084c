#pragma once
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
class Option;
}  // namespace CLI

namespace callsheet {
inline namespace v1 {

/// What an option or an argument is, taken from its definition.
struct OptionFacts {
  std::vector<std::string> names;    ///< "-v", "--verbose"; of an argument its one name
  std::string value;                 ///< what its value is, such as DIR; empty for a flag
  std::string description;           ///< one line
  std::vector<std::string> choices;  ///< all the values that there are; empty: any
  std::string range;                 ///< "1 to 4096"; empty: none
  std::string environment;           ///< the variable that stands for it
  bool isRequired = false;
  bool isRepeatable = false;
  bool isForAll = false;  ///< of the root: every command has it too
};

/// A command with what people may see of it; the root has the commands. What help, completion and man pages are made
/// of.
struct CommandFacts {
  std::string name;
  std::string description;
  std::string footer;
  std::vector<OptionFacts> options;
  std::vector<OptionFacts> arguments;
  std::vector<CommandFacts> commands;
};

[[nodiscard]] CommandFacts factsOf(CLI::App& app);

/// The type's name alone: CLI11 adds to it what the checks of the value say.
[[nodiscard]] std::string valueNameOf(const CLI::Option& option);

}  // namespace v1
}  // namespace callsheet
