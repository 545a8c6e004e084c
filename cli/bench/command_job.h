#pragma once
#include <string>
#include <vector>

#include "core/verbs.h"

namespace callsheet {
inline namespace v1 {

/// A job that runs a command in the root directory.
[[nodiscard]] NewJob commandJob(const std::vector<std::string>& argv);

}  // namespace v1
}  // namespace callsheet
