#pragma once
#include <string>
#include <vector>

namespace callsheet {
inline namespace v1 {

/// A row of the table in docs/errors.md, in its words.
struct ExitCode {
  std::string code;
  std::string brief;  ///< for the help; empty for what is not in it
  std::string meaning;
  std::string next;
};

[[nodiscard]] std::vector<ExitCode> exitCodes();
/// "Exit codes: 0 done, ..." for the help.
[[nodiscard]] std::string exitCodesText();

}  // namespace v1
}  // namespace callsheet
