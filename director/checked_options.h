#pragma once
#include "callsheet/job_director.h"

namespace callsheet {
inline namespace v1 {

/// The same options, with a number of workers. Throws Error(usage) for a lease or a limit so short that what works
/// would be taken for hung, and for a negative grace.
[[nodiscard]] JobDirectorOptions checked(JobDirectorOptions options);

}  // namespace v1
}  // namespace callsheet
