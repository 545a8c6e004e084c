#pragma once
#include <string>

namespace callsheet {
inline namespace v1 {

/// Where a machine of our own writes its result: the descriptor that its shim gave it.
inline constexpr int machineResult = 3;

/// The parameters of its job, which come on stdin. Throws Error(invalid) for more than a job may have.
[[nodiscard]] std::string machineInput();

}  // namespace v1
}  // namespace callsheet
