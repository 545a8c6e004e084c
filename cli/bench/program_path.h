#pragma once
#include <string>

namespace callsheet {
inline namespace v1 {

/// Where a program is: in PATH, or where servers are that PATH need not name. Empty: nowhere.
[[nodiscard]] std::string programPath(const std::string& program);

}  // namespace v1
}  // namespace callsheet
