#pragma once
#include <string>

namespace callsheet {
inline namespace v1 {

/// Carries out a transfer, `download`, `upload` or `request`: its parameters come on stdin, what it has to say of
/// itself goes to the descriptor for results (jobs/transfer_report.h). Returns the process's exit code.
[[nodiscard]] int runTransferMachine(const std::string& name);

}  // namespace v1
}  // namespace callsheet
