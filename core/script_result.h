#pragma once
#include <string>
#include <string_view>

#include "callsheet/job_failure.h"

namespace callsheet {
inline namespace v1 {

/// What a script gave as its result.
struct ScriptResult {
  std::string value = "null";  ///< JSON
  JobFailure failure;          ///< its type is empty unless the script failed
};

/// Reads what stands in the file of a script's result: {"result": any}, or {"error": {"message": ...}}, as our wrappers
/// write; else any JSON, which is the result itself; else a text. Nothing at all is null.
[[nodiscard]] ScriptResult scriptResultOf(std::string_view text);

}  // namespace v1
}  // namespace callsheet
