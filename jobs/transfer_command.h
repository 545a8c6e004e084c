#pragma once
#include <string>
#include <string_view>

#include "jobs/command_spec.h"

namespace callsheet {
inline namespace v1 {

/// The command that carries out a transfer of that kind; it reads the job's parameters by itself. `program` is the
/// `callsheet` command.
[[nodiscard]] CommandSpec commandOfTransfer(const std::string& program, std::string_view kind,
                                            const std::string& parameters);

}  // namespace v1
}  // namespace callsheet
