#pragma once
#include "api/job_json.h"

// What programs read.
namespace callsheet {
inline namespace v1 {

/// Prints an object over several lines.
void printJson(const Json& json);
/// Prints it in one line and flushes, for what comes one by one.
void printJsonLine(const Json& json);

}  // namespace v1
}  // namespace callsheet
